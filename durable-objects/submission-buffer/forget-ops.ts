/**
 * @module How a published set is forgotten (docs/architecture.md §4.5): the lasting hashes of all its keys take over, then its rows
 * go, then the keys of its hours (hour-keys.ts). Everything in slices, so that uploads come in between.
 *
 * Until then a key is known by its row; so no upload ever writes a lasting hash, and SQLite's log never shows which hashes
 * came together. Written are those of a whole set, in the order of the hashes, a thousand neighbours a transaction: which of
 * the set's rows they belong to, no transaction says.
 *
 * Durable order: hashes, rows, counters and the set, keys. A crash in between leaves a set that the publisher has forgotten
 * again: hashes that are there stay, rows that went are known by theirs, keys without rows are erased.
 */
import { inSlices, pause } from '../pace.ts';
import { unpackKey } from '../../domain/publication/packed-keys.ts';
import type { BufferConfig } from './config.ts';
import { count } from './counters.ts';
import { readSet } from './freeze-ops.ts';
import type { Ciphers } from './hour-keys.ts';
import { KNOWN_SHAPE, storeKnown, writeKnown } from './known-hashes.ts';
import { release, Scratch } from './memory.ts';
import {
  FIELDS_OFFSET,
  HASH_BYTES,
  HASH_OFFSET,
  REVISED_OFFSET,
  STORED_ROW_BYTES,
  WITHDRAWAL_OFFSET,
} from './row-cipher.ts';
import { MergedRuns, sortRecords } from './sorted-runs.ts';
import { deleteWaitingSlice, readWaiting, waitingHours } from './waiting-rows.ts';
import { firstQueuedHour } from './withdrawal-queue.ts';

/** 9 MB in memory: a larger set is done in parts, by the first byte of the hash, each with a pass over the rows. */
const HASHES_IN_MEMORY = 250_000;
const PACKED = new Scratch();

/**
 * Forgets a set that is INDEXED in every region. Idempotent. The rows of the newest set and of the last that held keys stay
 * in `release_set`: they say from where the next one starts.
 */
export async function forgetSet(
  storage: DurableObjectStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  setNo: number,
): Promise<void> {
  const set = readSet(storage.sql, setNo);
  const range =
    set === null || set.firstHour === null || set.lastHour === null ? null : ([set.firstHour, set.lastHour] as const);
  if (set !== null && range !== null) {
    const hours = waitingHours(storage.sql, ...range);
    const parts = Math.max(1, Math.ceil(set.keys / HASHES_IN_MEMORY));
    let bad = 0;
    for (let part = 0; part < parts; part++) bad = await keepHashes(storage, config, ciphers, hours, part, parts);
    // Before they go: cut off in between, what is left of them is counted again rather than never.
    count(storage.sql, 'rows_without_key', bad);
    for (const hour of hours) await deleteRows(storage, hour);
  }
  storage.transactionSync(() => {
    const sql = storage.sql;
    if (range !== null) {
      sql.exec('DELETE FROM row_label WHERE release_hour BETWEEN ? AND ?', ...range);
      sql.exec('DELETE FROM release_counter WHERE release_hour <= ?', range[1]);
    }
    sql.exec('UPDATE release_set SET purged = 1 WHERE set_no = ?', setNo);
    // What a later set needs: the newest number and hour, and the last release hour that is covered.
    sql.exec(
      `DELETE FROM release_set WHERE purged = 1 AND set_no < (SELECT max(set_no) FROM release_set)
       AND set_no <> coalesce((SELECT max(set_no) FROM release_set WHERE last_hour IS NOT NULL), 0)`,
    );
  });
}

/** @returns the first hour whose key is still needed: rows wait in it, or may still come, or keys that were taken back */
export function firstNeededHour(sql: SqlStorage): number {
  const frozen = sql.exec<{ hour: number | null }>('SELECT max(hour) AS hour FROM release_set').one().hour ?? -1;
  return Math.min(waitingHours(sql)[0] ?? Infinity, firstQueuedHour(sql), frozen + 1);
}

/** @returns rows that no key opens */
async function keepHashes(
  storage: DurableObjectStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  hours: readonly number[],
  part: number,
  parts: number,
): Promise<number> {
  const runs = new MergedRuns(KNOWN_SHAPE);
  let bad = 0;
  for (const hour of hours) {
    for (let after: Uint8Array | null = null; ;) {
      const { rows, read, last, memory } = readWaiting(storage.sql, ciphers, hour, after);
      if (last === null) break;
      bad += read - rows.length / STORED_ROW_BYTES;
      runs.add(sortRecords(KNOWN_SHAPE, hashesOf(config, rows, part, parts)));
      release(memory);
      after = last;
      await pause();
    }
  }
  await storeKnown(storage, runs);
  return bad;
}

/** @returns hashes of a part, in memory that the next call uses again */
function hashesOf(config: BufferConfig, rows: Uint8Array, part: number, parts: number): Uint8Array {
  const records = PACKED.take((rows.length / STORED_ROW_BYTES) * KNOWN_SHAPE.bytes);
  let at = 0;
  for (let row = 0; row < rows.length; row += STORED_ROW_BYTES) {
    if (Math.floor((rows[row + HASH_OFFSET]! * parts) / 256) !== part) continue;
    const hash = rows.subarray(row + HASH_OFFSET, row + HASH_OFFSET + HASH_BYTES);
    const openedBy = rows.subarray(row + WITHDRAWAL_OFFSET, row + STORED_ROW_BYTES);
    const key = unpackKey(rows, row + FIELDS_OFFSET);
    const isRevised = rows[row + REVISED_OFFSET] !== 0;
    writeKnown(records, at, { hash, openedBy, key, isRevised }, config.policy.retentionDays);
    at += KNOWN_SHAPE.bytes;
  }
  return records.subarray(0, at);
}

async function deleteRows(storage: DurableObjectStorage, hour: number): Promise<void> {
  await inSlices(
    () => storage.transactionSync(() => deleteWaitingSlice(storage.sql, hour)),
    (more) => more,
  );
}
