/**
 * @module How lasting hashes are written into `known_key`, for a set that is forgotten and in a restore: in the order of the hashes, a thousand
 * neighbours a transaction, so that no transaction says which rows they belong to. What is there stays.
 */
import { retentionEnd } from '../../domain/embargo.ts';
import { uint32, writeUint32 } from '../../domain/publication/packed-keys.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { inSlices } from '../pace.ts';
import { HASH_BYTES } from './row-cipher.ts';
import type { MergedRuns, RecordShape } from './sorted-runs.ts';

/** Neighbours lie on few pages of the index: written in some 3 ms. */
const HASHES_A_SLICE = 1_000;
/** A lasting hash, then the hour of its end. */
export const KNOWN_SHAPE: RecordShape = { bytes: HASH_BYTES + 4, sortBytes: HASH_BYTES };
const HOUR_DIGITS = 10;
const INSERT_HASHES = `INSERT INTO known_key
  WITH RECURSIVE place (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM place WHERE n + 1 < ?3)
  SELECT substr(?1, n * ${HASH_BYTES} + 1, ${HASH_BYTES}), CAST(substr(?2, n * ${HOUR_DIGITS} + 1, ${HOUR_DIGITS}) AS INTEGER)
  FROM place WHERE true ON CONFLICT DO NOTHING`;

/** Writes a record of {@link KNOWN_SHAPE}. @param hash the key's lasting hash @param key in published form */
export function writeKnown(
  records: Uint8Array,
  offset: number,
  hash: Uint8Array,
  key: TemporaryExposureKey,
  retentionDays: number,
): void {
  records.set(hash, offset);
  writeUint32(records, offset + HASH_BYTES, hourOf(retentionEnd(key, retentionDays) - 1) + 1);
}

/** Writes all hashes that the runs hold. Idempotent. */
export async function storeKnown(storage: DurableObjectStorage, runs: MergedRuns): Promise<void> {
  runs.seek(null);
  const hashes = new Uint8Array(HASHES_A_SLICE * HASH_BYTES);
  await inSlices(
    () => {
      const ends: string[] = [];
      const had = runs.take(HASHES_A_SLICE, (records, offset, n) => {
        hashes.set(records.subarray(offset, offset + HASH_BYTES), n * HASH_BYTES);
        ends.push(String(uint32(records, offset + HASH_BYTES)).padStart(HOUR_DIGITS, '0'));
      });
      // One value for all hashes and one for all hours: a thousand small arrays a slice would be left to the garbage collector.
      if (had > 0) storage.transactionSync(() => storage.sql.exec(INSERT_HASHES, hashes, ends.join(''), had));
      return had;
    },
    (had) => had === HASHES_A_SLICE,
  );
}
