/**
 * @module What is published of rows that were taken back, and of those of which something was said anew (docs/architecture.md §5.11): which rows, which days they were of, and by what their files are told apart.
 * All of it a function of the records, as the log has them.
 */
import { SECONDS_PER_DAY, hourEnd, hourStart } from '../../protocol/gaen/intervals.ts';
import { GRACE_SECONDS } from './built-file.ts';
import { dayOfSealing } from './head.ts';
import { lastHourOf, takenRecord, type RunSource } from './record-merge.ts';
import { takenUpTo, type PartTaken, type RecordBook, type RecordPart, type SetRecord } from './record.ts';

/** Hours of a UTC day. */
const HOURS_A_DAY = 24;

/** @param day days since the Unix epoch @param through last hour @returns the hours of the day up to `through` */
export function hoursOfDay(day: number, through = Infinity): number[] {
  return Array.from({ length: HOURS_A_DAY }, (_, n) => day * HOURS_A_DAY + n).filter((hour) => hour <= through);
}

/** @returns the rows that were taken back with these hours and don't leave at `cut` or earlier; those of which something was said anew, too, as it was said, until they are taken back */
export function takenSources(book: RecordBook, hours: readonly number[], cut: number): RunSource[] {
  return takenRecords(book, hours).flatMap(([hour, record]) => takenRecord(record, cut, hour));
}

/** @returns how many of them a region had published */
export function takenKeys(book: RecordBook, region: string, hours: readonly number[], cut: number): number {
  return takenRecords(book, hours).reduce((sum, [hour, { parts }]) => {
    const own = parts.flatMap((part) =>
      part.day > cut ? (part.taken ?? []).filter((one) => one.hour === hour).map((one) => ({ part, one })) : [],
    );
    return (
      sum +
      own.reduce(
        (n, { part, one }) => n + (one.regionKeys[region] ?? 0) - takenAgain(part, one, region, lastHourOf(cut)),
        0,
      )
    );
  }, 0);
}

/** @returns of a region's rows of which something was said anew those that were taken back up to the hour `through` */
export function takenAgain(part: RecordPart, { hour, to }: PartTaken, region: string, through: number): number {
  if (to === undefined) return 0;
  return takenUpTo(part, through).reduce((sum, { again }) => sum + (again?.[hour]?.[region] ?? 0), 0);
}

/** @returns whether rows of which something was said anew with these hours were taken back after the cut at one midnight and before that at another */
export function isTakenAgain(book: RecordBook, hours: readonly number[], from: number, to: number): boolean {
  return takenRecords(book, hours).some(([hour, { parts }]) =>
    parts.some((part) =>
      takenUpTo(part, lastHourOf(to)).some((one) => one.hour > lastHourOf(from) && one.again?.[hour] !== undefined),
    ),
  );
}

/**
 * CWA's tree has one file an hour and a day, which can't be split: it has an hour's revocations wholly or not at all, since a part of a list may be smaller than a chunk (decision 047).
 *
 * @param hours ascending
 * @param most rows
 * @returns the first hours that took no more than so many of the region's rows back together; for as many as they are, the same
 */
export function hoursWithin(
  book: RecordBook,
  region: string,
  hours: readonly number[],
  cut: number,
  most: number,
): number[] {
  let rows = 0;
  const end = hours.findIndex((hour) => (rows += takenKeys(book, region, [hour], cut)) > most);
  return end < 0 ? [...hours] : hours.slice(0, end);
}

/** @returns days of the records that a region's keys were of, taken back with an hour, that don't leave at `cut` or earlier; ascending */
export function takenDays(book: RecordBook, region: string, hour: number, cut: number): number[] {
  const hours = book.takenWith(hour).filter((of) => takenKeysOf(book, region, of, hour, cut) > 0);
  return [...new Set(hours.map((of) => Math.floor(of / HOURS_A_DAY)))];
}

function takenKeysOf(book: RecordBook, region: string, of: number, hour: number, cut: number): number {
  return takenKeys({ ...book, takenWith: () => [of] }, region, [hour], cut);
}

/**
 * @param hour with which rows were taken back
 * @param cut midnight of the cut
 * @returns Unix seconds at which the files of the cut are gone: the next row leaves, then the grace
 */
export function takenExpires(book: RecordBook, hour: number, cut: number): number {
  const leaving = takenRecords(book, [hour]).flatMap(([, { parts }]) =>
    parts.flatMap(({ day, taken = [] }) => (day > cut && taken.some((one) => one.hour === hour) ? [day] : [])),
  );
  return Math.min(...leaving) * SECONDS_PER_DAY + GRACE_SECONDS;
}

/** @returns Unix seconds from which on the files of a cut are there */
export function takenSealed(hour: number, cut: number): number {
  return Math.max(hourEnd(hour), cut * SECONDS_PER_DAY);
}

/** Files of `revised_keys` are told apart from those of the hour, and those of one cut from those of another, by the seconds of their end. */
const REVOKED_END_SECONDS = 1_800;
const REVOKED_END_SECONDS_PER_CUT = 60;

/** @returns window of the files with the rows that were taken back with an hour, Unix seconds */
export function takenWindow(hour: number, cut: number): { readonly start: number; readonly end: number } {
  const offset = REVOKED_END_SECONDS + (cut - dayOfSealing(hour)) * REVOKED_END_SECONDS_PER_CUT;
  return { start: hourStart(hour), end: hourEnd(hour) + offset };
}

function takenRecords(book: RecordBook, hours: readonly number[]): (readonly [number, SetRecord])[] {
  return hours.flatMap((hour) =>
    book.takenWith(hour).flatMap((of) => {
      const record = book.recordOf(of);
      return record === null ? [] : [[hour, record] as const];
    }),
  );
}
