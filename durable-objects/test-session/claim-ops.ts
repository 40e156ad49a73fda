/**
 * @module Claims: which session a test belongs to (decision 024). One row for the hash of its GUID and one for the hash with
 * its date of birth, where a date was given; a session without one needs no row, its place is the claim. A row names its
 * owner by the keyed hash of the owner's token, so that asking again finds itself. SQL over one object's storage; no clock.
 */
import { MAX_BIRTH_DATE_GUESSES } from '../../domain/birth-date.ts';
import { SESSION_LIFETIME_SECONDS } from '../../domain/session.ts';
import { fromHex, toHex } from '../../protocol/primitives/bytes.ts';

/** Longer than whoever holds a lock takes: the cards of a large batch take a minute on a machine that is busy. */
const LOCK_SECONDS = 120;
/** Of a guesser's hash so much is kept that two of them don't meet: 64 bit. */
const GUESS_BYTES = 8;
const GUESS_DIGITS = new RegExp(`.{${2 * GUESS_BYTES}}`, 'g');

export interface Claim {
  /** Hash of a token; null while there are only guesses. */
  readonly owner: string | null;
  /** Who tried a date of birth after the laboratory had answered: the first digits of the hash of each one's token. */
  readonly guesses: readonly string[];
  /** Unix seconds: as long as the session, at least. */
  readonly expiresAt: number;
}

/** @param id hex @param now Unix seconds @returns the claim that holds, or null */
export function readClaim(sql: SqlStorage, id: string, now: number): Claim | null {
  const row = sql
    .exec<{ owner: ArrayBuffer | null; guesses: ArrayBuffer | null; expires_at: number }>(
      'SELECT owner, guesses, expires_at FROM test_claim WHERE id = ? AND expires_at > ?',
      fromHex(id),
      now,
    )
    .toArray()[0];
  if (row === undefined) return null;
  const owner = row.owner === null ? null : toHex(new Uint8Array(row.owner));
  const guesses = row.guesses === null ? [] : (toHex(new Uint8Array(row.guesses)).match(GUESS_DIGITS) ?? []);
  return { owner, guesses, expiresAt: row.expires_at };
}

/** Writes or replaces one row; one that says nothing goes. @param id hex */
export function writeClaim(sql: SqlStorage, id: string, claim: Claim): void {
  const owner = claim.owner === null ? null : fromHex(claim.owner);
  const guesses = claim.guesses.length === 0 ? null : fromHex(claim.guesses.join(''));
  if (owner === null && guesses === null) sql.exec('DELETE FROM test_claim WHERE id = ?', fromHex(id));
  else sql.exec('INSERT OR REPLACE INTO test_claim VALUES (?, ?, ?, ?)', fromHex(id), owner, guesses, claim.expiresAt);
}

/**
 * Counts one date of birth that is tried, each once.
 *
 * @param id hash of the token that the test has without a date of birth
 * @param owner hash of the asker's token, which depends on the date
 * @param now Unix seconds
 * @returns new: it was counted. known: it was before, or the test is the asker's. full: no other may be tried
 */
export function countGuess(sql: SqlStorage, id: string, owner: string, now: number): 'new' | 'known' | 'full' {
  const claim = readClaim(sql, id, now) ?? { owner: null, guesses: [], expiresAt: 0 };
  const guess = guessOf(owner);
  if (claim.owner === owner || claim.guesses.includes(guess)) return 'known';
  if (claim.guesses.length >= MAX_BIRTH_DATE_GUESSES) return 'full';
  const expiresAt = Math.max(claim.expiresAt, now + SESSION_LIFETIME_SECONDS);
  writeClaim(sql, id, { ...claim, guesses: [...claim.guesses, guess], expiresAt });
  return 'new';
}

/** @param owner hash of a token, hex @returns how it stands in `guesses` */
function guessOf(owner: string): string {
  return owner.slice(0, 2 * GUESS_BYTES);
}

/**
 * Keeps others from what they all name alike, while keys are being changed (workers/verification/session-keys.ts). It ends with `unclaim`, or by itself.
 *
 * @param id hex, a name that no session and no other claim has
 * @param owner hex, drawn for this once
 * @param now Unix seconds
 * @returns whether it is `owner`'s now
 */
export function takeLock(sql: SqlStorage, id: string, owner: string, now: number): boolean {
  const held = readClaim(sql, id, now);
  if (held !== null) return held.owner === owner;
  writeClaim(sql, id, { owner, guesses: [], expiresAt: now + LOCK_SECONDS });
  return true;
}
