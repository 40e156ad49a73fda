/**
 * @module The four tables of GAEN v1: which of the eight configured values an input selects (docs/spec/gaen.md §7.2). Android and
 * iOS agree on all but the transmission risk level.
 */

/** A value's slot 0..7 in a table of eight. */
export type LevelIndex = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** Slot n is taken by attenuations above the n-th limit, in dB; what is above none takes slot 7. */
const ATTENUATION_LIMITS_DB = [73, 63, 51, 33, 27, 15, 10] as const;
/** Slot n is taken by ages of at least the n-th limit, in days. */
const DAYS_LIMITS = [14, 12, 10, 8, 6, 4, 2] as const;
/** Slot n is taken by durations up to the n-th limit, in minutes. */
const DURATION_LIMITS_MINUTES = [0, 5, 10, 15, 20, 25, 30] as const;

const LAST_SLOT = 7;

function slot(limits: readonly number[], holds: (limit: number) => boolean): LevelIndex {
  const found = limits.findIndex((limit) => holds(limit));
  return (found === -1 ? LAST_SLOT : found) as LevelIndex;
}

/** @param attenuation dB */
export function attenuationIndex(attenuation: number): LevelIndex {
  return slot(ATTENUATION_LIMITS_DB, (limit) => attenuation > limit);
}

/** @param days whole days since the exposure */
export function daysIndex(days: number): LevelIndex {
  return slot(DAYS_LIMITS, (limit) => days >= limit);
}

/** @param minutes of the exposure */
export function durationIndex(minutes: number): LevelIndex {
  return slot(DURATION_LIMITS_MINUTES, (limit) => minutes <= limit);
}
