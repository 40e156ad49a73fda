/**
 * @module RiskCalculationParameters: how CWA's app turns exposure windows into a risk level (docs/spec/gaen.md §11; docs/spec/cwa.md §4.2).
 */
import * as z from 'zod';
import { rangeSchema } from './range.ts';

const riskLevel = z.literal([1, 2]).describe('1 LOW, 2 HIGH');
const transmissionRiskLevel = z.int().min(1).max(8);
const offset = z.int().min(0).max(8);

const timeToRiskLevel = z.array(
  z.strictObject({
    normalizedTimeRange: rangeSchema.describe('Normalized minutes'),
    riskLevel,
  }),
);

export const riskCalculationParametersSchema = z
  .strictObject({
    minutesAtAttenuationFilters: z
      .array(
        z.strictObject({
          attenuationRange: rangeSchema.describe('dB'),
          dropIfMinutesInRange: rangeSchema.describe('Minutes the window spent in `attenuationRange`'),
        }),
      )
      .describe('A window is dropped if any filter says so'),
    trlFilters: z
      .array(z.strictObject({ dropIfTrlInRange: rangeSchema.describe('Transmission risk level 1..8') }))
      .describe('A window is dropped if its transmission risk level is in any of the ranges'),
    minutesAtAttenuationWeights: z
      .array(z.strictObject({ attenuationRange: rangeSchema.describe('dB'), weight: z.number().min(0).max(10) }))
      .min(1)
      .describe('What a minute counts by its minimum attenuation; beyond the last range it counts nothing'),
    normalizedTimePerEWToRiskLevelMapping: timeToRiskLevel.min(1).describe('Risk level of one exposure window'),
    normalizedTimePerDayToRiskLevelMapping: timeToRiskLevel
      .min(1)
      .describe('Risk level of a day; below the first range the day carries no risk'),
    trlEncoding: z
      .strictObject({
        infectiousnessOffsetStandard: offset,
        infectiousnessOffsetHigh: offset,
        reportTypeOffsetRecursive: offset,
        reportTypeOffsetSelfReport: offset,
        reportTypeOffsetConfirmedClinicalDiagnosis: offset,
        reportTypeOffsetConfirmedTest: offset,
      })
      .describe('Transmission risk level = report type offset + infectiousness offset'),
    transmissionRiskValueMapping: z
      .array(z.strictObject({ transmissionRiskLevel, transmissionRiskValue: z.number().min(0).max(100) }))
      .describe('Each of the levels 1..8 once'),
    maxEncounterAgeInDays: z.int().min(0).max(14).describe('Older windows are left out; 0 means 14'),
  })
  .describe("CWA's RiskCalculationParameters");

export type RiskCalculationParameters = z.infer<typeof riskCalculationParametersSchema>;
