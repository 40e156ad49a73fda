/**
 * @module Published keys that their owners took back, until the publisher ends them (docs/decisions/042). They lie as waiting rows do: by tag, under the key
 * of an hour to come, which is erased when they are gone. All of one hour are one batch, so that it isn't told whose went together.
 *
 * Durable order: a withdrawal's rows are one transaction, on disk before its answer. A batch is fixed in a transaction of its own, before the publisher hears of it:
 * later withdrawals go to later hours, so that whoever asks again gets the same. Its rows and it go in one transaction, after the publisher has them. A crash in
 * between leaves a batch that is asked for again under the same id.
 */
import { TEK_OFFSET } from '../../domain/publication/packed-keys.ts';
import { compareBytes, concatBytes } from '../../protocol/primitives/bytes.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { insertRows, type InsertTarget } from '../insert-rows.ts';
import type { WithdrawalBatch } from './contract.ts';
import type { Ciphers } from './hour-keys.ts';
import { FIELDS_OFFSET, STORED_ROW_BYTES, TAG_BYTES } from './row-cipher.ts';
import { presentTags, waitingHours } from './waiting-rows.ts';

const WITHDRAWN_KEY: InsertTarget = { table: 'withdrawn_key', columns: 3, onConflict: 'ON CONFLICT DO NOTHING' };
const TEK_IN_ROW = FIELDS_OFFSET + TEK_OFFSET;
const TEK_BYTES = 16;

/** A key in the queue. */
export interface QueuedKey {
  readonly hour: number;
  readonly keyData: Uint8Array;
}

/**
 * Puts keys into the queue, each once; runs inside a transaction.
 *
 * @param ciphers ready for `now`
 * @param now Unix seconds
 * @param keys key_data, 16 bytes each
 * @throws Error when there is no key for the hour
 */
export function queueKeys(sql: SqlStorage, ciphers: Ciphers, now: number, keys: readonly Uint8Array[]): void {
  if (keys.length === 0) return;
  const teks = concatBytes(...keys);
  const queued = new Set<number>();
  for (const { hour } of sql.exec<{ hour: number }>('SELECT DISTINCT hour FROM withdrawn_key').toArray()) {
    const tags = ciphers.cipher(hour)?.queue.tags(teks);
    if (tags !== undefined) for (const n of presentTags(sql, 'withdrawn_key', hour, tags)) queued.add(n);
  }
  const fresh = keys.filter((_, n) => !queued.has(n));
  if (fresh.length > 0) insert(sql, ciphers, openHour(sql, now), fresh);
}

/** @returns all keys of the queue that can be opened, in the order of the keys */
export function queuedKeys(sql: SqlStorage, ciphers: Ciphers, through = Number.MAX_SAFE_INTEGER): QueuedKey[] {
  const rows = sql
    .exec<{ hour: number; tag: ArrayBuffer; sealed: ArrayBuffer }>(
      'SELECT hour, tag, sealed FROM withdrawn_key WHERE hour <= ?',
      through,
    )
    .toArray();
  return rows
    .flatMap(({ hour, tag, sealed }) => {
      const row = concatBytes(new Uint8Array(tag), new Uint8Array(sealed));
      const opened = row.length === STORED_ROW_BYTES ? ciphers.cipher(hour)?.queue.open(row) : undefined;
      const keyData = opened?.slice(TEK_IN_ROW, TEK_IN_ROW + TEK_BYTES);
      return keyData?.length === TEK_BYTES ? [{ hour, keyData }] : [];
    })
    .toSorted((a, b) => compareBytes(a.keyData, b.keyData));
}

/** @returns the first hour whose key the queue needs, or Infinity */
export function firstQueuedHour(sql: SqlStorage): number {
  return sql.exec<{ hour: number | null }>('SELECT min(hour) AS hour FROM withdrawn_key').one().hour ?? Infinity;
}

/**
 * Fixes a batch, or finds the one that was fixed; runs inside a transaction.
 *
 * @param id a new UUID, for a new batch
 * @param hour that has ended: what was taken back until its end is in it
 * @returns null when nothing was taken back
 */
export function withdrawalBatch(sql: SqlStorage, ciphers: Ciphers, id: string, hour: number): WithdrawalBatch | null {
  const fixed = fixedBatch(sql) ?? { id, last_hour: hour };
  const keys = queuedKeys(sql, ciphers, fixed.last_hour);
  if (keys.length === 0) {
    // Also rows whose key is gone, which nobody will ever read.
    finish(sql, fixed.last_hour);
    return null;
  }
  sql.exec('INSERT OR IGNORE INTO withdrawal_batch VALUES (?, ?)', fixed.id, fixed.last_hour);
  return { id: fixed.id, teks: concatBytes(...keys.map(({ keyData }) => keyData)) };
}

/**
 * The publisher has the batch; runs inside a transaction. Idempotent.
 *
 * @param ciphers ready for `now`
 * @param now Unix seconds
 * @param id of the batch
 */
export function finishBatch(sql: SqlStorage, ciphers: Ciphers, now: number, id: string): void {
  const fixed = fixedBatch(sql);
  if (fixed === null || fixed.id !== id) return;
  // Of a set that isn't published everywhere: it may have been given up and come again, with records that the publisher didn't have yet.
  const keys = queuedKeys(sql, ciphers, fixed.last_hour).map(({ keyData }) => keyData);
  const teks = concatBytes(...keys);
  const again = waitingHours(sql).flatMap((hour) => {
    const tags = ciphers.cipher(hour)?.tags(teks);
    return tags === undefined ? [] : presentTags(sql, 'waiting_row', hour, tags).map((n) => keys[n]!);
  });
  if (again.length > 0) insert(sql, ciphers, openHour(sql, now), again);
  finish(sql, fixed.last_hour);
}

function finish(sql: SqlStorage, lastHour: number): void {
  sql.exec('DELETE FROM withdrawn_key WHERE hour <= ?', lastHour);
  sql.exec('DELETE FROM withdrawal_batch');
}

function fixedBatch(sql: SqlStorage): { readonly id: string; readonly last_hour: number } | null {
  return sql.exec<{ id: string; last_hour: number }>('SELECT id, last_hour FROM withdrawal_batch').toArray()[0] ?? null;
}

/** The hour that a withdrawal goes to: the running one, but none whose key may be erased, and none of a batch that is fixed. */
function openHour(sql: SqlStorage, now: number): number {
  const frozen = sql.exec<{ hour: number | null }>('SELECT max(hour) AS hour FROM release_set').one().hour ?? -1;
  return Math.max(hourOf(now), frozen + 1, (fixedBatch(sql)?.last_hour ?? -1) + 1);
}

function insert(sql: SqlStorage, ciphers: Ciphers, hour: number, keys: readonly Uint8Array[]): void {
  const cipher = ciphers.cipher(hour);
  if (cipher === null) throw new Error(`there is no key for what is taken back in hour ${hour}`);
  const rows = new Uint8Array(keys.length * STORED_ROW_BYTES);
  for (const [n, keyData] of keys.entries()) rows.set(keyData, n * STORED_ROW_BYTES + TEK_IN_ROW);
  cipher.queue.seal(rows);
  const values: unknown[] = [];
  for (let row = 0; row < rows.length; row += STORED_ROW_BYTES) {
    values.push(hour, rows.subarray(row, row + TAG_BYTES), rows.subarray(row + TAG_BYTES, row + STORED_ROW_BYTES));
  }
  insertRows(sql, WITHDRAWN_KEY, values);
}
