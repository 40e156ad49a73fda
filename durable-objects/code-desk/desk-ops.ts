/**
 * @module The books of the code desk: who issued how many teleTANs, which batches of cards exist and from when they are
 * withdrawn, how many guesses failed (docs/architecture.md §7). Never a code: a teleTAN leaves its first three characters, so that
 * its issuer finds it in a list; a card leaves nothing. SQL over one object's storage; no clock, no network.
 */

import type { TeleTanEntry } from '../../domain/code-books.ts';
import type { BatchCursor } from '../../domain/rpc.ts';
import { ISSUE_TABLES } from './issue-ops.ts';
import { forgetQuotaRequests, releasedTo, REQUESTS_BY_PERSONS } from './release-ops.ts';

/** Numbered migrations; STORAGE.md describes the tables. */
export const SCHEMA: readonly string[] = [
  `CREATE TABLE teletan (issuer TEXT NOT NULL, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, hint TEXT NOT NULL);
   CREATE INDEX teletan_issuer ON teletan (issuer, issued_at);
   CREATE INDEX teletan_age ON teletan (issued_at);
   CREATE TABLE batch (
     batch_id TEXT PRIMARY KEY, provider TEXT NOT NULL, label TEXT NOT NULL, size INTEGER NOT NULL,
     created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, withdrawn_from INTEGER
   ) WITHOUT ROWID;
   CREATE INDEX batch_provider ON batch (provider, created_at);
   CREATE TABLE quota (issuer TEXT PRIMARY KEY, teletans_per_hour INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE failed_guess (hour INTEGER PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;`,
  `CREATE INDEX batch_age ON batch (created_at, batch_id);`,
  // The order a form gave (decision 033), and which session a teleTAN opens, so that it can be revoked without the code.
  `ALTER TABLE teletan ADD COLUMN order_id TEXT;
   ALTER TABLE teletan ADD COLUMN session TEXT;
   ALTER TABLE teletan ADD COLUMN revoked_at INTEGER;
   CREATE UNIQUE INDEX teletan_order ON teletan (order_id) WHERE order_id IS NOT NULL;
   ALTER TABLE batch ADD COLUMN order_id TEXT;
   CREATE UNIQUE INDEX batch_order ON batch (order_id) WHERE order_id IS NOT NULL;
   CREATE TABLE quota_request (
     id TEXT PRIMARY KEY, issuer TEXT NOT NULL, codes INTEGER NOT NULL, asked_at INTEGER NOT NULL, released_at INTEGER
   ) WITHOUT ROWID;
   CREATE INDEX quota_request_issuer ON quota_request (issuer, released_at);`,
  ISSUE_TABLES,
  REQUESTS_BY_PERSONS,
];

/** teleTANs an issuer may make in an hour unless the desk says otherwise: one a minute. */
const DEFAULT_TELETANS_PER_HOUR = 60;
/** Cards of all of a provider's batches in 24 hours. */
const CARDS_PER_PROVIDER_AND_DAY = 20_000;
/** The books forget a teleTAN after so long: "my codes today" and the quota need no more. */
const TELETAN_KEPT_SECONDS = 86_400;
/** A withdrawn or expired batch stays in the books until its keys are gone everywhere: 14 days and some. */
const BATCH_KEPT_AFTER_EXPIRY_SECONDS = 30 * 86_400;
/** Entries forgotten in a slice: some 3 ms. */
const CLEANUP_ROWS = 500;

/** What is booked of a teleTAN before it exists. */
export interface TeleTanOrder {
  readonly issuer: string;
  /** Name of the order (domain/derived-codes.ts). */
  readonly orderId: string;
  /** Under which its session is stored. */
  readonly session: string;
  readonly hint: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export interface Batch {
  readonly batchId: string;
  readonly provider: string;
  readonly label: string;
  readonly size: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Unix seconds from which on the batch is withdrawn, or null. */
  readonly withdrawnFrom: number | null;
}

/** @returns teleTANs of this issuer in the hour before `now`, and how many there may be */
export function quotaOf(sql: SqlStorage, issuer: string, now: number): { used: number; limit: number } {
  const used = sql
    .exec<{ n: number }>('SELECT COUNT(*) AS n FROM teletan WHERE issuer = ? AND issued_at > ?', issuer, now - 3600)
    .one().n;
  const own = sql
    .exec<{ teletans_per_hour: number }>('SELECT teletans_per_hour FROM quota WHERE issuer = ?', issuer)
    .toArray()[0];
  const base = own?.teletans_per_hour ?? DEFAULT_TELETANS_PER_HOUR;
  return { used, limit: base === 0 ? 0 : base + releasedTo(sql, issuer, now) };
}

type TeleTanRow = {
  order_id: string | null;
  hint: string;
  issued_at: number;
  expires_at: number;
  revoked_at: number | null;
};

const TELETAN_COLUMNS = 'order_id, hint, issued_at, expires_at, revoked_at';

const entryIn = (row: TeleTanRow): TeleTanEntry => ({
  id: row.order_id,
  hint: row.hint,
  issuedAt: row.issued_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
});

/** @returns the teleTAN of an order of this issuer, or null */
export function orderedTeleTan(sql: SqlStorage, issuer: string, orderId: string): TeleTanEntry | null {
  const select = `SELECT ${TELETAN_COLUMNS} FROM teletan WHERE order_id = ? AND issuer = ?`;
  const row = sql.exec<TeleTanRow>(select, orderId, issuer).toArray()[0];
  return row === undefined ? null : entryIn(row);
}

/**
 * Books a teleTAN; an order that is booked already is that entry again.
 *
 * @returns null when the issuer's quota is used up; another issuer's is never touched
 */
export function bookTeleTan(sql: SqlStorage, order: TeleTanOrder): TeleTanEntry | null {
  const { issuer, orderId, session, hint, issuedAt, expiresAt } = order;
  const booked = orderedTeleTan(sql, issuer, orderId);
  if (booked !== null) return booked;
  const { used, limit } = quotaOf(sql, issuer, issuedAt);
  if (used >= limit) return null;
  sql.exec(
    'INSERT INTO teletan (issuer, issued_at, expires_at, hint, order_id, session) VALUES (?, ?, ?, ?, ?, ?)',
    issuer,
    issuedAt,
    expiresAt,
    hint,
    orderId,
    session,
  );
  return { id: orderId, hint, issuedAt, expiresAt, revokedAt: null };
}

/** @returns this issuer's teleTANs since `from`, newest first */
export function teleTansOf(sql: SqlStorage, issuer: string, from: number): TeleTanEntry[] {
  const select = `SELECT ${TELETAN_COLUMNS} FROM teletan WHERE issuer = ? AND issued_at >= ? ORDER BY issued_at DESC`;
  return sql
    .exec<TeleTanRow>(select, issuer, from)
    .toArray()
    .map((row) => entryIn(row));
}

/**
 * Marks a teleTAN revoked; the first time stands.
 *
 * @param issuer whose it must be
 * @returns under which name its session is stored, or null when there is no such one
 */
export function markRevoked(sql: SqlStorage, orderId: string, issuer: string, now: number): string | null {
  const row = sql
    .exec<{ session: string | null }>(
      `UPDATE teletan SET revoked_at = COALESCE(revoked_at, ?1) WHERE order_id = ?2 AND issuer = ?3
       RETURNING session`,
      now,
      orderId,
      issuer,
    )
    .toArray()[0];
  return row?.session ?? null;
}

/** Books a batch of cards. @returns false when the provider's cards of 24 hours are used up */
export function bookBatch(sql: SqlStorage, batch: Batch, orderId: string): boolean {
  const { n } = sql
    .exec<{ n: number | null }>(
      'SELECT SUM(size) AS n FROM batch WHERE provider = ? AND created_at > ?',
      batch.provider,
      batch.createdAt - 86_400,
    )
    .one();
  if ((n ?? 0) + batch.size > CARDS_PER_PROVIDER_AND_DAY) return false;
  const { batchId, provider, label, size, createdAt, expiresAt } = batch;
  sql.exec(
    `INSERT INTO batch (batch_id, provider, label, size, created_at, expires_at, order_id) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    batchId,
    provider,
    label,
    size,
    createdAt,
    expiresAt,
    orderId,
  );
  return true;
}

/** @returns the batch of an order of this provider, or null */
export function orderedBatch(sql: SqlStorage, provider: string, orderId: string): Batch | null {
  const row = sql
    .exec<BatchRow>('SELECT * FROM batch WHERE order_id = ? AND provider = ?', orderId, provider)
    .toArray()[0];
  return row === undefined ? null : batchIn(row);
}

/** Batches on a page. */
const BATCH_PAGE = 25;

/** A page of batches, newest first, and whether there are others on either side. */
export interface BatchPage {
  readonly batches: readonly Batch[];
  readonly older: boolean;
  readonly newer: boolean;
}

type BatchRow = {
  batch_id: string;
  provider: string;
  label: string;
  size: number;
  created_at: number;
  expires_at: number;
  withdrawn_from: number | null;
};

/** @param provider one provider's batches, or null for all @param from null: the newest */
export function batchPage(sql: SqlStorage, provider: string | null, from: BatchCursor | null): BatchPage {
  const newer = from?.direction === 'newer';
  const rows = sql
    .exec<BatchRow>(
      `SELECT * FROM batch WHERE (${provider === null ? '?1 IS NULL' : 'provider = ?1'})
       AND (created_at, batch_id) ${newer ? '>' : '<'} (?2, ?3)
       ORDER BY created_at ${newer ? 'ASC, batch_id ASC' : 'DESC, batch_id DESC'} LIMIT ${BATCH_PAGE + 1}`,
      provider,
      from?.createdAt ?? Number.MAX_SAFE_INTEGER,
      from?.batchId ?? '',
    )
    .toArray();
  const more = rows.length > BATCH_PAGE;
  const page = rows.slice(0, BATCH_PAGE).map((row) => batchIn(row));
  // The side one came from has at least the batch one came from.
  return newer
    ? { batches: page.toReversed(), older: true, newer: more }
    : { batches: page, older: more, newer: from !== null };
}

/** @param provider whose batch it must be, or null @returns the batch, or null when there is no such one */
export function batchOf(sql: SqlStorage, batchId: string, provider: string | null): Batch | null {
  const row = sql
    .exec<BatchRow>('SELECT * FROM batch WHERE batch_id = ?1 AND (?2 IS NULL OR provider = ?2)', batchId, provider)
    .toArray()[0];
  return row === undefined ? null : batchIn(row);
}

function batchIn(row: BatchRow): Batch {
  return {
    batchId: row.batch_id,
    provider: row.provider,
    label: row.label,
    size: row.size,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    withdrawnFrom: row.withdrawn_from,
  };
}

/**
 * Marks a batch withdrawn; an earlier date wins, so that withdrawing again never brings codes back.
 *
 * @returns the date that now holds, or null when there is no such batch (of this provider)
 */
export function markWithdrawn(sql: SqlStorage, batchId: string, provider: string | null, from: number): number | null {
  const row = batchOf(sql, batchId, provider);
  if (row === null) return null;
  const holds = Math.min(from, row.withdrawnFrom ?? from);
  sql.exec('UPDATE batch SET withdrawn_from = ? WHERE batch_id = ?', holds, batchId);
  return holds;
}

/** @returns Unix seconds from which on a batch is withdrawn, or null */
export function withdrawnFrom(sql: SqlStorage, batchId: string): number | null {
  const row = sql
    .exec<{ withdrawn_from: number | null }>('SELECT withdrawn_from FROM batch WHERE batch_id = ?', batchId)
    .toArray()[0];
  return row?.withdrawn_from ?? null;
}

/** @param hour hours since the Unix epoch @returns the count of that hour, this guess included */
export function countFailedGuesses(sql: SqlStorage, hour: number, guesses: number): number {
  sql.exec(
    'INSERT INTO failed_guess VALUES (?, ?) ON CONFLICT (hour) DO UPDATE SET count = count + excluded.count',
    hour,
    guesses,
  );
  return failedGuesses(sql, hour);
}

/** @returns failed guesses of an hour */
export function failedGuesses(sql: SqlStorage, hour: number): number {
  return sql.exec<{ count: number }>('SELECT count FROM failed_guess WHERE hour = ?', hour).toArray()[0]?.count ?? 0;
}

/** Forgets some of what nobody needs any longer. @returns false when no entry of a teleTAN is left to be forgotten */
export function forgetOldEntries(sql: SqlStorage, now: number): boolean {
  const entries = `SELECT rowid FROM teletan WHERE issued_at <= ? ORDER BY issued_at LIMIT ${CLEANUP_ROWS}`;
  const gone = sql.exec(`DELETE FROM teletan WHERE rowid IN (${entries}) RETURNING 1`, now - TELETAN_KEPT_SECONDS);
  if (gone.toArray().length > 0) return true;
  sql.exec('DELETE FROM batch WHERE expires_at <= ?', now - BATCH_KEPT_AFTER_EXPIRY_SECONDS);
  forgetQuotaRequests(sql, now);
  sql.exec('DELETE FROM failed_guess WHERE hour < ?', Math.floor(now / 3600) - 48);
  return false;
}
