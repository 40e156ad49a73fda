/**
 * @module What a health authority is told of the uploads that it certified (docs/spec/google.md §3.12, docs/decisions/068): counts of whole UTC days that are over, of everybody together. A day's
 * true counts live until they are shown first; what is shown then is drawn once and stays, so that asking again averages nothing out, and no two answers are one person apart.
 */
import { SECONDS_PER_DAY } from '../protocol/gaen/intervals.ts';
import { MAX_KEYS_PER_UPLOAD } from './keys/limits.ts';
import type { RandomBytes } from './random.ts';

/** Ages 0..14 days, and 15 or more. */
export const TEK_AGES = 16;
/** 0..28 days from the onset to the upload, and 29 or more. */
export const ONSET_DAYS = 30;
/** Fewer uploads than this are shown later, and every smaller count with noise. Google's floor (docs/spec/google.md §3.12). */
export const SMALL_COUNT = 10;
/** A day with fewer is shown so long after its end. */
const EMBARGO_SECONDS = 48 * 3_600;
/** Of the noise, for a count that one upload changes by one: two such counts are e^½ times as likely to give the same number. One upload is in five counts. */
const EPSILON = 0.5;

/** Counts of one day. */
export interface StatsCounts {
  readonly publishes: number;
  /** Keys that were new. */
  readonly teks: number;
  /** Uploads that said something else of a key. */
  readonly revisions: number;
  readonly missingOnset: number;
  /** {@link TEK_AGES} places: uploads by the age of their oldest key. */
  readonly tekAges: readonly number[];
  /** {@link ONSET_DAYS} places: uploads by the days since the onset of symptoms. */
  readonly onsetDays: readonly number[];
}

/** A day as it is shown, for good. */
export interface ShownStats extends StatsCounts {
  /** Days since the Unix epoch. */
  readonly day: number;
}

/** Of an upload what is counted. */
export interface CountedUpload {
  readonly inserted: number;
  readonly revised: number;
  /** Whole UTC days. */
  readonly oldestTekDays: number;
  /** Whole UTC days; null: nobody said. */
  readonly onsetDays: number | null;
}

export const NO_UPLOADS: StatsCounts = {
  publishes: 0,
  teks: 0,
  revisions: 0,
  missingOnset: 0,
  tekAges: Array.from({ length: TEK_AGES }, () => 0),
  onsetDays: Array.from({ length: ONSET_DAYS }, () => 0),
};

/** @returns the counts with an upload */
export function countUpload(before: StatsCounts, upload: CountedUpload): StatsCounts {
  const { inserted, revised, oldestTekDays, onsetDays } = upload;
  return {
    publishes: before.publishes + 1,
    teks: before.teks + inserted,
    revisions: before.revisions + Number(revised > 0),
    missingOnset: before.missingOnset + Number(onsetDays === null),
    tekAges: oneMore(before.tekAges, oldestTekDays),
    onsetDays: onsetDays === null ? before.onsetDays : oneMore(before.onsetDays, onsetDays),
  };
}

function oneMore(counts: readonly number[], at: number): number[] {
  const place = Math.min(Math.max(0, at), counts.length - 1);
  return counts.map((count, n) => count + Number(n === place));
}

/** @param day days since the Unix epoch @param now Unix seconds @returns whether the day may be shown: never the running one */
export function mayBeShown(day: number, publishes: number, now: number): boolean {
  const end = (day + 1) * SECONDS_PER_DAY;
  return now >= (publishes >= SMALL_COUNT ? end : end + EMBARGO_SECONDS);
}

/**
 * @param counts true ones
 * @param random cryptographic
 * @returns them with noise in every small one, zeros among them, so that a small one says little of any single upload; none below zero
 */
export function withNoise(counts: StatsCounts, random: RandomBytes): StatsCounts {
  const noised = (count: number): number =>
    count >= SMALL_COUNT ? count : Math.max(0, count + geometricNoise(random, EPSILON));
  const { publishes, teks, revisions, missingOnset, tekAges, onsetDays } = counts;
  return {
    publishes: noised(publishes),
    // One upload changes it by as many keys as it has: it is small where the uploads are few.
    teks: publishes >= SMALL_COUNT ? teks : Math.max(0, teks + geometricNoise(random, EPSILON / MAX_KEYS_PER_UPLOAD)),
    revisions: noised(revisions),
    missingOnset: noised(missingOnset),
    tekAges: tekAges.map(noised),
    onsetDays: onsetDays.map(noised),
  };
}

/**
 * Discrete Laplace noise: the difference of two geometric numbers (Ghosh, Roughgarden, Sundararajan: "Universally utility-maximizing privacy mechanisms", 2009).
 *
 * @param epsilon > 0: P(n) is proportional to e^(−epsilon·|n|)
 * @returns a whole number, as often below zero as above
 */
export function geometricNoise(random: RandomBytes, epsilon: number): number {
  return geometric(random, epsilon) - geometric(random, epsilon);
}

function geometric(random: RandomBytes, epsilon: number): number {
  const bytes = random(8);
  // 2^−53 … 1, never 0.
  const uniform = (Number(new DataView(bytes.slice().buffer).getBigUint64(0) >> 11n) + 1) / 2 ** 53;
  return Math.floor(-Math.log(uniform) / epsilon);
}
