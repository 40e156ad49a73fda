/**
 * @module Decoys: whole synthetic uploads that fill a chunk when the maximum hold is over (docs/architecture.md §5.3). They
 * go through the same normalisation as a real upload of CWA's apps, so a decoy is what such an upload would have left.
 * The profile is published in docs/decoy-profile.md; secrecy of the profile protects nobody.
 */
import { INTERVALS_PER_DAY, hourStart } from '../protocol/gaen/intervals.ts';
import { SECONDS_PER_DAY } from '../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import { MINIMUM_PUBLISHED_RISK_LEVEL, encodeRiskLevel, riskLevelOfOnset } from './keys/risk.ts';
import { publishedForm } from './embargo.ts';

/** @returns `n` random bytes; unpredictable in production, seeded in tests */
export type RandomBytes = (n: number) => Uint8Array;

/** Most keys CWA's apps send (docs/spec/cwa.md §2.1). */
const MAX_KEYS = 14;

/** What an infected person answers about the onset of symptoms, in CWA's scale for the day of the upload, by weight. */
interface OnsetClass {
  /** Smallest and largest value for the day of the upload, equally likely. */
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}

export interface DecoyProfile {
  readonly onset: readonly OnsetClass[];
  /** Of 100 uploads, those from a phone that has its full history; the others have 1..13 days, equally likely. */
  readonly fullHistoryPercent: number;
  /** Of 100 uploads, those that include the key of the running day. */
  readonly runningDayPercent: number;
}

/** docs/decoy-profile.md says where each number comes from. */
export const DECOY_PROFILE: DecoyProfile = {
  onset: [
    { from: 0, to: 7, weight: 60 },
    { from: 701, to: 701, weight: 8 },
    { from: 708, to: 708, weight: 4 },
    { from: 715, to: 715, weight: 3 },
    { from: 2000, to: 2000, weight: 5 },
    { from: 3000, to: 3000, weight: 10 },
    { from: 4000, to: 4000, weight: 10 },
  ],
  fullHistoryPercent: 80,
  runningDayPercent: 50,
};

/**
 * Draws one synthetic upload: consecutive days, one onset vector, levels below 3 left out as for a real one.
 *
 * @param random source of randomness
 * @param hour the hour in which the upload would have been made (hours since the Unix epoch)
 * @param retentionDays days a key lives after its end; older ones aren't drawn
 * @param profile the published profile
 * @returns 1..14 keys in published form, in no order that means anything
 */
export function drawDecoyUpload(
  random: RandomBytes,
  hour: number,
  retentionDays: number,
  profile: DecoyProfile = DECOY_PROFILE,
): TemporaryExposureKey[] {
  const today = Math.floor(hourStart(hour) / SECONDS_PER_DAY);
  for (;;) {
    const onset = drawOnset(random, profile.onset);
    const full = below(random, 100) < profile.fullHistoryPercent;
    const days = full ? MAX_KEYS : 1 + below(random, MAX_KEYS - 1);
    const youngest = below(random, 100) < profile.runningDayPercent ? 0 : 1;
    const keys: TemporaryExposureKey[] = [];
    for (let age = youngest; age < youngest + days; age++) {
      // The key of `age` days ago ends at the next midnight; at its retention's end it could not be published.
      if (age > retentionDays) break;
      const level = riskLevelOfOnset(onset - age);
      if (level < MINIMUM_PUBLISHED_RISK_LEVEL) continue;
      keys.push(
        publishedForm({
          keyData: random(16),
          transmissionRiskLevel: level,
          rollingStartIntervalNumber: (today - age) * INTERVALS_PER_DAY,
          rollingPeriod: INTERVALS_PER_DAY,
          ...encodeRiskLevel(level),
        }),
      );
    }
    if (keys.length > 0) return keys;
  }
}

function drawOnset(random: RandomBytes, classes: readonly OnsetClass[]): number {
  let at = below(
    random,
    classes.reduce((sum, { weight }) => sum + weight, 0),
  );
  for (const { from, to, weight } of classes) {
    if (at < weight) return from + below(random, to - from + 1);
    at -= weight;
  }
  throw new Error('weights are whole numbers above zero');
}

/** @returns a whole number in 0..limit − 1; the bias of 32 bits over limits this small can't be measured */
function below(random: RandomBytes, limit: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = random(4);
  return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % limit;
}
