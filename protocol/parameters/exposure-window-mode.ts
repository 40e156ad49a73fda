/**
 * @module Parameters of ExposureWindow mode, "v2" (docs/spec/gaen.md §8.2, §9; docs/spec/cwa.md §4.2): how a key's onset becomes
 * infectiousness, and how daily summaries weigh windows, on Android and on iOS.
 */
import * as z from 'zod';
import { ONSET_SLOTS } from './levels.ts';

const infectiousness = z.literal([0, 1, 2]).describe('0 NONE (the exposure is dropped), 1 STANDARD, 2 HIGH');
const reportType = z
  .literal([1, 2, 3, 4])
  .describe('1 confirmed test, 2 clinical diagnosis, 3 self-report, 4 recursive');
const onsetMap = z
  .array(infectiousness)
  .length(ONSET_SLOTS)
  .describe('Infectiousness for days since onset of symptoms −14, −13 … 14');
/** Weights of daily summaries (docs/spec/gaen.md §9: 0..2.5). */
const weight = z.number().min(0).max(2.5);
const thresholds = z
  .tuple([z.int().min(0).max(255), z.int().min(0).max(255), z.int().min(0).max(255)])
  .describe('dB, strictly increasing; an attenuation equal to a threshold is in the nearer bucket');

export const diagnosisKeysDataMappingSchema = z
  .strictObject({
    daysSinceOnsetToInfectiousness: onsetMap,
    infectiousnessWhenDaysSinceOnsetMissing: infectiousness,
    reportTypeWhenMissing: reportType,
  })
  .describe('Android DiagnosisKeysDataMapping; a phone may change it once in seven days');

export type DiagnosisKeysDataMapping = z.infer<typeof diagnosisKeysDataMappingSchema>;

export const dailySummariesConfigSchema = z
  .strictObject({
    attenuationBucketThresholdDb: thresholds,
    attenuationBucketWeights: z.tuple([weight, weight, weight, weight]).describe('Immediate, near, medium, other'),
    daysSinceExposureThreshold: z.int().min(0).max(14).describe('Older days are left out; 0 leaves none out'),
    infectiousnessWeights: z.strictObject({ '1': weight, '2': weight }).describe('1 STANDARD, 2 HIGH'),
    minimumWindowScore: z.number().min(0).describe('Windows that score less are left out'),
    reportTypeWeights: z.strictObject({ '1': weight, '2': weight, '3': weight, '4': weight }),
  })
  .describe('Android DailySummariesConfig; scores are weighted seconds');

export type DailySummariesConfig = z.infer<typeof dailySummariesConfigSchema>;

const percent = z.number().min(0).max(250);

export const iosExposureConfigurationSchema = z
  .strictObject({
    infectiousnessForDaysSinceOnsetOfSymptoms: onsetMap,
    infectiousnessWhenDaysSinceOnsetMissing: infectiousness,
    reportTypeNoneMap: z
      .literal([0, 1, 2, 3, 4])
      .describe('Report type for keys without one; 0: such keys are ignored'),
    attenuationDurationThresholds: thresholds,
    immediateDurationWeight: percent,
    nearDurationWeight: percent,
    mediumDurationWeight: percent,
    otherDurationWeight: percent,
    daysSinceLastExposureThreshold: z.int().min(0).max(14),
    infectiousnessStandardWeight: percent,
    infectiousnessHighWeight: percent,
    reportTypeConfirmedTestWeight: percent,
    reportTypeConfirmedClinicalDiagnosisWeight: percent,
    reportTypeSelfReportedWeight: percent,
    reportTypeRecursiveWeight: percent,
  })
  .describe('iOS ENExposureConfiguration of version 2; weights in per cent, 0..250');

export type IosExposureConfiguration = z.infer<typeof iosExposureConfigurationSchema>;
