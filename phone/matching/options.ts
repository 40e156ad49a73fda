/**
 * @module What the platforms' matchers disagree on, as data (docs/spec/gaen.md §6.1, §6.2).
 */

/** Retention of keys and sightings on a phone: 14 days (docs/spec/gaen.md §1). */
export const RETENTION_SECONDS = 14 * 86_400;

export interface MatchOptions {
  /** An RPI of interval i matches sightings of intervals i − tolerance .. i + tolerance (600 s each). */
  readonly toleranceIntervals: number;
  /** A sighting later than this after the RPI's first valid one is a replay; Unix seconds difference, inclusive. */
  readonly replaySeconds: number;
  /** Transmit powers in dBm outside these bounds make the sighting invalid (inclusive). */
  readonly minTxPower: number;
  readonly maxTxPower: number;
  /** Attenuations in dB outside these bounds make the sighting invalid (inclusive); below 0 counts as 0. */
  readonly minAttenuation: number;
  readonly maxAttenuation: number;
  /** Android uses the first `rollingPeriod` RPIs of a key, iOS all 144. */
  readonly honourRollingPeriod: boolean;
  /**
   * Window mode takes REVOKED keys in, so that they block later ones; they are never returned to an app.
   * Elsewhere they are skipped (docs/spec/gaen.md §6.1 step 4).
   */
  readonly includeRevoked: boolean;
  /** Unix seconds; sightings of more than 14 days before are ignored. null: no limit, as in replays of old data. */
  readonly now: number | null;
}

/** Android's matcher (docs/spec/gaen.md §6.1: tkMatchingClockDriftRollingPeriods = 12, replay 1200 s, tx −50..20 dBm). */
export const ANDROID_MATCHING: MatchOptions = {
  toleranceIntervals: 12,
  replaySeconds: 1200,
  minTxPower: -50,
  maxTxPower: 20,
  minAttenuation: 0,
  maxAttenuation: Number.MAX_SAFE_INTEGER,
  honourRollingPeriod: true,
  includeRevoked: false,
  now: null,
};

/** iOS's matcher (docs/spec/gaen.md §6.2: tx −60..20 dBm, attenuation 1..254 since 0xFF and 0 are dropped, 144 RPIs always). */
export const IOS_MATCHING: MatchOptions = {
  ...ANDROID_MATCHING,
  minTxPower: -60,
  minAttenuation: 1,
  maxAttenuation: 254,
  honourRollingPeriod: false,
};
