/**
 * @module Time as the field counts it: ENIntervalNumber, rolling periods (docs/spec/gaen.md §1), and our hours and UTC days.
 */

/** Seconds in one ENIntervalNumber step (docs/spec/gaen.md §1). */
export const SECONDS_PER_INTERVAL = 600;
/** Intervals in one UTC day: the longest rolling period (docs/spec/gaen.md §1). */
export const INTERVALS_PER_DAY = 144;
export const SECONDS_PER_HOUR = 3600;
export const SECONDS_PER_DAY = 86_400;
/** Days for which phones keep keys and sightings (docs/spec/gaen.md §1), and for which we keep keys. */
export const RETENTION_DAYS = 14;

/** Hours since the Unix epoch. Hour h covers [h × 3600 s, (h + 1) × 3600 s) and is sealed at its end. */
export type HourNumber = number;

/** UTC day as `YYYY-MM-DD`. */
export type UtcDate = string;

/** The last second that ISO 8601's four-digit years can name. */
const LAST_SECOND = 253_402_300_799;

/**
 * @param unixSeconds ≥ 0
 * @returns the ENIntervalNumber that holds the instant (uint32 for instants before the year 83627)
 */
export function enIntervalNumber(unixSeconds: number): number {
  return Math.floor(unixSeconds / SECONDS_PER_INTERVAL);
}

/**
 * @param unixSeconds ≥ 0
 * @returns the hour that holds the instant
 */
export function hourOf(unixSeconds: number): HourNumber {
  return Math.floor(unixSeconds / SECONDS_PER_HOUR);
}

/**
 * @param hour hours since the epoch
 * @returns its first second, Unix seconds
 */
export function hourStart(hour: HourNumber): number {
  return hour * SECONDS_PER_HOUR;
}

/**
 * @param hour hours since the epoch
 * @returns its end (exclusive), the instant it is sealed, Unix seconds
 */
export function hourEnd(hour: HourNumber): number {
  return (hour + 1) * SECONDS_PER_HOUR;
}

/**
 * @param hour hours since the epoch
 * @returns hour of its UTC day, 0..23
 */
export function hourOfDay(hour: HourNumber): number {
  return ((hour % 24) + 24) % 24;
}

/**
 * @param unixSeconds 0 to the end of the year 9999
 * @returns the UTC day that holds the instant
 * @throws {RangeError} outside those years, or when it is not a number
 */
export function dateOf(unixSeconds: number): UtcDate {
  if (!(unixSeconds >= 0 && unixSeconds <= LAST_SECOND)) {
    throw new RangeError(`dateOf: expected 0..${LAST_SECOND} seconds, got ${unixSeconds}`);
  }
  return new Date(Math.floor(unixSeconds) * 1000).toISOString().slice(0, 10);
}

/**
 * @param hour hours since the epoch
 * @returns the UTC day it lies in
 * @throws {RangeError} as {@link dateOf}
 */
export function dateOfHour(hour: HourNumber): UtcDate {
  return dateOf(hourStart(hour));
}

/**
 * @param text anything
 * @returns whether it is `YYYY-MM-DD` and a day that exists, from 1970 on
 */
export function isUtcDate(text: string): boolean {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  // Date.parse takes 30 February for 1 March in some engines, so the day must come back as it went in.
  return Number.isFinite(ms) && ms >= 0 && new Date(ms).toISOString().slice(0, 10) === text;
}

/**
 * @param date `YYYY-MM-DD`
 * @returns its first second, Unix seconds
 * @throws {RangeError} when there is no such day
 */
export function startOfDate(date: UtcDate): number {
  if (!isUtcDate(date)) throw new RangeError(`startOfDate: expected an existing day as YYYY-MM-DD, got ${date}`);
  return Date.parse(`${date}T00:00:00Z`) / 1000;
}

/**
 * @param key first interval and number of intervals
 * @returns the first second in which the key is no longer in use, Unix seconds
 */
export function keyEnd(key: { readonly rollingStartIntervalNumber: number; readonly rollingPeriod: number }): number {
  return (key.rollingStartIntervalNumber + key.rollingPeriod) * SECONDS_PER_INTERVAL;
}
