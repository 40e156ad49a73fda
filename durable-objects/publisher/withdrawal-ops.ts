/**
 * @module Published keys that their owners took back (docs/decisions/042): before an hour is frozen, what was withdrawn until its end becomes one request to take back
 * (take-back.ts), whoever's keys they were, and ends with that hour. What was said anew of keys until then becomes a request for each report type that they are to have (docs/decisions/065).
 *
 * Durable order: the buffer's batch, the requests under the batch's id and what follows from it, the buffer forgets the batch, then the hour's row here. A crash between two repeats the step: the
 * batch is the same until it is forgotten, and a request is kept once by its id.
 */
import { REVISED_TYPES, type RevisedType } from '../../protocol/gaen/keys.ts';
import { unpackKeyRevisions } from '../../domain/publication/revision.ts';
import { concatBytes, toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { WithdrawalBatch } from '../submission-buffer/contract.ts';
import { findRows } from './find-rows.ts';
import type { Publication } from './publication.ts';
import { BufferOutOfReach, reach } from './record-writer.ts';
import { keepRequest } from './take-back.ts';

/** The last hour for which the buffer was asked. */
const ASKED = 'withdrawals_hour';

/**
 * @param hour that has ended and isn't frozen
 * @returns whether a step was taken; false when the hour has nothing to take back, or was asked about
 * @throws BufferOutOfReach
 */
export async function withdrawalStep(p: Publication, hour: number): Promise<boolean> {
  if ((p.store.meta(ASKED) ?? -1) >= hour) return false;
  const isTaken = await attempt(p, hour);
  p.store.transaction(() => p.store.setMeta(ASKED, hour));
  return isTaken;
}

/** What fails for another reason than the buffer, a lost record say, stops no hour: the batch waits for the next one. */
async function attempt(p: Publication, hour: number): Promise<boolean> {
  const batch = await reach(p.buffer.withdrawals(hour));
  if (batch === null) return false;
  try {
    const parts = await findRows(p, batch.teks);
    // Of none where a set was given up: those stay with the buffer.
    if (parts.length > 0) await keepRequest(p, { id: batch.id, cause: 'withdrawal', parts });
    for (const to of REVISED_TYPES) await askRevision(p, batch, to);
    await reach(p.buffer.withdrawn(batch.id));
  } catch (error) {
    if (error instanceof BufferOutOfReach) throw error;
    p.store.count('alert_withdrawals_not_taken');
    return false;
  }
  return true;
}

async function askRevision(p: Publication, { id, revised }: WithdrawalBatch, to: RevisedType): Promise<void> {
  // Of the rest, weight and onset, nothing is said: see reviseRow.
  const meant = unpackKeyRevisions(revised).filter(({ fields }) => fields.reportType === to);
  const parts = await findRows(p, concatBytes(...meant.map(({ keyData }) => keyData)));
  if (parts.length > 0) await keepRequest(p, { id: revisionId(id, to), cause: 'revision', to, parts });
}

/** @returns id of a batch's request for a report type: the same whenever it is asked for again */
function revisionId(batch: string, to: RevisedType): string {
  const digits = toHex(sha256(utf8(`exposure-edge/revision/v1\0${batch}\0${to}`)));
  return [0, 8, 12, 16, 20].map((at, n, starts) => digits.slice(at, starts[n + 1] ?? 32)).join('-');
}
