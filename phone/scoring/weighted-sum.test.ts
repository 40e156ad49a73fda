import { describe, it } from 'vitest';
import { type WeightedSumModel, weightedSumModelSchema } from '../../protocol/parameters/weighted-sum.ts';
import { weightedSum } from './weighted-sum.ts';

const ladder = (weight: number, ...from: number[]) => ({
  weight,
  ranges: from.map((min, n) => ({
    range: { min, max: from[n + 1] ?? 10_000, maxExclusive: n + 1 < from.length },
    score: n + 1,
  })),
});

const MODEL: WeightedSumModel = weightedSumModelSchema.parse({
  daysSinceExposure: ladder(1, 0, 2, 4),
  exposureDuration: ladder(2, 0, 5, 15, 30),
  signalAttenuation: { weight: 0.5, ranges: [{ range: { min: 0, max: 255 }, score: 8 }] },
  transmissionRisk: ladder(1, 1, 2, 3, 4, 5, 6, 7, 8),
  riskLevels: [
    { label: 'low', from: 0 },
    { label: 'raised', from: 12 },
    { label: 'high', from: 18 },
  ],
  alertThreshold: 15,
});

describe('figure 12: a weighted sum of levels 1..8', () => {
  it('selects one value a category, weighs and adds them', ({ expect }) => {
    const input = { daysSinceExposure: 2, exposureDuration: 14.9, signalAttenuation: 55, transmissionRisk: 5 };
    expect(weightedSum(MODEL, input)).toEqual({
      scores: { daysSinceExposure: 2, exposureDuration: 2, signalAttenuation: 8, transmissionRisk: 5 },
      total: 2 * 1 + 2 * 2 + 8 * 0.5 + 5 * 1,
      riskLevel: 'raised',
      alert: true,
    });
  });

  it('alerts by a threshold of its own, apart from the levels', ({ expect }) => {
    const at = (transmissionRisk: number) =>
      weightedSum(MODEL, { daysSinceExposure: 0, exposureDuration: 15, signalAttenuation: 0, transmissionRisk });
    // 1 + 6 + 4 + level
    expect([1, 3, 4, 7].map((level) => [at(level).riskLevel, at(level).alert])).toEqual([
      ['raised', false],
      ['raised', false],
      ['raised', true],
      ['high', true],
    ]);
  });

  it('gives 0 where no range holds the input, and refuses levels that begin above the sum', ({ expect }) => {
    const input = { daysSinceExposure: -1, exposureDuration: 0, signalAttenuation: 300, transmissionRisk: 9_999 };
    expect(weightedSum(MODEL, input).scores).toMatchObject({ daysSinceExposure: 0, signalAttenuation: 0 });
    const open = { ...MODEL, riskLevels: [{ label: 'high', from: 100 }] };
    expect(() => weightedSum(open, input)).toThrow('riskLevels');
  });
});
