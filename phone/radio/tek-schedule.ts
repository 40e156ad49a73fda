/**
 * @module A phone's own temporary exposure keys: one a UTC day, 14 days kept, today's cut when it is shared on its own
 * day (docs/spec/gaen.md §1). Pure functions over the history, so that a test can live through weeks in a millisecond.
 */
import {
  enIntervalNumber,
  INTERVALS_PER_DAY,
  keyEnd,
  RETENTION_DAYS,
  SECONDS_PER_DAY,
} from '../../protocol/gaen/intervals.ts';
import type { RandomBytes } from '../random.ts';

/** Bytes of a TEK (docs/spec/gaen.md §1). */
const TEK_BYTES = 16;

/** One of the phone's own keys: valid for ENIntervalNumbers in [start, start + period). */
export interface OwnKey {
  /** Exactly 16 bytes. */
  readonly keyData: Uint8Array;
  /** ENIntervalNumber of the first interval: UTC midnight, but for what follows a cut key. */
  readonly rollingStartIntervalNumber: number;
  /** Number of intervals, 1..144. */
  readonly rollingPeriod: number;
}

/** Own keys, oldest first, no two of them valid in the same interval. */
export type TekHistory = readonly OwnKey[];

export interface CurrentKey {
  readonly key: OwnKey;
  readonly history: TekHistory;
}

/** Drops what no phone would still offer: keys that ended 14 days ago or more. */
function pruned(history: TekHistory, now: number): OwnKey[] {
  return history.filter((key) => keyEnd(key) > now - RETENTION_DAYS * SECONDS_PER_DAY);
}

function midnightOf(interval: number): number {
  return interval - (interval % INTERVALS_PER_DAY);
}

/**
 * The key to broadcast with, made if there is none. Each key is drawn independently.
 *
 * @param history own keys
 * @param now Unix seconds
 * @param random cryptographic source of bytes
 * @returns the key valid now, and the history with it, without what has aged out
 */
export function currentKey(history: TekHistory, now: number, random: RandomBytes): CurrentKey {
  const kept = pruned(history, now);
  const interval = enIntervalNumber(now);
  const valid = kept.find(
    (key) =>
      key.rollingStartIntervalNumber <= interval && interval < key.rollingStartIntervalNumber + key.rollingPeriod,
  );
  if (valid !== undefined) return { key: valid, history: kept };
  // After a cut the day's second key begins where the first ended, never before it (docs/spec/gaen.md §1, "same-day release"); a
  // key that lies ahead because the clock was set back ends it, so that no two keys ever share an interval.
  const midnight = midnightOf(interval);
  const before = kept.filter((key) => key.rollingStartIntervalNumber <= interval);
  const ahead = kept.filter((key) => key.rollingStartIntervalNumber > interval);
  const start = Math.max(midnight, ...before.map((key) => key.rollingStartIntervalNumber + key.rollingPeriod));
  const end = Math.min(midnight + INTERVALS_PER_DAY, ...ahead.map((key) => key.rollingStartIntervalNumber));
  const key: OwnKey = {
    keyData: Uint8Array.from(random(TEK_BYTES)),
    rollingStartIntervalNumber: start,
    rollingPeriod: end - start,
  };
  return {
    key,
    history: [...kept, key].toSorted((a, b) => a.rollingStartIntervalNumber - b.rollingStartIntervalNumber),
  };
}

/**
 * Same-day release: ends today's key now, so that it can be shared without being broadcast any longer. In the first ten
 * minutes of a key there is no whole interval to share, and it stays as it is.
 *
 * @param history own keys
 * @param now Unix seconds
 * @returns the history with the key cut to `now − start` intervals; {@link currentKey} makes the next one
 */
export function cutToday(history: TekHistory, now: number): TekHistory {
  const interval = enIntervalNumber(now);
  return history.map((key) => {
    const used = interval - key.rollingStartIntervalNumber;
    return used >= 1 && used < key.rollingPeriod ? { ...key, rollingPeriod: used } : key;
  });
}

/**
 * The keys a phone hands to its app for an upload: those that have ended (docs/spec/gaen.md §1: at most 14 past keys; today's
 * only once it was cut).
 *
 * @param history own keys
 * @param now Unix seconds
 * @returns ended keys of the last 14 days, oldest first
 */
export function endedKeys(history: TekHistory, now: number): OwnKey[] {
  return pruned(history, now).filter((key) => keyEnd(key) <= now);
}
