/**
 * @module Published keys that their owners took back, until the publisher ends them (docs/decisions/042). They lie as waiting rows do: by tag, under the key
 * of an hour to come, which is erased when they are gone. All of one hour are one batch, so that it isn't told whose went together.
 *
 * Durable order: a withdrawal's rows are one transaction, on disk before its answer. A batch is fixed in a transaction of its own, before the publisher hears of it:
 * later withdrawals go to later hours, so that whoever asks again gets the same. Its rows and it go in one transaction, after the publisher has them. A crash in
 * between leaves a batch that is asked for again under the same id.
 *
 * Keys of which something is said anew lie here too and go with the same batch, under keys of their own (revision-queue.ts): a key that is taken back as well is only taken back.
 */
import { TEK_OFFSET } from '../../domain/publication/packed-keys.ts';
import { packKeyRevisions, packRevised, unpackRevised, type RevisedFields } from '../../domain/publication/revision.ts';
import { compareBytes, concatBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { insertRows, type InsertTarget } from '../insert-rows.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import { lastingHashes } from './accept-ops.ts';
import type { BufferConfig } from './config.ts';
import type { WithdrawalBatch } from './contract.ts';
import type { Ciphers } from './hour-keys.ts';
import { FIELDS_OFFSET, STORED_ROW_BYTES, TAG_BYTES, type HourCipher } from './row-cipher.ts';
import { presentTags, waitingHours } from './waiting-rows.ts';

const WITHDRAWN_KEY: InsertTarget = { table: 'withdrawn_key', columns: 3, onConflict: 'ON CONFLICT DO NOTHING' };
const TEK_IN_ROW = FIELDS_OFFSET + TEK_OFFSET;
const TEK_BYTES = 16;
/** Level, report type and onset, as packed-keys.ts has them. */
const REVISED_IN_ROW = FIELDS_OFFSET + 5;

/** A key that is to be queued. */
export interface QueuedKey {
  readonly keyData: Uint8Array;
  /** What is said of it anew; null for one that is taken back. */
  readonly fields: RevisedFields | null;
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
  const queued = queuedAmong(sql, ciphers, keys, (cipher) => [cipher.queue]);
  const fresh = keys.filter((_, n) => !queued.has(n)).map((keyData) => ({ keyData, fields: null }));
  putQueued(sql, ciphers, now, fresh);
}

/**
 * @param kinds ciphers of an hour under which a key may lie
 * @returns positions of the keys that are in the queue
 */
export function queuedAmong(
  sql: SqlStorage,
  ciphers: Ciphers,
  keys: readonly Uint8Array[],
  kinds: (cipher: HourCipher) => readonly HourCipher[],
): Set<number> {
  const teks = concatBytes(...keys);
  const queued = new Set<number>();
  if (keys.length === 0) return queued;
  for (const { hour } of sql.exec<{ hour: number }>('SELECT DISTINCT hour FROM withdrawn_key').toArray()) {
    const cipher = ciphers.cipher(hour);
    for (const kind of cipher === null ? [] : kinds(cipher)) {
      for (const n of presentTags(sql, 'withdrawn_key', hour, kind.tags(teks))) queued.add(n);
    }
  }
  return queued;
}

/** Puts keys that aren't in the queue into it; runs inside a transaction. @throws Error when there is no key for the hour */
export function putQueued(sql: SqlStorage, ciphers: Ciphers, now: number, keys: readonly QueuedKey[]): void {
  if (keys.length > 0) insert(sql, ciphers, openHour(sql, now), keys);
}

/** @returns all keys of the queue that can be opened, in the order of the keys, each once: one that is taken back too is taken back */
export function queuedKeys(sql: SqlStorage, ciphers: Ciphers, through = Number.MAX_SAFE_INTEGER): QueuedKey[] {
  const rows = sql
    .exec<{ hour: number; tag: ArrayBuffer; sealed: ArrayBuffer }>(
      'SELECT hour, tag, sealed FROM withdrawn_key WHERE hour <= ?',
      through,
    )
    .toArray();
  const found = new Map<string, QueuedKey>();
  for (const { hour, tag, sealed } of rows) {
    const row = concatBytes(new Uint8Array(tag), new Uint8Array(sealed));
    const cipher = row.length === STORED_ROW_BYTES ? ciphers.cipher(hour) : null;
    const one = cipher === null ? null : openQueued(cipher, row);
    if (one === null) continue;
    const name = toHex(one.keyData);
    if (one.fields === null || !found.has(name)) found.set(name, one);
  }
  return [...found.values()].toSorted((a, b) => compareBytes(a.keyData, b.keyData));
}

function openQueued(cipher: HourCipher, row: Uint8Array): QueuedKey | null {
  const tekOf = (opened: Uint8Array): Uint8Array => opened.slice(TEK_IN_ROW, TEK_IN_ROW + TEK_BYTES);
  // Opened in place, so each try has a copy.
  const withdrawn = cipher.queue.open(row.slice());
  if (withdrawn.length > 0) return { keyData: tekOf(withdrawn), fields: null };
  const revised = cipher.revisions.open(row.slice());
  return revised.length === 0 ? null : { keyData: tekOf(revised), fields: unpackRevised(revised, REVISED_IN_ROW) };
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
  const teks = keys.flatMap(({ keyData, fields }) => (fields === null ? [keyData] : []));
  const revised = keys.flatMap(({ keyData, fields }) => (fields === null ? [] : [{ keyData, fields }]));
  return { id: fixed.id, teks: concatBytes(...teks), revised: packKeyRevisions(revised) };
}

/**
 * The publisher has the batch; runs inside a transaction. Idempotent.
 *
 * @param config of the deployment
 * @param ciphers ready for `now`
 * @param now Unix seconds
 * @param id of the batch
 */
export function finishBatch(sql: SqlStorage, config: BufferConfig, ciphers: Ciphers, now: number, id: string): void {
  const fixed = fixedBatch(sql);
  if (fixed === null || fixed.id !== id) return;
  // Of a set that isn't published everywhere: it may have been given up and come again, with records that the publisher didn't have yet.
  const keys = queuedKeys(sql, ciphers, fixed.last_hour);
  const teks = concatBytes(...keys.map(({ keyData }) => keyData));
  const again = waitingHours(sql).flatMap((hour) => {
    const tags = ciphers.cipher(hour)?.tags(teks);
    return tags === undefined ? [] : presentTags(sql, 'waiting_row', hour, tags).map((n) => keys[n]!);
  });
  putQueued(sql, ciphers, now, again);
  markRevised(sql, config, keys);
  finish(sql, fixed.last_hour);
}

/**
 * From here on its lasting hash says that a key was revised, as the queue did before. In the order of the hashes, all of a batch together: whose went together isn't told. A key that
 * still waits as a row is in the queue again, and has no hash yet.
 */
function markRevised(sql: SqlStorage, config: BufferConfig, keys: readonly QueuedKey[]): void {
  const marks = keys
    .flatMap(({ keyData, fields }) =>
      lastingHashes(config, keyData).map((hash) => ({ hash, type: fields?.reportType ?? REPORT_TYPE.REVOKED })),
    )
    .toSorted((a, b) => compareBytes(a.hash, b.hash));
  for (const { hash, type } of marks) sql.exec('UPDATE known_key SET revised = ? WHERE hash = ?', type, hash);
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

function insert(sql: SqlStorage, ciphers: Ciphers, hour: number, keys: readonly QueuedKey[]): void {
  const cipher = ciphers.cipher(hour);
  if (cipher === null) throw new Error(`there is no key for what is taken back in hour ${hour}`);
  const values: unknown[] = [];
  for (const { keyData, fields } of keys) {
    const row = new Uint8Array(STORED_ROW_BYTES);
    row.set(keyData, TEK_IN_ROW);
    if (fields === null) cipher.queue.seal(row);
    else {
      packRevised(row, REVISED_IN_ROW, fields);
      cipher.revisions.seal(row);
    }
    values.push(hour, row.subarray(0, TAG_BYTES), row.subarray(TAG_BYTES));
  }
  insertRows(sql, WITHDRAWN_KEY, values);
}
