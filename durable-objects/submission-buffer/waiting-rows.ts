/**
 * @module The rows that wait to be published, as SQLite holds them: release hour, tag and ciphertext (row-cipher.ts). Within an
 * hour they lie in order of their tags, which is neither an order of arrival nor one of the published file.
 */
import { randomFillSync } from 'node:crypto';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import { WITHDRAWAL_HASH_BYTES } from '../../protocol/withdrawal.ts';
import { insertRows, piecesOf, places, textByCount, type InsertTarget } from '../insert-rows.ts';
import { packKey } from '../../domain/publication/packed-keys.ts';
import type { Ciphers } from './hour-keys.ts';
import {
  FIELDS_OFFSET,
  HASH_OFFSET,
  LABEL_OFFSET,
  STORED_ROW_BYTES,
  TAG_BYTES,
  WITHDRAWAL_OFFSET,
  writeLabel,
  type HourCipher,
} from './row-cipher.ts';

/** Rows of one slice: read and opened in some 3 ms. */
export const SLICE_ROWS = 4_096;

const WAITING_ROW: InsertTarget = { table: 'waiting_row', columns: 3 };

/** A key that no row and no lasting hash knows. */
export interface FreshKey {
  /** In published form. */
  readonly key: TemporaryExposureKey;
  /** First hour it may be published in: after the end of what was uploaded, which may be later than the published day's. */
  readonly release: number;
  /** See known-ops.ts. */
  readonly hash: Uint8Array;
  /** By which its owner can take it back; null: the row carries a random one, as decoys do, so that it can't be told. */
  readonly withdrawalHash: Uint8Array | null;
}

/** Seals keys of one release hour and inserts them; runs inside a transaction. @param label what they have in common */
export function insertWaiting(
  sql: SqlStorage,
  cipher: HourCipher,
  hour: number,
  keys: readonly Omit<FreshKey, 'release'>[],
  label: number,
): void {
  const rows = new Uint8Array(keys.length * STORED_ROW_BYTES);
  for (const [n, { key, hash, withdrawalHash }] of keys.entries()) {
    const row = n * STORED_ROW_BYTES;
    packKey(rows, row + FIELDS_OFFSET, key);
    writeLabel(rows, row + LABEL_OFFSET, label);
    rows.set(hash, row + HASH_OFFSET);
    if (withdrawalHash === null) randomFillSync(rows, row + WITHDRAWAL_OFFSET, WITHDRAWAL_HASH_BYTES);
    else rows.set(withdrawalHash, row + WITHDRAWAL_OFFSET);
  }
  cipher.seal(rows);
  const values: unknown[] = [];
  for (let row = 0; row < rows.length; row += STORED_ROW_BYTES) {
    values.push(hour, rows.subarray(row, row + TAG_BYTES), rows.subarray(row + TAG_BYTES, row + STORED_ROW_BYTES));
  }
  // Values, not one blob cut by substr(): a function may fail, and SQLite then keeps a statement journal, a file, for each.
  insertRows(sql, WAITING_ROW, values);
}

/** @returns release hours that have rows, ascending: a step of the index each, however many rows there are */
export function waitingHours(sql: SqlStorage, first = 0, last = Number.MAX_SAFE_INTEGER): number[] {
  return sql
    .exec<{ hour: number }>(
      `WITH RECURSIVE hours (hour) AS (
         SELECT min(release_hour) FROM waiting_row WHERE release_hour >= ?1
         UNION ALL SELECT (SELECT min(release_hour) FROM waiting_row WHERE release_hour > hour) FROM hours
           WHERE hour IS NOT NULL
       ) SELECT hour FROM hours WHERE hour <= ?2`,
      first,
      last,
    )
    .toArray()
    .map(({ hour }) => hour);
}

/** @returns whether any key waits for its hour, or to be taken back */
export function anyWaits(sql: SqlStorage): boolean {
  const tables = ['waiting_row', 'withdrawn_key', 'withdrawal_batch'];
  return tables.some((table) => sql.exec(`SELECT 1 FROM ${table} LIMIT 1`).toArray().length > 0);
}

/** Tables whose rows lie by hour and tag: those that wait, and those that are taken back (withdrawal-queue.ts). */
const HOUR_OF = { waiting_row: 'release_hour', withdrawn_key: 'hour' } as const;

/** Asked for in one statement; the platform binds at most 100 parameters (docs/spec/platform.md §1.2), and one is the hour. */
const MOST_TAGS = 99;

const presentIn = (table: keyof typeof HOUR_OF) =>
  textByCount(
    (count) => `WITH asked (at, tag) AS (${piecesOf(count, TAG_BYTES)})
      SELECT at FROM asked CROSS JOIN ${table} USING (tag) WHERE ${HOUR_OF[table]} = ?2`,
  );
const PRESENT = { waiting_row: presentIn('waiting_row'), withdrawn_key: presentIn('withdrawn_key') };

/**
 * @param table see {@link HOUR_OF}
 * @param tags of the hour's cipher for that table, one after the other
 * @returns of which positions there is a row
 */
export function presentTags(sql: SqlStorage, table: keyof typeof HOUR_OF, hour: number, tags: Uint8Array): number[] {
  const present: number[] = [];
  const most = MOST_TAGS * TAG_BYTES;
  for (let from = 0; from < tags.length; from += most) {
    const some = tags.subarray(from, from + most);
    const query = PRESENT[table](some.length / TAG_BYTES);
    for (const { at } of sql.exec<{ at: number }>(query, some, hour)) present.push(from / TAG_BYTES + at);
  }
  return present;
}

/** @param tags of an hour's cipher, {@link MOST_TAGS} at most @returns the rows that they are of, each once, as they lie, one after the other */
export function rowsOfTags(sql: SqlStorage, hour: number, tags: Uint8Array): Uint8Array {
  const count = tags.length / TAG_BYTES;
  const each = Array.from({ length: count }, (_, n) => tags.subarray(n * TAG_BYTES, (n + 1) * TAG_BYTES));
  const found = sql
    .exec<{ tag: ArrayBuffer; sealed: ArrayBuffer }>(
      `SELECT tag, sealed FROM waiting_row WHERE release_hour = ? AND tag IN (${places(count)})`,
      hour,
      ...each,
    )
    .toArray();
  const rows = found.map(({ tag, sealed }) => concatBytes(new Uint8Array(tag), new Uint8Array(sealed)));
  return concatBytes(...rows.filter(({ length }) => length === STORED_ROW_BYTES));
}

/** Some rows of an hour, opened. */
export interface WaitingSlice {
  /** Good rows; bad ones, of another key or damaged, are left out. */
  readonly rows: Uint8Array;
  /** Rows read, bad ones included; fewer than asked for only at the end of the hour. */
  readonly read: number;
  /** Where the next slice begins: the greatest tag read, null when none was. */
  readonly last: Uint8Array | null;
  /** All that `rows` lie in, to be released. */
  readonly memory: Uint8Array;
}

/** @param after the greatest tag had, null at the beginning @param most rows @returns the next slice of an hour's rows */
export function readWaiting(
  sql: SqlStorage,
  ciphers: Ciphers,
  hour: number,
  after: Uint8Array | null,
  most = SLICE_ROWS,
): WaitingSlice {
  // As one blob: a row and a column at a time would cost three times as much as reading and opening them. A row of another
  // length would shift all that follow.
  const { rows, last, read } = sql
    .exec<{ rows: ArrayBuffer | null; last: ArrayBuffer | null; read: number }>(
      `SELECT unhex(group_concat(hex(tag || sealed), '') FILTER (WHERE length(tag) + length(sealed) = ${STORED_ROW_BYTES})) AS rows,
         max(tag) AS last, count(*) AS read FROM (
           SELECT tag, sealed FROM waiting_row WHERE release_hour = ? AND tag > ? ORDER BY tag LIMIT ?)`,
      hour,
      after ?? new Uint8Array(0),
      most,
    )
    .one();
  const memory = new Uint8Array(rows ?? new ArrayBuffer());
  const good = ciphers.cipher(hour)?.open(memory) ?? new Uint8Array(0);
  return { rows: good, read, last: last === null ? null : new Uint8Array(last), memory };
}

/** Deletes some rows of an hour; runs inside a transaction. @returns false when none is left */
export function deleteWaitingSlice(sql: SqlStorage, hour: number): boolean {
  const last = sql
    .exec<{ tag: ArrayBuffer }>(
      `SELECT tag FROM waiting_row WHERE release_hour = ? ORDER BY tag LIMIT 1 OFFSET ${SLICE_ROWS - 1}`,
      hour,
    )
    .toArray()[0]?.tag;
  if (last === undefined) sql.exec('DELETE FROM waiting_row WHERE release_hour = ?', hour);
  else sql.exec('DELETE FROM waiting_row WHERE release_hour = ? AND tag <= ?', hour, last);
  return last !== undefined;
}
