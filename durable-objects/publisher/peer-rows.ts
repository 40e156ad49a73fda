/**
 * @module Published rows of peers (docs/architecture.md §9): a batch that came from one, or from a gateway of many, is taken back whole, by its provenance in the records, without the undo key, since who vouched for it isn't a secret.
 */
import { ROW_BYTES, rowProvenance, type Provenance } from '../../domain/publication/packed-keys.ts';
import { partKey, type RecordPart, type SetRecord } from '../../domain/publication/record.ts';
import type { TakenRows } from '../../domain/publication/taken.ts';
import type { PeerBatchUndo } from '../../domain/rpc-federation.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { pause } from '../pace.ts';
import { takenOf } from './find-rows.ts';
import type { Publication } from './publication.ts';
import { keepRequest } from './take-back.ts';

type RecordsPort = Pick<Publication, 'now' | 'store' | 'privateBucket' | 'workspace' | 'config'>;

/** sealing: an hour is being written; ask again. kept: durably; how many rows. */
export type TakeBackPeerBatchReply = { readonly kind: 'sealing' } | { readonly kind: 'kept'; readonly rows: number };

/** Keeps a request for the published rows of a peer's batch (take-back.ts); idempotent by its id. */
export async function takeBackPeerBatch(
  p: Publication,
  { id, peer, batch, throughSet }: PeerBatchUndo & { readonly throughSet: number },
): Promise<TakeBackPeerBatchReply> {
  // Of a set that is not recorded nobody knows the rows, and a request is kept once.
  if (p.store.hoursIn('FROZEN').length > 0 || p.store.lastSet() < throughSet) return { kind: 'sealing' };
  const parts = await rowsOf(p, (about) => about.batch === batch && about.origin === (peer ?? about.origin));
  const rows = parts.reduce((sum, part) => sum + part.rows.length, 0);
  if (rows > 0) await keepRequest(p, { id, cause: 'rollback', parts });
  return { kind: 'kept', rows };
}

async function rowsOf(p: RecordsPort, isMeant: (about: Provenance) => boolean): Promise<TakenRows[]> {
  const today = Math.floor(p.now / SECONDS_PER_DAY);
  const found: TakenRows[] = [];
  for (const { hour, record } of p.store.hoursBetween(0, Number.MAX_SAFE_INTEGER)) {
    const meant = remoteIds(record, isMeant);
    for (const part of meant.size === 0 ? [] : record!.parts) {
      if (part.day <= today) continue;
      const bytes = await partOf(p, hour, part);
      const gone = await takenOf(p, hour, part);
      const rows = Array.from({ length: part.rows }, (_, row) => row).filter(
        (row) => meant.has(rowProvenance(bytes, row * ROW_BYTES)) && !gone.has(row),
      );
      if (rows.length > 0) found.push({ hour, day: part.day, n: part.n, rows: Uint32Array.from(rows) });
      await pause();
    }
  }
  return found;
}

/** @returns numbers that the record has for provenances that are meant */
function remoteIds(record: SetRecord | null, isMeant: (about: Provenance) => boolean): ReadonlySet<number> {
  return new Set(
    Object.entries(record?.provenances ?? {}).flatMap(([id, about]) => (isMeant(about) ? [Number(id)] : [])),
  );
}

async function partOf(p: RecordsPort, hour: number, part: Pick<RecordPart, 'day' | 'n'>): Promise<Uint8Array> {
  const bytes = await p.privateBucket.get(partKey(hour, part));
  if (bytes === null) throw new Error(`the private record lacks ${partKey(hour, part)}`);
  return bytes;
}
