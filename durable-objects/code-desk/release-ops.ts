/**
 * @module Codes beyond a quota: an issuer asks, a second person releases, never the one who asked (decision 033). Both end by
 * themselves: what isn't released within an hour lapses, and what is released holds for an hour. SQL over the code desk's storage.
 */
import type { QuotaRequest, ReleaseReply } from '../../domain/code-books.ts';

/** As long as a quota counts. */
const HOLDS_SECONDS = 3600;
/** Nobody needs it longer; who asked and who released stands in the audit log. */
const KEPT_SECONDS = 2 * HOLDS_SECONDS;

/** A migration of CodeDesk (desk-ops.ts): who asked, as a person (decision 046). What waits doesn't say it, lapses within an hour, and is asked for anew. */
export const REQUESTS_BY_PERSONS = `DELETE FROM quota_request WHERE released_at IS NULL;
   ALTER TABLE quota_request ADD COLUMN person TEXT NOT NULL DEFAULT '';`;

/** @returns codes that were released to this issuer within the last hour */
export function releasedTo(sql: SqlStorage, issuer: string, now: number): number {
  const { codes } = sql
    .exec<{ codes: number | null }>(
      'SELECT SUM(codes) AS codes FROM quota_request WHERE issuer = ? AND released_at > ?',
      issuer,
      now - HOLDS_SECONDS,
    )
    .one();
  return codes ?? 0;
}

/** @returns codes that this issuer asked for within the last hour and that nobody has released */
export function askedBy(sql: SqlStorage, issuer: string, now: number): number {
  return waiting(sql, now).find((request) => request.issuer === issuer)?.codes ?? 0;
}

/** @returns what waits for a second person, oldest first */
export function waiting(sql: SqlStorage, now: number): QuotaRequest[] {
  return sql
    .exec<{ id: string; issuer: string; person: string; codes: number; asked_at: number }>(
      `SELECT id, issuer, person, codes, asked_at FROM quota_request WHERE released_at IS NULL AND asked_at > ?
       ORDER BY asked_at, id`,
      now - HOLDS_SECONDS,
    )
    .toArray()
    .map((row) => ({ id: row.id, issuer: row.issuer, person: row.person, codes: row.codes, askedAt: row.asked_at }));
}

/** Asks; one who asks again asks for what was said last. @param request with the id it has if it is a new one */
export function askForCodes(sql: SqlStorage, request: QuotaRequest): void {
  const { id, issuer, person, codes, askedAt } = request;
  sql.exec('DELETE FROM quota_request WHERE issuer = ? AND released_at IS NULL', issuer);
  sql.exec('INSERT INTO quota_request VALUES (?, ?, ?, ?, NULL, ?)', id, issuer, codes, askedAt, person);
}

/** @param by the second person @param now Unix seconds */
export function releaseCodes(sql: SqlStorage, id: string, by: string, now: number): ReleaseReply {
  const request = waiting(sql, now).find((one) => one.id === id);
  if (request === undefined) return { kind: 'gone' };
  if (request.person === by) return { kind: 'own' };
  sql.exec('UPDATE quota_request SET released_at = ? WHERE id = ?', now, id);
  return { kind: 'released', issuer: request.issuer, codes: request.codes };
}

/** Forgets what has lapsed. */
export function forgetQuotaRequests(sql: SqlStorage, now: number): void {
  sql.exec('DELETE FROM quota_request WHERE COALESCE(released_at, asked_at) <= ?', now - KEPT_SECONDS);
}
