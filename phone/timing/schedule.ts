/**
 * @module When a phone downloads next: pure, so that millions of phones spread evenly over an interval and none asks
 * more often than there is something new (CWA solution architecture, download schedule: minimum seconds until execution = seconds
 * until the beginning of the next interval + random(3600)).
 */
import { SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { type RandomBytes, randomBelow } from '../random.ts';

/** Width over which phones spread their downloads, in seconds (CWA solution architecture). */
export const SPREAD_SECONDS = 3600;

/**
 * @param now Unix seconds
 * @param intervalSeconds how often new files appear: 3600 for hourly clients, 86400 for daily ones (UTC days)
 * @returns seconds until the next interval begins, 1..intervalSeconds; at its very beginning a whole interval, because
 *   that one has begun
 */
export function secondsToNextInterval(now: number, intervalSeconds: number): number {
  return intervalSeconds - (Math.floor(now) % intervalSeconds);
}

/**
 * The rule of CWA's solution architecture: load is spread over the hour.
 *
 * @param now Unix seconds
 * @param random source of bytes
 * @param intervalSeconds as for {@link secondsToNextInterval}; an hour by default
 * @returns seconds to wait at least, in [next interval, next interval + 3600)
 */
export function secondsUntilDownload(
  now: number,
  random: RandomBytes,
  intervalSeconds: number = SECONDS_PER_HOUR,
): number {
  return secondsToNextInterval(now, intervalSeconds) + randomBelow(random, SPREAD_SECONDS);
}

/** Minutes of the UTC day in which phones may ask; the end is not part of it (protocol/parameters/operations.ts). */
export interface Window {
  readonly fromMinute: number;
  readonly toMinute: number;
}

/**
 * @param at Unix seconds
 * @param windows at least one, in any order
 * @param random source of bytes
 * @returns the same instant if it lies in a window; else one anywhere in the next window, so that those who were shut
 *   out don't all come in its first second
 * @throws {RangeError} when there is no window
 */
export function intoWindow(at: number, windows: readonly Window[], random: RandomBytes): number {
  const midnight = Math.floor(at / SECONDS_PER_DAY) * SECONDS_PER_DAY;
  const next = [midnight, midnight + SECONDS_PER_DAY]
    .flatMap((day) => windows.map((window) => ({ from: day + window.fromMinute * 60, to: day + window.toMinute * 60 })))
    .toSorted((a, b) => a.from - b.from)
    .find(({ to }) => at < to);
  if (next === undefined) throw new RangeError('intoWindow: expected at least one window');
  return at >= next.from ? at : next.from + randomBelow(random, next.to - next.from);
}
