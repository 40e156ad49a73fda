/**
 * @module Keys that the store hashes codes and phone numbers with: drawn at random for a period, and erased when nothing that was hashed with them counts any longer. There are 10⁸ short codes and about as
 * many phone numbers of a country: whoever has a key of theirs can try all of them, so a key that is gone is what makes an old hash nobody's.
 *
 * Durable writes: a key is written with the first row that is hashed with it, in one transaction.
 */
import { hmacSha256 } from '../../protocol/primitives/hash.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';

/** code: a UTC day; a long code lives one day and is told of for another. phone: 31 days, a day more than a number is remembered. */
const PURPOSES = {
  code: { periodSeconds: SECONDS_PER_DAY, periods: 3 },
  phone: { periodSeconds: 31 * SECONDS_PER_DAY, periods: 2 },
} as const;
type Purpose = keyof typeof PURPOSES;

const KEY_BYTES = 32;
const HASH_BYTES = 16;

const periodOf = (purpose: Purpose, now: number): number => Math.floor(now / PURPOSES[purpose].periodSeconds);
const hashWith = (key: ArrayBuffer, value: Uint8Array): Uint8Array =>
  hmacSha256(new Uint8Array(key), value).slice(0, HASH_BYTES);

/** @param value concealed already @returns its hash of the running period; call inside a transaction that keeps it */
export function newHash(sql: SqlStorage, purpose: Purpose, value: Uint8Array, now: number): Uint8Array {
  const fresh = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const period = periodOf(purpose, now);
  sql.exec('INSERT OR IGNORE INTO hash_key VALUES (?, ?, ?)', purpose, period, fresh);
  const { key } = sql
    .exec<{ key: ArrayBuffer }>('SELECT key FROM hash_key WHERE purpose = ? AND period = ?', purpose, period)
    .one();
  return hashWith(key, value);
}

/** @returns the hashes under which a value may be stored, of each period that counts */
export function knownHashes(sql: SqlStorage, purpose: Purpose, value: Uint8Array, now: number): Uint8Array[] {
  const oldest = periodOf(purpose, now) - PURPOSES[purpose].periods + 1;
  return sql
    .exec<{ key: ArrayBuffer }>('SELECT key FROM hash_key WHERE purpose = ? AND period >= ?', purpose, oldest)
    .toArray()
    .map(({ key }) => hashWith(key, value));
}

/** Erases keys that no hash needs any longer. */
export function eraseHashKeys(sql: SqlStorage, now: number): void {
  for (const purpose of Object.keys(PURPOSES) as Purpose[]) {
    const oldest = periodOf(purpose, now) - PURPOSES[purpose].periods + 1;
    sql.exec('DELETE FROM hash_key WHERE purpose = ? AND period < ?', purpose, oldest);
  }
}
