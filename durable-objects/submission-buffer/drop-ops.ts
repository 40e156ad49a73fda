/**
 * @module Keys that end before they were published (docs/architecture.md §5.11): rows that no frozen set covers are deleted, by the issue that vouched for
 * them, by the peer's batch they came with, or by the key itself. A set that is frozen is fixed for good: its rows are published, and taken back afterwards (publisher/take-back.ts).
 *
 * A key that was dropped stays known by its lasting hash, so that it is never taken in again. A transaction of them shows which hashes went together: of a
 * rollback thousands, of one person's withdrawal theirs, whose keys nobody ever saw.
 *
 * Decoys stay, whatever issue they were drawn with: what waits beside them is less, never more.
 *
 * Durable order: each slice is one transaction of rows, hashes, counters and the request's own count. A crash between two leaves rows that the repeated request
 * finds; nothing is counted twice.
 */
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { inSlices } from '../pace.ts';
import { TEK_OFFSET } from '../../domain/publication/packed-keys.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { BufferConfig } from './config.ts';
import type { DropReply, DropRequest } from './contract.ts';
import { coveredThrough, endRows, type EndedRows } from './end-rows.ts';
import { endIssues } from './ended-issues.ts';
import type { Ciphers } from './hour-keys.ts';
import { endPeerBatch } from './remote-ops.ts';
import { FIELDS_OFFSET, LABEL_OFFSET, STORED_ROW_BYTES, readLabel } from './row-cipher.ts';
import { labelsOf, type RowLabel } from './row-labels.ts';
import { readWaiting, waitingHours } from './waiting-rows.ts';

const TEK_IN_ROW = FIELDS_OFFSET + TEK_OFFSET;
const TEK_BYTES = 16;
/** A request is asked again for at most as long as what it is about lives. */
const REMEMBERED_HOURS = 24 * 16;

/** Rows of one slice: to end them takes some 4 ms of CPU, much longer than to read them (benchmarks/results/rollback.md). */
const DROP_ROWS = 256;

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
): Promise<Omit<DropReply, 'journalled'>> {
  const { id, fromHour = 0, toHour = Number.MAX_SAFE_INTEGER } = request;
  const isMeant = meantBy(request);
  let frozen = 0;
  for (const hour of waitingHours(storage.sql, fromHour, toHour)) {
    const labels = labelsOf(storage.sql, ciphers, hour);
    let after: Uint8Array | null = null;
    await inSlices(
      () =>
        storage.transactionSync(() => {
          const slice = readWaiting(storage.sql, ciphers, hour, after, DROP_ROWS);
          const found = meantRows(slice.rows, labels, isMeant);
          if (found.length > 0) {
            // Asked anew in each transaction: in between the hour may have been frozen.
            if (hour <= coveredThrough(storage.sql)) frozen += found.length;
            else dropRows(storage.sql, config, now, { hour, rows: found, labels, cause: 'rollback' }, id);
          }
          return (after = slice.last);
        }),
      (last) => last !== null,
    );
  }
  return { dropped: droppedBy(storage.sql, id), frozen, newestSet: newestSet(storage.sql) };
}

/** Nothing more is stored of what a request names. Runs inside a transaction. @param now Unix seconds */
export function endSources(
  sql: SqlStorage,
  config: BufferConfig,
  { issueIds = [], peerBatch }: DropRequest,
  now: number,
): void {
  endIssues(sql, config, issueIds, now);
  if (peerBatch !== undefined) endPeerBatch(sql, now, peerBatch);
}

/** Forgets what requests came to, when nobody asks any more. @param now Unix seconds */
export function expireDrops(sql: SqlStorage, now: number): void {
  sql.exec('DELETE FROM dropped_rows WHERE expires_hour <= ?', hourOf(now));
}

function meantBy({ issueIds = [], teks = new Uint8Array(0), peerBatch }: DropRequest): IsMeant {
  const issues = new Set(issueIds);
  const keys = new Set<string>();
  for (let at = 0; at < teks.length; at += TEK_BYTES) keys.add(toHex(teks.subarray(at, at + TEK_BYTES)));
  return (rows, row, label) => {
    if (label?.synthetic === true) return false;
    if (
      peerBatch !== undefined &&
      label?.batch === peerBatch.batch &&
      label.origin === (peerBatch.peer ?? label.origin)
    ) {
      return true;
    }
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

function newestSet(sql: SqlStorage): number {
  return sql.exec<{ n: number | null }>('SELECT max(set_no) AS n FROM release_set').one().n ?? 0;
}

function droppedBy(sql: SqlStorage, id: string): number {
  return sql.exec<{ rows: number }>('SELECT rows FROM dropped_rows WHERE id = ?', id).toArray()[0]?.rows ?? 0;
}

/** Part of a slice's transaction. */
function dropRows(sql: SqlStorage, config: BufferConfig, now: number, ended: EndedRows, id: string): void {
  endRows(sql, config, now, ended);
  sql.exec(
    'INSERT INTO dropped_rows VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET rows = rows + excluded.rows',
    id,
    ended.rows.length,
    hourOf(now) + REMEMBERED_HOURS,
  );
}
