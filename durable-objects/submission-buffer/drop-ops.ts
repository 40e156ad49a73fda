/**
 * @module Keys that end before they were published (docs/architecture.md §5.11): rows that no frozen set covers are deleted, by the issue that vouched for
 * them or by the key itself. A set that is frozen is fixed for good: its rows are published, and taken back afterwards (publisher/take-back.ts).
 *
 * A key that was dropped stays known by its lasting hash, so that it is never taken in again. A transaction of them shows which hashes went together: of a
 * rollback thousands, of one person's withdrawal theirs, whose keys nobody ever saw.
 *
 * Decoys stay, whatever issue they were drawn with: what waits beside them is less, never more.
 *
 * Durable order: each slice is one transaction of rows, hashes, counters and the request's own count. A crash between two leaves rows that the repeated request
 * finds; nothing is counted twice.
 */
import { retentionEnd } from '../../domain/embargo.ts';
import { MAX_KEYS_PER_UPLOAD } from '../../domain/keys/limits.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { inSlices } from '../pace.ts';
import { TEK_OFFSET, unpackKey } from '../../domain/publication/packed-keys.ts';
import { compareBytes, toHex } from '../../protocol/primitives/bytes.ts';
import type { BufferConfig } from './config.ts';
import type { DropReply, DropRequest } from './contract.ts';
import type { Ciphers } from './hour-keys.ts';
import {
  FIELDS_OFFSET,
  HASH_BYTES,
  HASH_OFFSET,
  LABEL_OFFSET,
  STORED_ROW_BYTES,
  TAG_BYTES,
  readLabel,
} from './row-cipher.ts';
import { labelsOf, type RowLabel } from './row-labels.ts';
import { readWaiting, waitingHours } from './waiting-rows.ts';

const TEK_IN_ROW = FIELDS_OFFSET + TEK_OFFSET;
const TEK_BYTES = 16;
/** A request is asked again for at most as long as what it is about lives. */
const REMEMBERED_HOURS = 24 * 16;
const DELETE_TAGS = `DELETE FROM waiting_row WHERE release_hour = ?1 AND tag IN (
  WITH RECURSIVE place (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM place WHERE n + 1 < ?3)
  SELECT substr(?2, n * ${TAG_BYTES} + 1, ${TAG_BYTES}) FROM place)`;
const INSERT_HASH = 'INSERT INTO known_key VALUES (?, ?) ON CONFLICT DO NOTHING';

/** Says of an opened row whether it is meant. */
type IsMeant = (rows: Uint8Array, row: number, label: RowLabel | undefined) => boolean;

/**
 * @param ciphers ready for `now`
 * @param now Unix seconds
 * @returns how many rows this request has dropped, all its calls together, and how many it may not touch
 */
export async function dropWaiting(
  storage: DurableObjectStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  now: number,
  request: DropRequest,
): Promise<DropReply> {
  const { id, fromHour = 0, toHour = Number.MAX_SAFE_INTEGER } = request;
  const isMeant = meantBy(request);
  let frozen = 0;
  for (const hour of waitingHours(storage.sql, fromHour, toHour)) {
    const labels = labelsOf(storage.sql, ciphers, hour);
    let after: Uint8Array | null = null;
    await inSlices(
      () =>
        storage.transactionSync(() => {
          const slice = readWaiting(storage.sql, ciphers, hour, after);
          const found = meantRows(slice.rows, labels, isMeant);
          if (found.length > 0) {
            // Asked anew in each transaction: in between the hour may have been frozen.
            if (hour <= coveredThrough(storage.sql)) frozen += found.length;
            else dropRows(storage.sql, config, hour, found, labels, { id, until: hourOf(now) + REMEMBERED_HOURS });
          }
          return (after = slice.last);
        }),
      (last) => last !== null,
    );
  }
  return { dropped: droppedBy(storage.sql, id), frozen };
}

/** Forgets what requests came to, when nobody asks any more. @param now Unix seconds */
export function expireDrops(sql: SqlStorage, now: number): void {
  sql.exec('DELETE FROM dropped_rows WHERE expires_hour <= ?', hourOf(now));
}

function meantBy({ issueIds = [], teks = new Uint8Array(0) }: DropRequest): IsMeant {
  const issues = new Set(issueIds);
  const keys = new Set<string>();
  for (let at = 0; at < teks.length; at += TEK_BYTES) keys.add(toHex(teks.subarray(at, at + TEK_BYTES)));
  return (rows, row, label) => {
    if (label?.synthetic === true) return false;
    if (label !== undefined && label.issueId !== null && issues.has(label.issueId)) return true;
    return keys.size > 0 && keys.has(toHex(rows.subarray(row + TEK_IN_ROW, row + TEK_IN_ROW + TEK_BYTES)));
  };
}

function meantRows(rows: Uint8Array, labels: ReadonlyMap<number, RowLabel>, isMeant: IsMeant): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let row = 0; row < rows.length; row += STORED_ROW_BYTES) {
    if (isMeant(rows, row, labels.get(readLabel(rows, row + LABEL_OFFSET)))) {
      found.push(rows.subarray(row, row + STORED_ROW_BYTES));
    }
  }
  return found;
}

/** @returns the last release hour that a set covers; −1 when none does */
export function coveredThrough(sql: SqlStorage): number {
  return sql.exec<{ hour: number | null }>('SELECT max(last_hour) AS hour FROM release_set').one().hour ?? -1;
}

function droppedBy(sql: SqlStorage, id: string): number {
  return sql.exec<{ rows: number }>('SELECT rows FROM dropped_rows WHERE id = ?', id).toArray()[0]?.rows ?? 0;
}

/** Part of a slice's transaction. */
function dropRows(
  sql: SqlStorage,
  config: BufferConfig,
  hour: number,
  rows: readonly Uint8Array[],
  labels: ReadonlyMap<number, RowLabel>,
  request: { readonly id: string; readonly until: number },
): void {
  const tags = new Uint8Array(rows.length * TAG_BYTES);
  for (const [n, row] of rows.entries()) tags.set(row.subarray(0, TAG_BYTES), n * TAG_BYTES);
  sql.exec(DELETE_TAGS, hour, tags, rows.length);
  // In the order of the hashes: which rows they were is in no order of writing.
  const hashes = rows
    .map((row) => ({
      hash: row.slice(HASH_OFFSET, HASH_OFFSET + HASH_BYTES),
      ends: retentionEnd(unpackKey(row, FIELDS_OFFSET), config.policy.retentionDays),
    }))
    .toSorted((a, b) => compareBytes(a.hash, b.hash));
  for (const { hash, ends } of hashes) sql.exec(INSERT_HASH, hash, hourOf(ends - 1) + 1);
  const regions = new Map<string, number>();
  for (const row of rows) {
    const label = labels.get(readLabel(row, LABEL_OFFSET));
    for (const region of new Set([...(label?.regions ?? []), config.unionRegion])) {
      regions.set(region, (regions.get(region) ?? 0) + 1);
    }
  }
  for (const [region, keys] of regions) uncount(sql, hour, region, keys);
  sql.exec(
    'INSERT INTO dropped_rows VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET rows = rows + excluded.rows',
    request.id,
    rows.length,
    request.until,
  );
}

/**
 * Nobody knows whose rows they were, so nobody knows how many uploads are left: of those that counted, each dropped row ended one at most; and those rows
 * that are left are of as many uploads as the longest would need. The greater of these is certain, and the minimum of a chunk is never reached by people who are gone.
 */
function uncount(sql: SqlStorage, hour: number, region: string, keys: number): void {
  sql.exec(
    `UPDATE release_counter SET
       keys = max(0, keys - ?3),
       first_uploads = CASE WHEN keys <= ?3 THEN 0 ELSE max(synthetic_first_uploads, first_uploads - ?3) END,
       any_uploads = CASE WHEN keys <= ?3 THEN 0
         ELSE min(any_uploads, max(any_uploads - ?3, CAST((keys - ?3 + ${MAX_KEYS_PER_UPLOAD - 1}) / ${MAX_KEYS_PER_UPLOAD} AS INTEGER))) END
     WHERE release_hour = ?1 AND region = ?2`,
    hour,
    region,
    keys,
  );
}
