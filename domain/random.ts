/**
 * @module Whole numbers from a source of random bytes, which is an argument wherever something is drawn.
 */

/** @returns `n` random bytes; unpredictable in production, seeded in tests */
export type RandomBytes = (n: number) => Uint8Array;

/**
 * @param random source of randomness
 * @param limit 1..2^32
 * @returns a whole number in 0..limit − 1; the bias of 32 bits over limits this small can't be measured
 */
export function below(random: RandomBytes, limit: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = random(4);
  return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % limit;
}

/**
 * @param random source of randomness
 * @param percent 0..100
 * @returns true so many times of 100
 */
export const chance = (random: RandomBytes, percent: number): boolean => below(random, 100) < percent;

/**
 * @param random source of randomness
 * @param weights whole numbers ≥ 0, at least one above 0
 * @returns an index, drawn with the weight at it
 * @throws Error when all weights are 0
 */
export function weighted(random: RandomBytes, weights: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  if (total === 0) throw new Error('nothing to draw from');
  let at = below(random, total);
  for (let i = 0; i < weights.length; i++) {
    if (at < weights[i]!) return i;
    at -= weights[i]!;
  }
  throw new Error('weights are whole numbers');
}
