/**
 * @module Paths of Google's view (docs/google-dialect.md; protocol/index/google-index.ts): `index.txt` and the files that it names. What can't be there is refused without a read of R2, as everywhere
 * (docs/architecture.md §6): names of windows that haven't ended or are long gone, or that nobody makes.
 */
import { RETENTION_DAYS, SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../../../protocol/gaen/intervals.ts';
import { GOOGLE_WINDOW_HOURS } from '../../../protocol/index/google-index.ts';

/** Unix seconds from 2001 to 2286; up to 999 files a window, of 100,000 keys each. */
const FILE = 'exposure-keys/[1-9]\\d{9}-[1-9]\\d{9}-00(?!000)\\d{3}\\.zip';
const NAME = /\/exposure-keys\/(\d+)-(\d+)-/;
const WINDOW_SECONDS = GOOGLE_WINDOW_HOURS * SECONDS_PER_HOUR;
/** A file outlives its day's retention by the grace, less than a day (docs/architecture.md §5.9). */
const OLDEST_SECONDS = (RETENTION_DAYS + 2) * SECONDS_PER_DAY;

/** @param region pattern of the published regions @returns patterns of the view's object keys */
export function googleShapes(region: string): string[] {
  return [`v1/${region}/exposure-keys/index\\.txt`, `v1/${region}/${FILE}`];
}

/**
 * @param key an R2 key whose shape was checked
 * @param now Unix seconds
 * @returns true when it names a window that isn't one of four hours of a UTC day, hasn't ended, or is long gone
 */
export function isNoWindow(key: string, now: number): boolean {
  const match = NAME.exec(key);
  if (match === null) return false;
  const [start, end] = [Number(match[1]), Number(match[2])];
  return end - start !== WINDOW_SECONDS || start % WINDOW_SECONDS !== 0 || end > now || start < now - OLDEST_SECONDS;
}
