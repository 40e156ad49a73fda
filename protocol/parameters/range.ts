/**
 * @module Ranges of numbers as CWA's risk calculation writes them (docs/spec/gaen.md §11: Range {min, minExclusive, max,
 * maxExclusive}).
 */
import * as z from 'zod';

/** JSON has no NaN and no infinity, and zod refuses both. */
const finite = z.number();

export const rangeSchema = z
  .strictObject({
    min: finite.describe('Lower limit'),
    minExclusive: z.boolean().optional().describe('True if `min` is not part of the range; false if absent'),
    max: finite.describe('Upper limit'),
    maxExclusive: z.boolean().optional().describe('True if `max` is not part of the range; false if absent'),
  })
  .describe('A range of numbers; both limits belong to it unless said otherwise');

export type NumberRange = z.infer<typeof rangeSchema>;
