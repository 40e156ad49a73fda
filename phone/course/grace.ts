/**
 * @module When the key of the day of a consent is uploaded: a model of its own, that who shares and who only feigns it draw
 * from. The key can't be had before it has ended, and the framework hands keys out without asking anew for 24 hours from the
 * consent (CWA solution architecture, "Upload schedule for Diagnosis Keys"): one window, 0 to 24 hours after it.
 */
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { CoverTraffic, Polling } from '../../protocol/parameters/operations.ts';
import { type RandomBytes, randomBelow } from '../random.ts';
import { secondsToNextInterval, type Window } from '../timing/schedule.ts';

/** How long a consent gives keys. */
export const GRACE_SECONDS = 24 * 3600;

/** The part of the configuration that says which keys are shared, and when. */
export interface SharingSettings {
  readonly coverTraffic: Pick<CoverTraffic, 'followUpDays'>;
  readonly polling: Pick<Polling, 'windows'>;
}

/**
 * @param consentedAt Unix seconds
 * @param windows in which phones may ask
 * @param random source of bytes
 * @returns Unix seconds, each second as likely as every other in which the key has ended, the grace lasts and a window is
 *   open; null when there is none: then nobody sends that key
 */
export function endOfDayUpload(consentedAt: number, windows: readonly Window[], random: RandomBytes): number | null {
  const midnight = consentedAt + secondsToNextInterval(consentedAt, SECONDS_PER_DAY);
  return drawWithin(midnight, consentedAt + GRACE_SECONDS + 1, windows, random);
}

/**
 * @param midnight first second of a UTC day on which a person is asked for one more consent
 * @param windows in which phones may ask
 * @param random source of bytes
 * @returns Unix seconds of that day, in a window, or null when none is open
 */
export function followUpConsent(midnight: number, windows: readonly Window[], random: RandomBytes): number | null {
  return drawWithin(midnight, midnight + SECONDS_PER_DAY, windows, random);
}

function drawWithin(from: number, to: number, windows: readonly Window[], random: RandomBytes): number | null {
  const midnight = Math.floor(from / SECONDS_PER_DAY) * SECONDS_PER_DAY;
  const open = windows
    .map(({ fromMinute, toMinute }) => ({
      start: Math.max(from, midnight + fromMinute * 60),
      end: Math.min(to, midnight + toMinute * 60),
    }))
    .filter(({ start, end }) => start < end);
  const seconds = open.reduce((sum, { start, end }) => sum + end - start, 0);
  if (seconds === 0) return null;
  let left = randomBelow(random, seconds);
  for (const { start, end } of open) {
    if (left < end - start) return start + left;
    left -= end - start;
  }
  return null;
}
