/**
 * @module Staff sessions over one object's storage (docs/spec/europe.md §9.2 i): idle for at most 15 minutes, 12 hours
 * in all, revocable, so many actions a minute. Only a hash of the cookie is stored.
 */

/** A session that nobody used for so long has ended. */
export const IDLE_SECONDS = 15 * 60;
/** A session ends after a working day however busy it is. */
export const LONGEST_SECONDS = 12 * 3600;
/** Actions (POST) of a session in a minute; a person at a desk makes a handful. */
const ACTIONS_PER_MINUTE = 30;
/** Access lets nobody in for longer than a day without asking again, so an ended session matters that long. */
const KEPT_AFTER_END_SECONDS = 86_400;

/** What a request presents. */
export interface SessionClaim {
  /** Hash of the session cookie, or null when there is none. */
  readonly idHash: string | null;
  readonly subject: string;
  /** Unix seconds at which the identity provider saw the person, or null where nobody says (a client certificate). */
  readonly authenticatedAt: number | null;
  /** Hash of the cookie to set should a session begin. */
  readonly newIdHash: string;
}

/**
 * open: goes on. begun: a new one, under `newIdHash`. ended: idle too long, revoked or signed out, and the person has not
 * been authenticated since; they have to sign in again.
 */
export type SessionReply =
  | { readonly kind: 'open'; readonly language: string }
  | { readonly kind: 'begun'; readonly language: string }
  | { readonly kind: 'ended' };

/** A session as operators see it. */
export interface StaffSession {
  /** First characters of the hash: names it, opens nothing. */
  readonly name: string;
  readonly subject: string;
  readonly begunAt: number;
  readonly lastSeen: number;
}

type Row = {
  subject: string;
  begun_at: number;
  last_seen: number;
  ended_at: number | null;
  language: string;
};

const NAME_LENGTH = 12;
const DEFAULT_LANGUAGE = 'en';

/** @returns when a session ended or will end if nobody touches it */
function endOf(row: Row): number {
  return row.ended_at ?? Math.min(row.last_seen + IDLE_SECONDS, row.begun_at + LONGEST_SECONDS);
}

/** Goes on with a session, begins one, or says that the last one has ended. @param now Unix seconds */
export function openSession(sql: SqlStorage, claim: SessionClaim, now: number): SessionReply {
  const current = claim.idHash === null ? null : find(sql, claim.idHash);
  if (current !== null && current.subject === claim.subject && endOf(current) > now) {
    sql.exec('UPDATE session SET last_seen = ? WHERE id_hash = ?', now, claim.idHash);
    return { kind: 'open', language: current.language };
  }
  const earlier = sql
    .exec<Row>('SELECT * FROM session WHERE subject = ? ORDER BY last_seen DESC', claim.subject)
    .toArray();
  // A cookie that was thrown away must not turn an ended session into a new one: the person signs in again.
  const lastEnd = Math.max(0, ...earlier.map(endOf).filter((end) => end <= now));
  if (claim.authenticatedAt === null ? current !== null && lastEnd > 0 : claim.authenticatedAt <= lastEnd) {
    if (claim.authenticatedAt === null && claim.idHash !== null) forget(sql, claim.idHash);
    return { kind: 'ended' };
  }
  const language = earlier[0]?.language ?? DEFAULT_LANGUAGE;
  sql.exec(
    'INSERT INTO session VALUES (?, ?, ?, ?, NULL, ?, 0, 0)',
    claim.newIdHash,
    claim.subject,
    now,
    now,
    language,
  );
  return { kind: 'begun', language };
}

/** Ends one session. */
export function endSession(sql: SqlStorage, idHash: string, now: number): void {
  sql.exec('UPDATE session SET ended_at = ? WHERE id_hash = ? AND ended_at IS NULL', now, idHash);
}

/** Ends all sessions of a person. @returns how many were running */
export function revokeSessions(sql: SqlStorage, subject: string, now: number): number {
  const running = runningSessions(sql, now).filter((session) => session.subject === subject).length;
  sql.exec('UPDATE session SET ended_at = ? WHERE subject = ? AND ended_at IS NULL', now, subject);
  return running;
}

/** @returns sessions that are running, the last used first */
export function runningSessions(sql: SqlStorage, now: number): StaffSession[] {
  return sql
    .exec<Row & { id_hash: string }>('SELECT * FROM session WHERE ended_at IS NULL ORDER BY last_seen DESC')
    .toArray()
    .filter((row) => endOf(row) > now)
    .map((row) => ({
      name: row.id_hash.slice(0, NAME_LENGTH),
      subject: row.subject,
      begunAt: row.begun_at,
      lastSeen: row.last_seen,
    }));
}

/** Counts an action. @returns false when the session has made too many in this minute */
export function countAction(sql: SqlStorage, idHash: string, now: number): boolean {
  const minute = Math.floor(now / 60);
  sql.exec(
    'UPDATE session SET actions = CASE WHEN minute = ?1 THEN actions + 1 ELSE 1 END, minute = ?1 WHERE id_hash = ?2',
    minute,
    idHash,
  );
  const row = sql.exec<{ actions: number }>('SELECT actions FROM session WHERE id_hash = ?', idHash).toArray()[0];
  return row !== undefined && row.actions <= ACTIONS_PER_MINUTE;
}

/** Keeps the language a person chose. */
export function setLanguage(sql: SqlStorage, idHash: string, language: string): void {
  sql.exec('UPDATE session SET language = ? WHERE id_hash = ?', language, idHash);
}

/** Forgets sessions that ended a day ago. */
export function forgetSessions(sql: SqlStorage, now: number): void {
  sql.exec(
    'DELETE FROM session WHERE COALESCE(ended_at, last_seen + ?) <= ?',
    IDLE_SECONDS,
    now - KEPT_AFTER_END_SECONDS,
  );
}

function find(sql: SqlStorage, idHash: string): Row | null {
  return sql.exec<Row>('SELECT * FROM session WHERE id_hash = ?', idHash).toArray()[0] ?? null;
}

function forget(sql: SqlStorage, idHash: string): void {
  sql.exec('DELETE FROM session WHERE id_hash = ?', idHash);
}
