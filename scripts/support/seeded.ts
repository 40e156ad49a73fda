/**
 * @module Seeded randomness for attacks and models: the same draws on every machine.
 */
import type { RandomBytes } from '../../domain/random.ts';

/** xorshift128 of one seed. */
export class Seeded {
  #a: number;
  #b = 0x9e3779b9;
  #c = 0x243f6a88;
  #d = 0xb7e15162;

  constructor(seed: number) {
    this.#a = seed;
    for (let i = 0; i < 20; i++) this.#next();
  }

  /** @returns 32 bits */
  #next(): number {
    let t = this.#d;
    this.#d = this.#c;
    this.#c = this.#b;
    this.#b = this.#a;
    t ^= t << 11;
    t ^= t >>> 8;
    this.#a = t ^ this.#b ^ (this.#b >>> 19);
    return this.#a >>> 0;
  }

  readonly bytes: RandomBytes = (n) => {
    const bytes = new Uint8Array(n);
    for (let i = 0; i < n; i++) bytes[i] = this.#next() >>> 24;
    return bytes;
  };

  /** @returns 0 up to, not including, 1 */
  readonly unit = (): number => this.#next() / 2 ** 32;

  /** @returns how many of many rare things happen. @param mean expected number, small */
  poisson(mean: number): number {
    const limit = Math.exp(-mean);
    let n = 0;
    for (let product = this.unit(); product > limit; product *= this.unit()) n += 1;
    return n;
  }
}
