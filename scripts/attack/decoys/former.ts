/**
 * @module The fault put there on purpose: decoys as they were drawn before decision 021 (as of the hour that is sealed, levels by
 * the server's table, exactly one run of days, nothing received looked at). The attack must go on finding them.
 */
import { MINIMUM_PUBLISHED_RISK_LEVEL, encodeRiskLevel, riskLevelOfOnset } from '../../../domain/keys/risk.ts';
import { below, chance, weighted, type RandomBytes } from '../../../domain/random.ts';
import { INTERVALS_PER_DAY } from '../../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../../protocol/gaen/keys.ts';

const ONSET = [
  { from: 0, to: 7, weight: 60 },
  { from: 701, to: 701, weight: 8 },
  { from: 708, to: 708, weight: 4 },
  { from: 715, to: 715, weight: 3 },
  { from: 2000, to: 2000, weight: 5 },
  { from: 3000, to: 3000, weight: 10 },
  { from: 4000, to: 4000, weight: 10 },
];

/** @param hour the hour that is sealed @returns 1..14 keys */
export function drawFormerDecoy(random: RandomBytes, hour: number): TemporaryExposureKey[] {
  const today = Math.floor(hour / 24);
  for (;;) {
    const answer =
      ONSET[
        weighted(
          random,
          ONSET.map(({ weight }) => weight),
        )
      ]!;
    const onset = answer.from + below(random, answer.to - answer.from + 1);
    const days = chance(random, 80) ? 14 : 1 + below(random, 13);
    const youngest = chance(random, 50) ? 0 : 1;
    const keys: TemporaryExposureKey[] = [];
    for (let age = youngest; age < Math.min(youngest + days, 15); age++) {
      const level = riskLevelOfOnset(onset - age);
      if (level < MINIMUM_PUBLISHED_RISK_LEVEL) continue;
      keys.push({
        keyData: random(16),
        transmissionRiskLevel: level,
        rollingStartIntervalNumber: (today - age) * INTERVALS_PER_DAY,
        rollingPeriod: INTERVALS_PER_DAY,
        ...encodeRiskLevel(level),
      });
    }
    if (keys.length > 0) return keys;
  }
}
