import { describe, it } from 'vitest';
import { holm, median, permutationP } from './permutation.ts';

/** xorshift32 */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
const sample = (random: () => number, count: number, shift: number): number[] =>
  Array.from({ length: count }, () => shift + 20 * (random() + random() + random()));

describe('permutation test', () => {
  it('p is uniform for equal distributions: at most 5 of 100 below 0.05, give or take', ({ expect }) => {
    const random = generator(7);
    let below = 0;
    for (let i = 0; i < 100; i++) {
      if (permutationP(sample(random, 60, 0), sample(random, 60, 0), random, 199) < 0.05) below++;
    }
    expect(below).toBeLessThanOrEqual(11);
  });

  it('finds a shift of a standard deviation, and says so as strongly as its rounds allow', ({ expect }) => {
    const random = generator(8);
    expect(permutationP(sample(random, 300, 0), sample(random, 300, 10), random, 1999)).toBe(1 / 2000);
  });

  it('an outlier alone separates nothing', ({ expect }) => {
    const random = generator(9);
    const a = sample(random, 100, 0);
    expect(permutationP([...a, 1e9], [...a, 10], random, 999)).toBeGreaterThan(0.5);
  });
});

it("Holm's correction: the worked example of four tests", ({ expect }) => {
  const corrected = holm([0.01, 0.04, 0.03, 0.005]);
  expect(corrected.map((p) => Number(p.toFixed(6)))).toEqual([0.03, 0.06, 0.06, 0.02]);
});

it('median', ({ expect }) => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});
