/**
 * @module Which packages of CWA's tree, and files of Google's view, can't exist at a given time: hours that have not ended, days that are not over,
 * days long out of retention. They are answered without a read of R2, since such answers are never cached and somebody
 * who makes up dates would otherwise read the bucket as often as he likes (docs/architecture.md §6).
 */
import { RETENTION_DAYS, SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { isNoWindow } from './google/paths.ts';

const PACKAGE = /\/date\/(\d{4}-\d\d-\d\d)(?:\/hour(?:\/(\d{1,2}))?)?$/;
/** A list or package outlives retention by the grace of what is replaced, less than a day (docs/architecture.md §5.9). */
const OLDEST_DAYS = RETENTION_DAYS + 2;

/**
 * @param key an R2 key whose shape was checked (paths.ts)
 * @param now Unix seconds
 * @returns true when nothing can lie under the key: hour `h` is sealed at its end, a day's package at the day's end, a
 *   day's hour list at the day's beginning
 */
export function cannotExist(key: string, now: number): boolean {
  const match = PACKAGE.exec(key);
  if (match === null) return isNoWindow(key, now);
  const [path, date = '', hour] = match;
  const start = Date.parse(`${date}T00:00:00Z`) / 1000;
  if (start < now - OLDEST_DAYS * SECONDS_PER_DAY) return true;
  const isList = path.endsWith('/hour');
  if (isList) return start > now;
  return start + (hour === undefined ? SECONDS_PER_DAY : (Number(hour) + 1) * SECONDS_PER_HOUR) > now;
}
