/**
 * @module Seeded randomness: the same draws on every machine.
 */
import type { RandomBytes } from '../../../domain/random.ts';

/** xorshift128 of one seed. */
export class Seeded {
  readonly #state: Uint32Array;

  constructor(seed: number) {
    this.#state = Uint32Array.of(seed, 0x9e3779b9, 0x243f6a88, 0xb7e15162);
    for (let i = 0; i < 20; i++) this.#next();
  }

  #next(): number {
    const state = this.#state;
    let t = state[3]!;
    const s = state[0]!;
    state.copyWithin(1, 0, 3);
    t ^= t << 11;
    t ^= t >>> 8;
    state[0] = t ^ s ^ (s >>> 19);
    return state[0];
  }

  readonly bytes: RandomBytes = (n) => Uint8Array.from({ length: n }, () => this.#next() >>> 24);

  /** @returns 0 up to, not including, 1 */
  readonly unit = (): number => (this.#next() >>> 0) / 2 ** 32;

  /** @returns how many of many rare things happen. @param mean expected number, small */
  poisson(mean: number): number {
    const limit = Math.exp(-mean);
    let n = 0;
    for (let product = this.unit(); product > limit; product *= this.unit()) n += 1;
    return n;
  }
}
