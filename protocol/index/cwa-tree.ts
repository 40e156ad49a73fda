/**
 * @module Paths of Corona-Warn-App's distribution tree (docs/spec/cwa.md §1.4). They are object keys in the public bucket: no leading
 * slash, and with one in front they are the URL's path.
 */
import type { UtcDate } from '../gaen/intervals.ts';

const ROOT = 'version/v1/diagnosis-keys/country';

/** @returns path of the list of versions of the tree, {@link VERSIONS}; no app needs it */
export function versionIndexPath(): string {
  return 'version';
}

/** CWA's; the second version of its configuration is listed nowhere there either (docs/spec/cwa.md §1.4). */
export const VERSIONS: readonly string[] = ['v1'];

/** @returns path of the list of countries, `["DE","EUR"]` */
export function countryIndexPath(): string {
  return ROOT;
}

/**
 * @param country `DE` or `EUR`
 * @returns path of the list of complete days, `["2020-06-01", …]`
 */
export function dateIndexPath(country: string): string {
  return `${ROOT}/${country}/date`;
}

/**
 * @param country `DE` or `EUR`
 * @param date UTC day
 * @returns path of the day's ZIP
 */
export function dayPath(country: string, date: UtcDate): string {
  return `${ROOT}/${country}/date/${date}`;
}

/**
 * @param country `DE` or `EUR`
 * @param date UTC day
 * @returns path of the list of the day's sealed hours, `[0, 1, …]`
 */
export function hourIndexPath(country: string, date: UtcDate): string {
  return `${ROOT}/${country}/date/${date}/hour`;
}

/**
 * @param country `DE` or `EUR`
 * @param date UTC day
 * @param hour 0..23, written without a leading zero
 * @returns path of the hour's ZIP
 */
export function hourPath(country: string, date: UtcDate, hour: number): string {
  return `${ROOT}/${country}/date/${date}/hour/${hour}`;
}
