/**
 * @module What a phone tells its owner: all matches of a phone under every model the parameters know.
 */
import type { Parameters } from '../../protocol/parameters/document.ts';
import { combinedRisk, riskClassOf } from './combined-risk.ts';
import { type RiskResult, riskOf } from './cwa-risk-calculation.ts';
import { dailySummaries, exposureRiskValue } from './daily-summaries.ts';
import { exposureWindows } from './exposure-windows.ts';
import { type ExposureSummary, exposureSummary, keyExposures } from './risk-score-android.ts';
import { iosExposureSummary } from './risk-score-ios.ts';
import { type ScoredMatch, dayOf, recentMatches } from './sighting.ts';
import { type WeightedSumResult, weightedSum } from './weighted-sum.ts';

const SECONDS_PER_MINUTE = 60;

export interface Assessment {
  /** GAEN v1: the systems' summaries, and what CWA's first app made of Android's. */
  readonly v1: {
    readonly android: ExposureSummary;
    readonly ios: ExposureSummary;
    readonly combinedMinutes: number;
    readonly riskClass: string;
  };
  /** GAEN v2: the highest daily score, as minutes. */
  readonly v2: { readonly highestDayMinutes: number; readonly days: number };
  /** CWA's risk calculation. */
  readonly cwa: RiskResult;
  /** Figure 12, of the exposure with the highest sum; null without one. */
  readonly weightedSum: WeightedSumResult | null;
}

/**
 * @param parameters as the phone last took them
 * @param all neither revoked nor recursive keys (ExposureHistory.matches); what was heard more than 14 days ago counts in no model
 * @param now Unix seconds
 */
export function assessRisk(parameters: Parameters, all: readonly ScoredMatch[], now: number): Assessment {
  const matches = recentMatches(all, now);
  const { exposureConfiguration, combinedRisk: combined } = parameters.v1;
  const android = exposureSummary(exposureConfiguration, matches, now);
  const combinedMinutes = combinedRisk(combined, android);
  const windows = exposureWindows(matches, parameters.v2.diagnosisKeysDataMapping, null);
  const days = dailySummaries(parameters.v2.dailySummaries, windows, dayOf(now));
  const sums = matches.flatMap((match) =>
    keyExposures(exposureConfiguration, match, now).exposures.map((exposure) =>
      weightedSum(parameters.weightedSum, {
        daysSinceExposure: dayOf(now) - dayOf(match.sightings[0]!.timestamp),
        exposureDuration: exposure.durationSeconds / SECONDS_PER_MINUTE,
        signalAttenuation: exposure.attenuationValue,
        transmissionRisk: match.key.transmissionRiskLevel,
      }),
    ),
  );
  return {
    v1: {
      android,
      ios: iosExposureSummary(exposureConfiguration, matches, now),
      combinedMinutes,
      riskClass: riskClassOf(combined.riskClasses, combinedMinutes).label,
    },
    v2: {
      highestDayMinutes: exposureRiskValue(Math.max(0, ...days.map((day) => day.summary.scoreSum))),
      days: days.length,
    },
    cwa: riskOf(parameters.riskCalculation, windows, now),
    weightedSum: sums.toSorted((a, b) => b.total - a.total)[0] ?? null,
  };
}
