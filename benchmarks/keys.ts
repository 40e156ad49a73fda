/**
 * @module The pinned data set of the size and sealing benchmarks: a seed and this generator, so that it is the same on
 * every machine. Uploads follow the published profile of real ones (docs/decoy-profile.md), already normalised.
 */
import { createHash } from 'node:crypto';
import { drawDecoy } from '../domain/decoys.ts';
import { releaseHour } from '../domain/embargo.ts';
import type { RandomBytes } from '../domain/random.ts';
import { nothingReceived } from '../domain/received.ts';
import { RETENTION_DAYS } from '../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';

/** Noon of 2026-06-15 UTC, in hours since the Unix epoch: the hour in which the data set is uploaded. */
export const DATA_SET_HOUR = 494_868;
export const DATA_SET_SEED = 'exposure-edge data set 1';

/** @returns bytes that are a function of the seed: SHA-256 over seed and counter */
export function seededBytes(seed: string): RandomBytes {
  let counter = 0;
  let block: Uint8Array = new Uint8Array(0);
  let used = 0;
  return (n) => {
    const bytes = new Uint8Array(n);
    for (let i = 0; i < n; i++) {
      if (used === block.length) {
        block = createHash('sha256').update(`${seed} ${counter++}`).digest();
        used = 0;
      }
      bytes[i] = block[used++]!;
    }
    return bytes;
  };
}

/**
 * @param count keys to make
 * @param seed of the data set
 * @returns the keys that the uploads of one hour release in that hour, upload by upload; a running day's key waits
 */
export function dataSet(count: number, seed = DATA_SET_SEED): TemporaryExposureKey[] {
  const random = seededBytes(seed);
  const keys: TemporaryExposureKey[] = [];
  const request = {
    asOf: DATA_SET_HOUR,
    sealed: DATA_SET_HOUR,
    rest: false,
    leavesRest: false,
    retentionDays: RETENTION_DAYS,
    received: nothingReceived(random, Math.floor(DATA_SET_HOUR / 24)),
  };
  while (keys.length < count) {
    for (const key of drawDecoy(random, request)) {
      if (releaseHour(key) <= DATA_SET_HOUR && keys.length < count) keys.push(key);
    }
  }
  return keys;
}
