/**
 * @module What this deployment's uploads look like, as counts that hold no upload (docs/decoy-profile.md): for each age in days
 * how often a level is followed by a level on the day before; how many uploads come by hour of the day; how many keys of the
 * day before come alone, by hour, and their levels. Decoys are drawn from them (domain/decoys.ts).
 *
 * The counts begin as the sum of {@link BASE_UPLOADS} uploads drawn from the published profile, so that they are a sum over
 * at least as many at any time, and nobody reads one upload out of them. They are used once as many real ones are among
 * them, and halved at random before they get old (each unit of a count stays or goes).
 */
import { INTERVALS_PER_DAY } from '../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import { DECOY_PROFILE, SHAPE_DAYS, drawProfileRest, drawProfileShape, type Shape } from './decoy-profile.ts';
import { below, chance, weighted, type RandomBytes } from './random.ts';

/** Uploads that the counts are at least a sum of, and real ones that they need before decoys are drawn from them. */
export const BASE_UPLOADS = 50;
/** So many real uploads are enough; from then on old ones make room for new ones. */
const MOST_UPLOADS = 400;
/** Days after which half of what was counted is forgotten: how people answer changes in the course of an epidemic. */
const HALF_LIFE_DAYS = 56;

/** No key, or a level of 3..8. */
const STATES = 7;
const LOWEST_LEVEL = 3;
const AGES = SHAPE_DAYS - 1;
const PAIRS = AGES * STATES * STATES;
/** Where the parts of the counts begin: pairs, then whole uploads by hour, rests by hour, rests by level. */
const WHOLE = PAIRS;
const REST = WHOLE + 24;
const REST_LEVEL = REST + 24;
const COUNTS = REST_LEVEL + STATES;
const HEADER_BYTES = 12;

/** An hour of the day (UTC) in which what is left of an upload, its running day's key, may be published (domain/embargo.ts). */
export const REST_HOUR = 1;

export interface Received {
  /** Real uploads among what was counted, as far as they weren't forgotten. */
  readonly uploads: number;
  /** UTC day of the last halving, or of the beginning (days since the Unix epoch). */
  readonly halvedOn: number;
  /** Days that were counted before it, as far as they weren't forgotten. */
  readonly daysBefore: number;
  readonly counts: Uint16Array;
}

/**
 * @param random source of randomness
 * @param today days since the Unix epoch
 * @returns counts in which no real upload is
 */
export function nothingReceived(random: RandomBytes, today: number): Received {
  const counts = new Uint16Array(COUNTS);
  addProfile(random, counts, BASE_UPLOADS);
  return { uploads: 0, halvedOn: today, daysBefore: BASE_UPLOADS / DECOY_PROFILE.perDay, counts };
}

/**
 * @param keys of one upload, in published form
 * @param hour in which it came (hours since the Unix epoch)
 * @returns its shape; of two keys of a day the higher level, as a day has one place
 */
export function shapeOf(keys: readonly TemporaryExposureKey[], hour: number): Shape {
  const shape = new Uint8Array(SHAPE_DAYS);
  for (const key of keys) {
    const age = Math.floor(hour / 24) - key.rollingStartIntervalNumber / INTERVALS_PER_DAY;
    if (age >= 0 && age < SHAPE_DAYS) shape[age] = Math.max(shape[age]!, key.transmissionRiskLevel);
  }
  return shape;
}

/**
 * @param shape of one real upload
 * @param hour in which it came (hours since the Unix epoch)
 * @returns the counts with it
 */
export function countUpload(received: Received, shape: Shape, hour: number): Received {
  if (shape.every((level) => level === 0)) return received;
  const counts = received.counts.slice();
  add(counts, shape, hour % 24);
  return { ...received, uploads: received.uploads + 1, counts };
}

/**
 * Counts uploads that come together: as {@link forgetHalf} and {@link countUpload} by turns would, with one copy of the counts.
 *
 * @param random source of randomness
 * @param uploads each with its shape, and the hour in which it came (hours since the Unix epoch)
 * @returns the counts with them
 */
export function countUploads(
  random: RandomBytes,
  received: Received,
  uploads: readonly { readonly shape: Shape; readonly hour: number }[],
): Received {
  let all: { -readonly [K in keyof Received]: Received[K] } = { ...received, counts: received.counts.slice() };
  for (const { shape, hour } of uploads) {
    all = { ...forgetHalf(random, all, Math.floor(hour / 24)) };
    if (shape.every((level) => level === 0)) continue;
    add(all.counts, shape, hour % 24);
    all.uploads += 1;
  }
  return all;
}

/**
 * Forgets half of what was counted, when that is due: after 56 days, or at 400 uploads.
 *
 * @param random source of randomness
 * @param today days since the Unix epoch
 * @returns the counts; what they were before can't be had back from them
 */
export function forgetHalf(random: RandomBytes, received: Received, today: number): Received {
  const days = today - received.halvedOn;
  if (received.uploads < MOST_UPLOADS && days < HALF_LIFE_DAYS) return received;
  const uploads = half(random, received.uploads);
  const counts = received.counts.map((count) => half(random, count));
  // Below the base the profile fills up, so that the counts stay a sum over at least as many uploads.
  const missing = Math.max(0, BASE_UPLOADS - uploads);
  addProfile(random, counts, missing);
  const daysBefore = (received.daysBefore + days) / 2 + missing / DECOY_PROFILE.perDay;
  return { uploads, halvedOn: today, daysBefore, counts };
}

/** @returns whether enough real uploads are among the counts to draw shapes from them */
export function suffice(received: Received): boolean {
  return received.uploads >= BASE_UPLOADS;
}

/**
 * Draws a shape as a chain: the level of the running day, then from day to day. Single features and neighbouring days come
 * out as they were counted; nothing longer was kept.
 *
 * @param random source of randomness
 * @returns a shape with at least one key
 */
export function drawReceivedShape(random: RandomBytes, { counts }: Received): Shape {
  for (;;) {
    const shape = new Uint8Array(SHAPE_DAYS);
    let state = weighted(
      random,
      states((from) => sum(states((to) => counts[pair(0, from, to)]!))),
    );
    shape[0] = levelOf(state);
    for (let age = 0; age < AGES; age++) {
      const row = states((to) => counts[pair(age, state, to)]!);
      // A level that nothing is counted after (halving took it) goes on as any upload does at that age.
      state = weighted(
        random,
        sum(row) > 0 ? row : states((to) => sum(states((from) => counts[pair(age, from, to)]!))),
      );
      shape[age + 1] = levelOf(state);
    }
    if (shape.some((level) => level > 0)) return shape;
  }
}

/** @returns the level of a key of the day before that comes alone, 3..8, or null where none was counted */
export function drawReceivedRest(random: RandomBytes, { counts }: Received): number | null {
  const levels = states((state) => counts[REST_LEVEL + state]!);
  return sum(levels) === 0 ? null : levelOf(weighted(random, levels));
}

/** What is to be expected of an hour of the day. */
export interface HourlyRates {
  /** Whole uploads in this hour of a day. */
  readonly whole: number;
  /** Keys of the day before that come alone in this hour of a day. */
  readonly rest: number;
}

/**
 * @param today days since the Unix epoch
 * @returns what is to be expected of each hour of the day, 0..23
 */
export function hourlyRates({ counts, daysBefore, halvedOn }: Received, today: number): HourlyRates[] {
  const days = Math.max(1, daysBefore + today - halvedOn);
  return Array.from({ length: 24 }, (_, hour) => ({
    whole: counts[WHOLE + hour]! / days,
    rest: counts[REST + hour]! / days,
  }));
}

/** @returns keys that a whole upload has on average, its running day's left out; at least one */
export function keysOfWhole({ counts }: Received): number {
  let keys = 0;
  for (let age = 0; age < AGES; age++) {
    for (let from = 0; from < STATES; from++) for (let to = 1; to < STATES; to++) keys += counts[pair(age, from, to)]!;
  }
  return Math.max(1, keys / Math.max(1, sum(counts.subarray(WHOLE, REST))));
}

/** @returns bytes that {@link readReceived} reads; always as many */
export function writeReceived({ uploads, halvedOn, daysBefore, counts }: Received): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + 2 * COUNTS);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, uploads);
  view.setUint32(4, halvedOn);
  view.setFloat32(8, daysBefore);
  // As memory has them, little-endian wherever this runs: a count at a time costs ten times as much, with each upload.
  bytes.set(new Uint8Array(counts.buffer, counts.byteOffset, counts.byteLength), HEADER_BYTES);
  return bytes;
}

/**
 * @param bytes from {@link writeReceived}
 * @returns the counts, or null for bytes of another length (another version of this code)
 */
export function readReceived(bytes: Uint8Array): Received | null {
  if (bytes.length !== HEADER_BYTES + 2 * COUNTS) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const counts = new Uint16Array(bytes.slice(HEADER_BYTES).buffer);
  return { uploads: view.getUint32(0), halvedOn: view.getUint32(4), daysBefore: view.getFloat32(8), counts };
}

const states = (of: (state: number) => number): number[] => Array.from({ length: STATES }, (_, state) => of(state));
const sum = (numbers: Iterable<number>): number => {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
};
const stateOf = (level: number): number => (level < LOWEST_LEVEL ? 0 : level - LOWEST_LEVEL + 1);
const levelOf = (state: number): number => (state === 0 ? 0 : state + LOWEST_LEVEL - 1);
const pair = (age: number, from: number, to: number): number => (age * STATES + from) * STATES + to;

function add(counts: Uint16Array, shape: Shape, hourOfDay: number): void {
  const count = (cell: number): void => void (counts[cell] = Math.min(0xffff, counts[cell]! + 1));
  const rest = (hour: number, level: number): void => {
    count(REST + hour);
    count(REST_LEVEL + stateOf(level));
  };
  if (shape.every((level, age) => level === 0 || age === 1)) {
    rest(Math.max(REST_HOUR, hourOfDay), shape[1]!);
    return;
  }
  count(WHOLE + hourOfDay);
  for (let age = 0; age < AGES; age++) count(pair(age, stateOf(shape[age]!), stateOf(shape[age + 1]!)));
  if (shape[0]! > 0) rest(REST_HOUR, shape[0]!);
}

function addProfile(random: RandomBytes, counts: Uint16Array, uploads: number): void {
  for (let n = 0; n < uploads; n++) {
    const hour = weighted(random, DECOY_PROFILE.byHour);
    add(counts, drawProfileShape(random), hour);
    if (!chance(random, DECOY_PROFILE.nextDayPercent)) continue;
    const nextDay = new Uint8Array(SHAPE_DAYS);
    nextDay[1] = drawProfileRest(random);
    add(counts, nextDay, below(random, 1 + hour));
  }
}

/** @returns how many of `count` units stay, each with a chance of one half: a bit of randomness a unit, 32 at a time */
function half(random: RandomBytes, count: number): number {
  let left = 0;
  for (let units = count; units > 0; units -= 32) {
    let bits = below(random, 2 ** 32) >>> Math.max(0, 32 - units);
    for (; bits !== 0; bits &= bits - 1) left++;
  }
  return left;
}
