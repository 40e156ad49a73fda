/**
 * @module The risk model of the architecture's figure 12 (cwa-documentation: solution_architecture.md, "Risk score calculation"): each
 * category's input selects a value of 1..8; the weighted values are added; thresholds of its own make levels of the sum,
 * and a central threshold decides whether the user is told.
 */
import type { WeightedSumCategory, WeightedSumModel } from '../../protocol/parameters/weighted-sum.ts';
import { contains } from './range.ts';

const CATEGORIES = ['daysSinceExposure', 'exposureDuration', 'signalAttenuation', 'transmissionRisk'] as const;
type Category = (typeof CATEGORIES)[number];

/** Days, minutes, dB and transmission risk level of one exposure. */
export type WeightedSumInput = Readonly<Record<Category, number>>;

export interface WeightedSumResult {
  /** The value 1..8 each category selected; 0 where no range holds the input, which a valid model rules out. */
  readonly scores: Readonly<Record<Category, number>>;
  readonly total: number;
  /** Label of the level. */
  readonly riskLevel: string;
  /** True from the central threshold on. */
  readonly alert: boolean;
}

/** @returns 1..8, or 0 if no range holds the value */
function categoryScore(category: WeightedSumCategory, value: number): number {
  return category.ranges.find(({ range }) => contains(range, value))?.score ?? 0;
}

/**
 * Scores one exposure.
 * @throws {RangeError} if the model has no level that begins at or below the total
 */
export function weightedSum(model: WeightedSumModel, input: WeightedSumInput): WeightedSumResult {
  const score = (name: Category): number => categoryScore(model[name], input[name]);
  const scores = {
    daysSinceExposure: score('daysSinceExposure'),
    exposureDuration: score('exposureDuration'),
    signalAttenuation: score('signalAttenuation'),
    transmissionRisk: score('transmissionRisk'),
  };
  const total = CATEGORIES.reduce((sum, name) => sum + scores[name] * model[name].weight, 0);
  const level = model.riskLevels.findLast(({ from }) => from <= total);
  if (level === undefined) throw new RangeError(`riskLevels: no level holds ${total}; the first must begin at 0`);
  return { scores, total, riskLevel: level.label, alert: total >= model.alertThreshold };
}
