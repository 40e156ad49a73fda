/**
 * @module GAEN v1's ExposureConfiguration and the risk classes CWA's first app made of its score (docs/spec/gaen.md §7; docs/spec/cwa.md
 * §4.1): four times eight level values and four weights, "36 parameters", and what surrounds them.
 */
import * as z from 'zod';

const MAX_LEVEL_VALUE = 8;
/** 8⁴, the highest score (docs/spec/gaen.md §7.3). */
const MAX_RISK_SCORE = 4096;
/** Top of CWA's risk classes (docs/spec/cwa.md §4.1). */
export const MAX_CLASS_SCORE = 9999;

const level = z.int().min(0).max(MAX_LEVEL_VALUE);
const levels = (order: string) => z.tuple([level, level, level, level, level, level, level, level]).describe(order);
const weight = z.number().min(0.001).max(100);

export const exposureConfigurationSchema = z
  .strictObject({
    minimumRiskScore: z
      .int()
      .min(1)
      .max(MAX_RISK_SCORE)
      .describe('Scores below count as 0; iOS compares with the score cut to 255'),
    minimumRiskScoreFullRange: z.int().min(0).max(MAX_RISK_SCORE).describe('iOS: scores below leave the summary'),
    attenuationScores: levels('dB: >73, >63, >51, >33, >27, >15, >10, ≤10'),
    attenuationWeight: weight,
    daysSinceLastExposureScores: levels('days: ≥14, ≥12, ≥10, ≥8, ≥6, ≥4, ≥2, <2'),
    daysSinceLastExposureWeight: weight,
    durationScores: levels('minutes: 0, ≤5, ≤10, ≤15, ≤20, ≤25, ≤30, >30'),
    durationWeight: weight,
    transmissionRiskScores: levels('transmission risk level 1..8'),
    transmissionRiskWeight: weight,
    durationAtAttenuationThresholds: z
      .tuple([z.int().min(0).max(255), z.int().min(0).max(255)])
      .describe('dB, low and high: what splits the time into three buckets'),
  })
  .describe('GAEN v1 ExposureConfiguration; Android reserves the weights, iOS multiplies with them');

export type ExposureConfiguration = z.infer<typeof exposureConfigurationSchema>;

const riskClassSchema = z.strictObject({
  label: z.string().min(1).max(40),
  min: z.int().min(0).max(MAX_CLASS_SCORE).describe('First score of the class'),
  max: z
    .int()
    .min(0)
    .max(MAX_CLASS_SCORE)
    .describe('End of the class: the next one begins here; the last one includes it'),
  url: z.url(),
});

export const combinedRiskSchema = z
  .strictObject({
    weights: z
      .strictObject({
        low: z.number().min(0).max(1),
        mid: z.number().min(0).max(1),
        high: z.number().min(0).max(1),
      })
      .describe('What a minute below, between and above the attenuation thresholds counts'),
    defaultBucketOffset: z.int().min(0).max(1).describe('Minutes added'),
    riskScoreNormalizationDivisor: z.int().min(1).max(1000),
    riskClasses: z.array(riskClassSchema).min(1).max(10),
  })
  .describe('What CWA made of the v1 summary: weighted minutes × maximum score / divisor, then a class');

export type CombinedRiskParameters = z.infer<typeof combinedRiskSchema>;
export type RiskClass = z.infer<typeof riskClassSchema>;
