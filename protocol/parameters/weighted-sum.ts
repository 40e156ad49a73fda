/**
 * @module The risk model of the architecture's figure 12 (cwa-documentation: solution_architecture.md, "Risk score calculation"): one value
 * of 1..8 for each of four categories, weighted and added; thresholds make levels of the sum, one of its own warns.
 */
import * as z from 'zod';
import { rangeSchema } from './range.ts';

const category = (unit: string) =>
  z
    .strictObject({
      weight: z.number().min(0).max(100),
      ranges: z
        .array(z.strictObject({ range: rangeSchema.describe(unit), score: z.int().min(1).max(8) }))
        .min(1)
        .max(16),
    })
    .describe(`Input in ${unit}; each of its values is in exactly one range`);

export const weightedSumModelSchema = z
  .strictObject({
    daysSinceExposure: category('days, 0..14'),
    exposureDuration: category('minutes, 0..1440'),
    signalAttenuation: category('dB, 0..255'),
    transmissionRisk: category('transmission risk level, 1..8'),
    riskLevels: z
      .array(
        z.strictObject({
          label: z.string().min(1).max(40),
          from: z.number().min(0).describe('Lowest sum of this level; the next level begins at its own `from`'),
        }),
      )
      .min(1)
      .max(8)
      .describe('Rising; the first one begins at 0'),
    alertThreshold: z.number().min(0).describe('From this sum on the user is told of the exposure'),
  })
  .describe('Weighted sum of levels 1..8 (figure 12)');

export type WeightedSumModel = z.infer<typeof weightedSumModelSchema>;
export type WeightedSumCategory = WeightedSumModel['daysSinceExposure'];
