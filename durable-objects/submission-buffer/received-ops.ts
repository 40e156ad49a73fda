/**
 * @module The counts that decoys are drawn from (domain/received.ts): one row, a sum over at least 50 uploads at any time, rewritten
 * with each upload. Two states one upload apart would say what that upload was, and SQLite's log has all states: so they
 * lie sealed under the key of an hour to come (hour-keys.ts), and are sealed anew before that key is erased.
 *
 * Durable order: a real upload is counted in the transaction that stores it, so that a crash counts it with its keys or not
 * at all, and one that is sent again is not counted twice. Sealing anew is on disk before keys are erased. Counts whose key
 * is gone are as if there were none: decoys follow the profile until others have come.
 */
import type { RandomBytes } from '../../domain/random.ts';
import {
  countUpload,
  forgetHalf,
  nothingReceived,
  readReceived,
  shapeOf,
  writeReceived,
  type Received,
} from '../../domain/received.ts';
import { SECONDS_PER_DAY, hourOf } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import type { Ciphers } from './hour-keys.ts';

/** Sealed under the key of so many hours from now, which is in memory (HourKeys.ready), and sealed anew two hours later. */
const HOURS_AHEAD = 4;
const LEAST_AHEAD = 2;

/**
 * @param ciphers ready for `now`
 * @param random source of what the counts begin with
 * @param now Unix seconds
 * @returns the counts; new ones where there are none that can be read
 */
export function readCounts(sql: SqlStorage, ciphers: Ciphers, random: RandomBytes, now: number): Received {
  const row = storedRow(sql);
  const opened = row === null ? null : (ciphers.cipher(row.hour)?.openCounts(new Uint8Array(row.sealed)) ?? null);
  return (opened === null ? null : readReceived(opened)) ?? nothingReceived(random, Math.floor(now / SECONDS_PER_DAY));
}

/**
 * Counts one real upload; runs inside the transaction that stores it.
 *
 * @param ciphers ready for `now`
 * @param now Unix seconds
 * @param keys what is new in it, in published form
 */
export function countReceived(
  sql: SqlStorage,
  ciphers: Ciphers,
  random: RandomBytes,
  now: number,
  keys: readonly TemporaryExposureKey[],
): void {
  const hour = hourOf(now);
  const received = forgetHalf(random, readCounts(sql, ciphers, random, now), Math.floor(now / SECONDS_PER_DAY));
  write(sql, ciphers, countUpload(received, shapeOf(keys, hour), hour), now);
}

/**
 * Seals the counts anew where their key may soon be erased, and forgets half of them when that is due, also where no upload
 * comes any more; all once no real upload is left. Called before keys are erased.
 *
 * @param ciphers ready for `now`
 * @param now Unix seconds
 */
export function keepReceived(sql: SqlStorage, ciphers: Ciphers, random: RandomBytes, now: number): void {
  const row = storedRow(sql);
  if (row === null) return;
  const received = readCounts(sql, ciphers, random, now);
  const left = forgetHalf(random, received, Math.floor(now / SECONDS_PER_DAY));
  if (left.uploads === 0) sql.exec('DELETE FROM received');
  else if (left !== received || row.hour < hourOf(now) + LEAST_AHEAD) write(sql, ciphers, left, now);
}

function storedRow(sql: SqlStorage): { hour: number; sealed: ArrayBuffer } | null {
  return sql.exec<{ hour: number; sealed: ArrayBuffer }>('SELECT hour, sealed FROM received').toArray()[0] ?? null;
}

function write(sql: SqlStorage, ciphers: Ciphers, received: Received, now: number): void {
  const hour = hourOf(now) + HOURS_AHEAD;
  const cipher = ciphers.cipher(hour);
  if (cipher === null) throw new Error(`there is no key for counts of hour ${hour}`);
  sql.exec('INSERT OR REPLACE INTO received VALUES (0, ?, ?)', hour, cipher.sealCounts(writeReceived(received)));
}
