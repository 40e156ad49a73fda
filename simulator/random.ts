/**
 * @module Randomness of the simulator: a stream for each purpose and thing, so that what one phone draws never depends on
 * what was drawn for another, and a run may leave out what it doesn't need. Same seed, same result. Not for real keys.
 */
import type { RandomBytes } from '../phone/random.ts';

/** First part of each stream's name: no two purposes share a stream. */
export const STREAM = {
  population: 1,
  plan: 2,
  group: 3,
  pair: 4,
  scan: 5,
  reception: 6,
  cases: 7,
  attempts: 8,
  decoys: 9,
  desk: 10,
  sample: 11,
} as const;

const UINT32_VALUES = 2 ** 32;
const WARM_UP_ROUNDS = 12;

function mix(hash: number, part: number): number {
  let h = Math.imul(hash ^ (part | 0), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Chris Doty-Humphrey's sfc32: four 32-bit words, fast in JavaScript, good enough for a simulation. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  #spare = Number.NaN;

  /** @param parts whole numbers that name the stream: the seed, a {@link STREAM}, then ids */
  constructor(...parts: readonly number[]) {
    let [a, b, c] = [0x9e3779b9, 0x243f6a88, 0xb7e15162];
    for (const part of parts) {
      a = mix(a, part);
      b = mix(b, part ^ a);
      c = mix(c, part ^ b);
    }
    [this.#a, this.#b, this.#c] = [a | 0, b | 0, c | 0];
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.next();
  }

  /** @returns uniform, 0 ≤ x < 1 */
  next(): number {
    const t = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    return (t >>> 0) / UINT32_VALUES;
  }

  /** @returns uniform, low ≤ x < high */
  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** @returns a whole number, 0 ≤ x < limit */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** @returns true with this probability */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** @returns normal with mean 0 and standard deviation 1 (Box and Muller) */
  normal(): number {
    if (!Number.isNaN(this.#spare)) {
      const spare = this.#spare;
      this.#spare = Number.NaN;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    const angle = 2 * Math.PI * this.next();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** @returns exponential with this mean */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** @returns a Poisson count; sums over pieces of at most 30, where e^−mean is still far from 0 */
  poisson(mean: number): number {
    let [count, left] = [0, mean];
    while (left > 0) {
      const piece = Math.min(left, 30);
      left -= piece;
      const limit = Math.exp(-piece);
      for (let product = this.next(); product > limit; product *= this.next()) count += 1;
    }
    return count;
  }

  /** @returns one of the values, by their weights */
  pick<T>(values: readonly (readonly [value: T, weight: number])[]): T {
    let at = this.next() * values.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [value, weight] of values) {
      if (at < weight) return value;
      at -= weight;
    }
    return values.at(-1)![0];
  }

  /** The stream as the phone's code takes randomness. */
  readonly bytes: RandomBytes = (length) => Uint8Array.from({ length }, () => this.below(256));
}
