/**
 * @module Staff sessions over one object's storage (docs/spec/europe.md §9.2 i): idle for at most 15 minutes, 12 hours
 * in all, revocable. Only a hash of the cookie is stored. What has ended is a fact about the person, not about a cookie:
 * whoever throws the cookie away, or gives commands without one, meets it as well. So is the pace.
 */

/** A session that nobody used for so long has ended. */
export const IDLE_SECONDS = 15 * 60;
/** A session ends after a working day however busy it is. */
export const LONGEST_SECONDS = 12 * 3600;
/** Access lets nobody in for longer than a month without asking again, so an end matters that long. */
const KEPT_AFTER_LAST_SEEN_SECONDS = 31 * 86_400;

/** Actions (POST, or a session that begins) of a person in a minute; a person at a desk makes a handful. */
const ACTIONS_PER_MINUTE = 30;
/** Commands of a person or script in a minute. */
export const COMMANDS_PER_MINUTE = 120;

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
 * open: goes on; `first` when its cookie came back for the first time. begun: a new one, under `newIdHash`. ended: idle too
 * long, revoked or signed out, and the person has not been authenticated since; they have to sign in again. many: the
 * person has begun or done too much in this minute.
 */
export type SessionReply =
  | { readonly kind: 'open'; readonly language: string; readonly first: boolean }
  | { readonly kind: 'begun'; readonly language: string }
  | { readonly kind: 'ended' }
  | { readonly kind: 'many' };

/** A session as operators see it. */
export interface StaffSession {
  readonly subject: string;
  readonly begunAt: number;
  readonly lastSeen: number;
}

/** Sessions that operators are shown. */
const SESSIONS_SHOWN = 200;

type Person = { language: string; ended_at: number; signed_in_at: number };

const DEFAULT_LANGUAGE = 'en';
/** When a session ends if nobody touches it. */
const END = `MIN(last_seen + ${IDLE_SECONDS}, begun_at + ${LONGEST_SECONDS})`;

/** Goes on with a session, begins one, or says that the last one has ended. @param now Unix seconds */
export function openSession(sql: SqlStorage, claim: SessionClaim, now: number): SessionReply {
  const { idHash, subject } = claim;
  closeExpired(sql, subject, now);
  const current = idHash === null ? null : find(sql, idHash);
  if (current?.subject === subject) {
    sql.exec('UPDATE session SET last_seen = ?, used = 1 WHERE id_hash = ?', now, idHash);
    const { language = DEFAULT_LANGUAGE } = personOf(sql, subject) ?? {};
    return { kind: 'open', language, first: current.used === 0 };
  }
  if (hasEnded(sql, claim)) return { kind: 'ended' };
  if (!countAction(sql, subject, now)) return { kind: 'many' };
  sql.exec('INSERT INTO session VALUES (?, ?, ?, ?, 0)', claim.newIdHash, subject, now, now);
  return { kind: 'begun', language: personOf(sql, subject)?.language ?? DEFAULT_LANGUAGE };
}

/**
 * Whether somebody may give a command, who need not have a session.
 *
 * @param limit commands a minute
 * @returns ended: as for a session. many: too many in this minute
 */
export function admitCommand(
  sql: SqlStorage,
  who: Pick<SessionClaim, 'subject' | 'authenticatedAt'>,
  now: number,
  limit = COMMANDS_PER_MINUTE,
): 'admitted' | 'ended' | 'many' {
  closeExpired(sql, who.subject, now);
  if (hasEnded(sql, who)) return 'ended';
  return count(sql, who.subject, 'commands', now) <= limit ? 'admitted' : 'many';
}

/** A card's holder says that they are back: a card brings no time of its own. @returns false when that was too often */
export function signInByCard(sql: SqlStorage, subject: string, now: number): boolean {
  closeExpired(sql, subject, now);
  if (!countAction(sql, subject, now)) return false;
  // Later than what has ended, in the same second too.
  sql.exec('UPDATE person SET signed_in_at = MAX(?1, ended_at + 1) WHERE subject = ?2', now, subject);
  return true;
}

/** Ends one session. */
export function endSession(sql: SqlStorage, idHash: string, now: number): void {
  const row = find(sql, idHash);
  if (row === null) return;
  sql.exec('DELETE FROM session WHERE id_hash = ?', idHash);
  markEnded(sql, row.subject, now, now);
}

/** Ends all sessions of a person, and what they could begin by the sign-in they have. @returns how many were running */
export function revokeSessions(sql: SqlStorage, subject: string, now: number): number {
  closeExpired(sql, subject, now);
  const { running } = sql
    .exec<{ running: number }>('SELECT COUNT(*) AS running FROM session WHERE subject = ?', subject)
    .one();
  sql.exec('DELETE FROM session WHERE subject = ?', subject);
  markEnded(sql, subject, now, now);
  return running;
}

/** @returns the sessions that are running, the last used first, at most {@link SESSIONS_SHOWN} */
export function runningSessions(sql: SqlStorage, now: number): StaffSession[] {
  return sql
    .exec<{ subject: string; begun_at: number; last_seen: number }>(
      `SELECT subject, begun_at, last_seen FROM session WHERE ${END} > ? ORDER BY last_seen DESC LIMIT ${SESSIONS_SHOWN}`,
      now,
    )
    .toArray()
    .map((row) => ({ subject: row.subject, begunAt: row.begun_at, lastSeen: row.last_seen }));
}

/** Counts an action of a person. @returns false when they have made too many in this minute */
export function countAction(sql: SqlStorage, subject: string, now: number): boolean {
  return count(sql, subject, 'actions', now) <= ACTIONS_PER_MINUTE;
}

/** Keeps the language a person chose. */
export function setLanguage(sql: SqlStorage, idHash: string, language: string): void {
  sql.exec(
    'UPDATE person SET language = ? WHERE subject = (SELECT subject FROM session WHERE id_hash = ?)',
    language,
    idHash,
  );
}

/** Closes sessions that nobody used any more, and forgets people who were not seen for a month. */
export function forgetSessions(sql: SqlStorage, now: number): void {
  for (const { subject } of sql.exec<{ subject: string }>(
    `SELECT DISTINCT subject FROM session WHERE ${END} <= ?`,
    now,
  )) {
    closeExpired(sql, subject, now);
  }
  sql.exec('DELETE FROM person WHERE last_seen <= ?', now - KEPT_AFTER_LAST_SEEN_SECONDS);
}

/** A cookie that was thrown away must not turn an ended session into a new one: the person signs in again. */
function hasEnded(sql: SqlStorage, { subject, authenticatedAt }: Pick<SessionClaim, 'subject' | 'authenticatedAt'>) {
  const person = personOf(sql, subject);
  if (person === null || person.ended_at === 0) return false;
  return (authenticatedAt ?? person.signed_in_at) <= person.ended_at;
}

/** Turns a person's sessions that have ended by themselves into the fact that they have. */
function closeExpired(sql: SqlStorage, subject: string, now: number): void {
  const { end } = sql
    .exec<{ end: number | null }>(
      `SELECT MAX(${END}) AS end FROM session WHERE subject = ? AND ${END} <= ?`,
      subject,
      now,
    )
    .one();
  if (end === null) return;
  sql.exec(`DELETE FROM session WHERE subject = ? AND ${END} <= ?`, subject, now);
  markEnded(sql, subject, end, now);
}

/** A sign-in of the same second is ended with it. */
function markEnded(sql: SqlStorage, subject: string, at: number, now: number): void {
  touch(sql, subject, now);
  sql.exec('UPDATE person SET ended_at = MAX(ended_at, ?1, MIN(signed_in_at, ?1 + 1)) WHERE subject = ?2', at, subject);
}

function count(sql: SqlStorage, subject: string, column: 'actions' | 'commands', now: number): number {
  const minute = Math.floor(now / 60);
  touch(sql, subject, now);
  sql.exec(
    'UPDATE person SET minute = ?1, actions = 0, commands = 0 WHERE subject = ?2 AND minute <> ?1',
    minute,
    subject,
  );
  return sql
    .exec<{ n: number }>(
      `UPDATE person SET ${column} = ${column} + 1 WHERE subject = ? RETURNING ${column} AS n`,
      subject,
    )
    .one().n;
}

function touch(sql: SqlStorage, subject: string, now: number): void {
  sql.exec(
    `INSERT INTO person VALUES (?1, '${DEFAULT_LANGUAGE}', ?2, 0, 0, 0, 0, 0)
     ON CONFLICT (subject) DO UPDATE SET last_seen = MAX(last_seen, excluded.last_seen)`,
    subject,
    now,
  );
}

function personOf(sql: SqlStorage, subject: string): Person | null {
  return sql.exec<Person>('SELECT * FROM person WHERE subject = ?', subject).toArray()[0] ?? null;
}

function find(sql: SqlStorage, idHash: string): { subject: string; used: number } | null {
  return (
    sql
      .exec<{ subject: string; used: number }>('SELECT subject, used FROM session WHERE id_hash = ?', idHash)
      .toArray()[0] ?? null
  );
}
