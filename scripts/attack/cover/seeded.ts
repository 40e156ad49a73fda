/**
 * @module Seeded randomness, fast enough for millions of draws.
 */
import type { RandomBytes } from '../../../phone/random.ts';

export class Seeded {
  readonly #state: Uint32Array;

  /** @param seed whole number; the same seed, the same draws */
  constructor(seed: number) {
    this.#state = Uint32Array.of(seed, 0x9e3779b9, 0x243f6a88, 0xb7e15162);
    for (let i = 0; i < 20; i++) this.#next();
  }

  /** Marsaglia's xorshift128. */
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

  readonly bytes: RandomBytes = (length) => Uint8Array.from({ length }, () => this.#next() >>> 24);

  /** @returns 0 up to, not including, 1 */
  readonly unit = (): number => (this.#next() >>> 0) / 2 ** 32;
}
