/**
 * @module A 409: is the upload that has our tag our own? Tags are everybody's, so the tag proves nothing; the audit of the batch that
 * the upload is in names a signature, and ours over our bytes is nobody else's. Batches are walked from the day of the first
 * attempt, one a step; an upload is in one after 300 s, 1,200 s at most when the gateway is busy (docs/spec/europe.md §3.6).
 */
import { faultOfEntry, readAudit } from '../../../protocol/efgs/audit.ts';
import type { EfgsKey } from '../../../protocol/efgs/batch.ts';
import { readTag } from '../../../protocol/efgs/tags.ts';
import { dateOfHour, dateOf, hourOf, SECONDS_PER_DAY } from '../../../protocol/gaen/intervals.ts';
import { fromUtf8 } from '../../../protocol/primitives/bytes.ts';
import { ask, type Trouble, troubleOf } from './ask.ts';
import { findBatch } from './batches.ts';
import type { EfgsPorts } from './ports.ts';

/** Where we look. */
export interface Contest {
  /** The batch to look at next; null: the first of the day. */
  readonly tag: string | null;
  /** Hours since the Unix epoch: when all batches were looked at then, it isn't ours. */
  readonly untilHour: number;
}

/** At least an hour, three times what a busy gateway takes. */
export const CONTEST_HOURS = 2;

export type Looked =
  | { readonly kind: 'ours' | 'not-ours' }
  | { readonly kind: 'on'; readonly contest: Contest; readonly again: boolean; readonly trouble: Trouble | null };

/**
 * @param hour of the first attempt, since the Unix epoch
 * @param keys of the upload
 */
export async function contestStep(
  contest: Contest,
  hour: number,
  ports: EfgsPorts,
  keys: readonly EfgsKey[],
): Promise<Looked> {
  const now = ports.now();
  const isOver = hourOf(now) >= contest.untilHour;
  const oldest = dateOf(now - ports.settings.maxAgeDays * SECONDS_PER_DAY);
  const first = dateOfHour(hour);
  const date = readTag(contest.tag ?? '')?.date ?? (first < oldest ? oldest : first);
  const found = await findBatch(ports, date, contest.tag);
  if (found.kind === 'trouble') return { kind: 'on', contest, again: false, trouble: found.trouble };
  if (found.kind !== 'found') return waitOrEnd(isOver, { ...contest, tag: null });
  const { tag, next } = found.batch;
  const answer = await ask(ports, {
    method: 'GET',
    path: `/audit/download/${readTag(tag)?.date ?? ''}/${tag}`,
    headers: { accept: 'application/json' },
  });
  if (answer?.status === 200) {
    if (isIn(answer.body, ports, keys)) return { kind: 'ours' };
  } else if (answer?.status !== 404 && answer?.status !== 410) {
    return { kind: 'on', contest, again: false, trouble: troubleOf(answer) };
  }
  if (next !== null) return { kind: 'on', contest: { ...contest, tag: next }, again: true, trouble: null };
  return waitOrEnd(isOver, { ...contest, tag });
}

const waitOrEnd = (isOver: boolean, contest: Contest): Looked =>
  isOver ? { kind: 'not-ours' } : { kind: 'on', contest, again: false, trouble: null };

function isIn(body: Uint8Array, { settings, now }: EfgsPorts, keys: readonly EfgsKey[]): boolean {
  let text: string;
  try {
    text = fromUtf8(body);
  } catch {
    return false;
  }
  const { country, anchor } = settings;
  // Ours even where the certificate was revoked since.
  const trust = { homeCountry: country, anchor, revoked: new Set<string>(), now: now() };
  const own = (readAudit(text) ?? []).filter((entry) => entry.country === country && entry.amount === keys.length);
  return own.some((entry) => faultOfEntry(keys, entry, trust) === null);
}
