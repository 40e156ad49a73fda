/**
 * @module Finds the sightings of an RPI. The key side makes 144 RPIs a key and asks for each; nearly all answers are
 * "none", so a bitmap over a prefix of the RPI answers first and a sorted table only what passes (docs/spec/gaen.md §6.1 step 1).
 */
import { RPI_BYTES } from '../../protocol/gaen/rpi.ts';
import type { Sighting } from '../radio/sighting.ts';

const MIN_BITMAP_BITS_LOG2 = 16;
/** 2^24 bits are 2 MiB: the most that is worth its cache misses. */
const MAX_BITMAP_BITS_LOG2 = 24;
/** 1 bit in 64 set lets 1.6 % of foreign RPIs through to the table. */
const BITMAP_BITS_PER_SIGHTING = 64;

/** Sightings by RPI. Built once for a run of matching; holds references to the sightings, and 12 bytes more for each. */
export class SightingIndex {
  /** Right shift that turns an RPI's first 32 bits (little-endian) into a bit number of `bitmap`. */
  readonly shift: number;
  /** One bit a prefix; set if at least one sighting has it. 32 bits a word. */
  readonly bitmap: Uint32Array;
  readonly #sightings: readonly Sighting[];
  /** First 32 bits of the RPI, ascending; `#order[n]` is the sighting that `#prefixes[n]` belongs to. */
  readonly #prefixes: Uint32Array;
  readonly #order: Uint32Array;

  /**
   * @param sightings in any order; those whose RPI isn't 16 bytes are left out
   * @param oldest Unix seconds; earlier sightings are left out
   */
  constructor(sightings: readonly Sighting[], oldest = -Infinity) {
    this.#sightings = sightings.filter((s) => s.rpi.length === RPI_BYTES && s.timestamp >= oldest);
    const wanted = Math.ceil(Math.log2(Math.max(1, this.#sightings.length * BITMAP_BITS_PER_SIGHTING)));
    const bits = Math.min(MAX_BITMAP_BITS_LOG2, Math.max(MIN_BITMAP_BITS_LOG2, wanted));
    this.shift = 32 - bits;
    this.bitmap = new Uint32Array(2 ** bits / 32);
    const prefixOf = this.#sightings.map((s) => prefix(s.rpi));
    this.#order = Uint32Array.from(prefixOf.keys());
    this.#order.sort(
      (a, b) => prefixOf[a]! - prefixOf[b]! || this.#sightings[a]!.timestamp - this.#sightings[b]!.timestamp,
    );
    this.#prefixes = Uint32Array.from(this.#order, (n) => prefixOf[n]!);
    for (const p of prefixOf) {
      const bit = p >>> this.shift;
      this.bitmap[bit >>> 5]! |= 1 << (bit & 31);
    }
  }

  /** Number of sightings that can match. */
  get size(): number {
    return this.#sightings.length;
  }

  /**
   * @param rpi 16 bytes
   * @returns the sightings with exactly this RPI, earliest first
   */
  find(rpi: Uint8Array): Sighting[] {
    const wanted = prefix(rpi);
    const found: Sighting[] = [];
    for (let n = this.#lowerBound(wanted); n < this.#prefixes.length && this.#prefixes[n] === wanted; n++) {
      const sighting = this.#sightings[this.#order[n]!]!;
      if (sighting.rpi.every((byte, at) => byte === rpi[at])) found.push(sighting);
    }
    return found;
  }

  #lowerBound(wanted: number): number {
    let low = 0;
    let high = this.#prefixes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#prefixes[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function prefix(rpi: Uint8Array): number {
  return (rpi[0]! | (rpi[1]! << 8) | (rpi[2]! << 16) | (rpi[3]! << 24)) >>> 0;
}
