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

/** When a key is valid: its start and how long, both in intervals of 600 s. */
type Validity = Pick<TemporaryExposureKey, 'rollingStartIntervalNumber' | 'rollingPeriod'>;

/** Apple's "must", and CWA's expiry policy: two hours after the key's validity has ended. */
export const EMBARGO_SECONDS = 2 * SECONDS_PER_HOUR;

/**
 * The form in which a key is stored and published: always a whole UTC day, from 00:00, period 144 (decision 020). A key's own
 * start and period tell the time of an upload to ten minutes (a cut key and the one that follows it), or, where a phone's keys
 * begin at an hour of their own, which keys are that phone's. A key within one UTC day is published as that day. One that
 * crosses midnight is published as the day that holds most of its intervals, the earlier one if both hold as many
 * ("majority day"): one key can be published once, and so at least half of its identifiers are still matched.
 *
 * @param key a valid key: start ≥ 0 and period 1..144, both in intervals of 600 s
 * @returns the key as it is stored and published; the same for a key in published form
 */
export function publishedForm<K extends Validity>(key: K): K {
  return { ...key, ...publishedDay(key) };
}

/** @param key as {@link publishedForm} takes it @returns the day that it is published as */
export function publishedDay(key: Validity): Validity {
  return { rollingStartIntervalNumber: publishedStart(key), rollingPeriod: INTERVALS_PER_DAY };
}

/** @param key as {@link publishedForm} takes it @returns ENIntervalNumber at which the day begins that it is published as */
export function publishedStart(key: Validity): number {
  const day = Math.floor(key.rollingStartIntervalNumber / INTERVALS_PER_DAY);
  const midnight = (day + 1) * INTERVALS_PER_DAY;
  const before = midnight - key.rollingStartIntervalNumber;
  return key.rollingPeriod - before > before ? midnight : day * INTERVALS_PER_DAY;
}

/**
 * The first hour whose sealing instant lies at least two hours after the end of the key and of the day that it is published
 * as: end 00:00 gives hour 01, which is sealed at 02:00. A key that is published as the day before its end is thus held until
 * no phone can be sending it any more.
 *
 * @param key as uploaded, or in published form
 * @returns hours since the Unix epoch
 */
export function releaseHour(key: Validity): number {
  const end = Math.max(keyEnd(key), (publishedStart(key) + INTERVALS_PER_DAY) * SECONDS_PER_INTERVAL);
  return Math.ceil((end + EMBARGO_SECONDS) / SECONDS_PER_HOUR) - 1;
}

/**
 * The instant from which a key may not be published any more.
 *
 * @param key in published form
 * @param retentionDays days after the end of the key's period
 * @returns Unix seconds
 */
export function retentionEnd(key: Validity, retentionDays: number): number {
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
