/**
 * @module When a diagnosis key may be published, in which form, and when it must be gone (docs/architecture.md §5.2, §8;
 * docs/spec/gaen.md §4.5: not before two hours after its validity ends, not after 14 days).
 */
import {
  INTERVALS_PER_DAY,
  SECONDS_PER_DAY,
  SECONDS_PER_HOUR,
  SECONDS_PER_INTERVAL,
  keyEnd,
} from '../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';

/** Apple's "must", and CWA's expiry policy: two hours after the key's validity has ended. */
export const EMBARGO_SECONDS = 2 * SECONDS_PER_HOUR;

/**
 * A cut key (rolling period < 144, within one UTC day) counts as ending with its UTC day and is published with the
 * period extended to it: a cut period tells the time of the upload to ten minutes. A key that crosses midnight stays
 * as it is, since its end is that of the phone's own rolling, not of an upload.
 *
 * @param key a valid key: start ≥ 0 and period 1..144, both in intervals of 600 s
 * @returns the key as it is stored and published
 */
export function publishedForm(key: TemporaryExposureKey): TemporaryExposureKey {
  const endOfDay = (Math.floor(key.rollingStartIntervalNumber / INTERVALS_PER_DAY) + 1) * INTERVALS_PER_DAY;
  if (key.rollingStartIntervalNumber + key.rollingPeriod >= endOfDay) return key;
  return { ...key, rollingPeriod: endOfDay - key.rollingStartIntervalNumber };
}

/**
 * The first hour whose sealing instant lies at least two hours after the key's end: end 00:00 gives hour 01, which is
 * sealed at 02:00.
 *
 * @param key in published form
 * @returns hours since the Unix epoch
 */
export function releaseHour(key: Pick<TemporaryExposureKey, 'rollingStartIntervalNumber' | 'rollingPeriod'>): number {
  return Math.ceil((keyEnd(key) + EMBARGO_SECONDS) / SECONDS_PER_HOUR) - 1;
}

/**
 * The instant from which a key may not be published any more.
 *
 * @param key in published form
 * @param retentionDays days after the end of the key's period
 * @returns Unix seconds
 */
export function retentionEnd(
  key: Pick<TemporaryExposureKey, 'rollingStartIntervalNumber' | 'rollingPeriod'>,
  retentionDays: number,
): number {
  return keyEnd(key) + retentionDays * SECONDS_PER_DAY;
}

/**
 * The UTC day at whose first instant the day chunks are cut without this key and its private record is deleted: the
 * first midnight at or after the end of its retention.
 *
 * @param rollingStart ENIntervalNumber of the first interval
 * @param rollingPeriod in intervals, published form
 * @param retentionDays days after the end of the key's period
 * @returns days since the Unix epoch
 */
export function cutDay(rollingStart: number, rollingPeriod: number, retentionDays: number): number {
  return Math.ceil(((rollingStart + rollingPeriod) * SECONDS_PER_INTERVAL) / SECONDS_PER_DAY) + retentionDays;
}
