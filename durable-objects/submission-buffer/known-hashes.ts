/**
 * @module How lasting hashes are written into `known_key`, for a set that is forgotten and in a restore: in the order of the hashes, a thousand
 * neighbours a transaction, so that no transaction says which rows they belong to. What is there stays.
 */
import { retentionEnd } from '../../domain/embargo.ts';
import { uint32, writeUint32 } from '../../domain/publication/packed-keys.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { WITHDRAWAL_HASH_BYTES } from '../../protocol/withdrawal.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { inSlices } from '../pace.ts';
import { HASH_BYTES } from './row-cipher.ts';
import type { MergedRuns, RecordShape } from './sorted-runs.ts';

/** Neighbours lie on few pages of the index: written in some 3 ms. */
const HASHES_A_SLICE = 1_000;
/** A lasting hash, then the hour of its end, then the withdrawal hash, then what the key was revised to. */
export const KNOWN_SHAPE: RecordShape = { bytes: HASH_BYTES + 4 + WITHDRAWAL_HASH_BYTES + 1, sortBytes: HASH_BYTES };
const END_OFFSET = HASH_BYTES;
const OPENED_BY_OFFSET = END_OFFSET + 4;
const REVISED_OFFSET = OPENED_BY_OFFSET + WITHDRAWAL_HASH_BYTES;
const HOUR_DIGITS = 10;
const INSERT_HASHES = `INSERT INTO known_key
  WITH RECURSIVE place (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM place WHERE n + 1 < ?3)
  SELECT substr(?1, n * ${HASH_BYTES} + 1, ${HASH_BYTES}), CAST(substr(?2, n * ${HOUR_DIGITS} + 1, ${HOUR_DIGITS}) AS INTEGER),
    substr(?4, n * ${WITHDRAWAL_HASH_BYTES} + 1, ${WITHDRAWAL_HASH_BYTES}), CAST(substr(?5, n + 1, 1) AS INTEGER)
  FROM place WHERE true ON CONFLICT DO NOTHING`;

/** What is known of a key when its row is gone. */
interface KnownKey {
  /** Its lasting hash. */
  readonly hash: Uint8Array;
  /** Its withdrawal hash (protocol/withdrawal.ts). */
  readonly openedBy: Uint8Array;
  /** In published form. */
  readonly key: TemporaryExposureKey;
  /** Whether that isn't what was said of it first. */
  readonly isRevised: boolean;
}

/** Writes a record of {@link KNOWN_SHAPE}. */
export function writeKnown(
  records: Uint8Array,
  offset: number,
  { hash, openedBy, key, isRevised }: KnownKey,
  retentionDays: number,
): void {
  records.set(hash, offset);
  writeUint32(records, offset + END_OFFSET, hourOf(retentionEnd(key, retentionDays) - 1) + 1);
  records.set(openedBy, offset + OPENED_BY_OFFSET);
  records[offset + REVISED_OFFSET] = isRevised ? key.reportType : 0;
}

/** Writes all hashes that the runs hold. Idempotent. */
export async function storeKnown(storage: DurableObjectStorage, runs: MergedRuns): Promise<void> {
  runs.seek(null);
  const hashes = new Uint8Array(HASHES_A_SLICE * HASH_BYTES);
  const openedBy = new Uint8Array(HASHES_A_SLICE * WITHDRAWAL_HASH_BYTES);
  await inSlices(
    () => {
      const ends: string[] = [];
      let revised = '';
      const had = runs.take(HASHES_A_SLICE, (records, offset, n) => {
        hashes.set(records.subarray(offset, offset + HASH_BYTES), n * HASH_BYTES);
        ends.push(String(uint32(records, offset + END_OFFSET)).padStart(HOUR_DIGITS, '0'));
        const from = offset + OPENED_BY_OFFSET;
        openedBy.set(records.subarray(from, from + WITHDRAWAL_HASH_BYTES), n * WITHDRAWAL_HASH_BYTES);
        revised += String(records[offset + REVISED_OFFSET]);
      });
      // One value for all of a column: a thousand small arrays a slice would be left to the garbage collector.
      if (had === 0) return had;
      storage.transactionSync(() => storage.sql.exec(INSERT_HASHES, hashes, ends.join(''), had, openedBy, revised));
      return had;
    },
    (had) => had === HASHES_A_SLICE,
  );
}
