/**
 * @module What a phone of the simulation sends: its own keys by the reference phone's schedule, its identifiers and metadata
 * by the protocol's cryptography. All lazy: a day's key is made when somebody hears it or it is uploaded.
 */
import { metadata } from '../phone/radio/broadcast.ts';
import { type OwnKey, currentKey } from '../phone/radio/tek-schedule.ts';
import { testRandom } from '../phone/testing/random.ts';
import { INTERVALS_PER_DAY, enIntervalNumber } from '../protocol/gaen/intervals.ts';
import { RPI_BYTES, aem, aemk, rpis } from '../protocol/gaen/rpi.ts';
import { dayOfRun, dayStart } from './options.ts';
import type { Handset } from './population.ts';

/** RPI and AEM as they go through the air. */
export interface Advertisement {
  readonly rpi: Uint8Array;
  readonly aem: Uint8Array;
}

/** Calibration confidence of a model that was measured (docs/spec/gaen.md §1). */
const HIGH_CONFIDENCE = 3;

interface KeyDay {
  readonly key: OwnKey;
  identifiers: Uint8Array | null;
  metadataKey: Uint8Array | null;
  readonly advertisements: (Advertisement | undefined)[];
}

/** The sending side of one phone. */
export class Beacon {
  readonly #name: string;
  readonly #metadata: Uint8Array;
  readonly #days = new Map<number, KeyDay>();

  /**
   * @param seed of the run
   * @param person whose phone it is
   */
  constructor(seed: number, person: number, handset: Handset) {
    this.#name = `simulate/${seed}/${person}`;
    this.#metadata = metadata({ txPower: handset.txPower, confidence: HIGH_CONFIDENCE });
  }

  #day(day: number): KeyDay {
    let known = this.#days.get(day);
    if (known === undefined) {
      const { key } = currentKey([], dayStart(day), testRandom(`${this.#name}/${day}`));
      known = { key, identifiers: null, metadataKey: null, advertisements: [] };
      this.#days.set(day, known);
    }
    return known;
  }

  /** @param day of the run @returns the key of that UTC day */
  keyOf(day: number): OwnKey {
    return this.#day(day).key;
  }

  /** @param at Unix seconds @returns what the phone sends then; the same object within an interval */
  at(at: number): Advertisement {
    const day = this.#day(dayOfRun(at));
    const { rollingStartIntervalNumber: start, keyData } = day.key;
    const offset = enIntervalNumber(at) - start;
    const known = day.advertisements[offset];
    if (known !== undefined) return known;
    day.identifiers ??= rpis(keyData, start, INTERVALS_PER_DAY);
    day.metadataKey ??= aemk(keyData);
    const rpi = day.identifiers.subarray(offset * RPI_BYTES, (offset + 1) * RPI_BYTES);
    const made = { rpi, aem: aem(day.metadataKey, rpi, this.#metadata) };
    day.advertisements[offset] = made;
    return made;
  }
}
