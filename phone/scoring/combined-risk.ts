/**
 * @module What CWA's first app made of GAEN v1's summary (docs/spec/gaen.md §7.6): weighted minutes times the normalized maximum
 * score, then a risk class.
 */
import type { CombinedRiskParameters, RiskClass } from '../../protocol/parameters/exposure-configuration.ts';
import type { ExposureSummary } from './risk-score-android.ts';

/**
 * @param summary minutes by attenuation and the maximum score
 * @returns the combined risk; its unit is minutes at the score the divisor stands for
 */
export function combinedRisk(
  parameters: CombinedRiskParameters,
  summary: Pick<ExposureSummary, 'attenuationDurationsMinutes' | 'maximumRiskScore'>,
): number {
  const [below, between, above] = summary.attenuationDurationsMinutes;
  const { low, mid, high } = parameters.weights;
  const minutes = below * low + between * mid + above * high + parameters.defaultBucketOffset;
  return (minutes * summary.maximumRiskScore) / parameters.riskScoreNormalizationDivisor;
}

/**
 * @param score combined risk, ≥ 0
 * @returns the last class that begins at or below the score, the first one if none does
 */
export function riskClassOf(classes: CombinedRiskParameters['riskClasses'], score: number): RiskClass {
  const begun = classes.filter((riskClass) => riskClass.min <= score);
  const found = begun.toSorted((a, b) => a.min - b.min).at(-1) ?? classes[0];
  if (found === undefined) throw new RangeError('riskClasses: at least one class is needed, got none');
  return found;
}
