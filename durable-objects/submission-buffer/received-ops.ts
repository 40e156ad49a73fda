/**
 * @module The counts that decoys are drawn from (domain/received.ts): one row, a sum over at least 50 uploads at any time, rewritten
 * with each upload.
 *
 * Durable order: a real upload is counted in the transaction that stores it, so that a crash counts it with its keys or not
 * at all, and one that is sent again is not counted twice. Halving is part of the same write.
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

/**
 * @param random source of what the counts begin with
 * @param now Unix seconds
 * @returns the counts; new ones where there are none, or of another version
 */
export function readCounts(sql: SqlStorage, random: RandomBytes, now: number): Received {
  const row = sql.exec<{ counts: ArrayBuffer }>('SELECT counts FROM received').toArray()[0];
  const stored = row === undefined ? null : readReceived(new Uint8Array(row.counts));
  return stored ?? nothingReceived(random, Math.floor(now / SECONDS_PER_DAY));
}

/**
 * Counts one real upload; runs inside the transaction that stores it.
 *
 * @param now Unix seconds
 * @param keys what is new in it, in published form
 */
export function countReceived(
  sql: SqlStorage,
  random: RandomBytes,
  now: number,
  keys: readonly TemporaryExposureKey[],
): void {
  const hour = hourOf(now);
  const received = forgetHalf(random, readCounts(sql, random, now), Math.floor(now / SECONDS_PER_DAY));
  write(sql, countUpload(received, shapeOf(keys, hour), hour));
}

/**
 * Forgets half of what was counted when that is due, also where no upload comes any more, and all once no real upload is left.
 *
 * @param now Unix seconds
 */
export function forgetReceived(sql: SqlStorage, random: RandomBytes, now: number): void {
  const received = readCounts(sql, random, now);
  const left = forgetHalf(random, received, Math.floor(now / SECONDS_PER_DAY));
  if (left.uploads === 0) sql.exec('DELETE FROM received');
  else if (left !== received) write(sql, left);
}

function write(sql: SqlStorage, received: Received): void {
  sql.exec('INSERT OR REPLACE INTO received VALUES (0, ?)', writeReceived(received).slice().buffer);
}
