/**
 * @module Diagnosis keys for tests, as they would be released in an hour.
 */
import {
  enIntervalNumber,
  type HourNumber,
  hourEnd,
  INTERVALS_PER_DAY,
  SECONDS_PER_DAY,
} from '../../protocol/gaen/intervals.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { type RandomBytes, randomBelow } from '../random.ts';

/** Keys in an hour that has any; a third of the hours have none. */
const MOST_KEYS_PER_HOUR = 9;

/**
 * @param random seeded source
 * @param fields what shall not be left to chance
 * @returns a valid key that began at a UTC midnight of 2026
 */
export function testKey(random: RandomBytes, fields: Partial<TemporaryExposureKey> = {}): TemporaryExposureKey {
  return {
    keyData: Uint8Array.from(random(16)),
    transmissionRiskLevel: 1 + randomBelow(random, 8),
    rollingStartIntervalNumber:
      enIntervalNumber(Date.UTC(2026, 0, 1) / 1000) + INTERVALS_PER_DAY * randomBelow(random, 300),
    rollingPeriod: INTERVALS_PER_DAY,
    reportType: REPORT_TYPE.CONFIRMED_TEST,
    daysSinceOnsetOfSymptoms: randomBelow(random, 29) - 14,
    ...fields,
  };
}

/**
 * @param random seeded source
 * @returns the keys of an hour, always the same for the same hour: of 1..13 days before, so that day files lose some of
 *   them at later midnights
 */
export function keysByHour(random: RandomBytes): (hour: HourNumber) => readonly TemporaryExposureKey[] {
  const drawn = new Map<HourNumber, readonly TemporaryExposureKey[]>();
  return (hour) => {
    const known = drawn.get(hour);
    if (known !== undefined) return known;
    const count = randomBelow(random, 3) === 0 ? 0 : 1 + randomBelow(random, MOST_KEYS_PER_HOUR);
    const midnight = Math.floor(hourEnd(hour) / SECONDS_PER_DAY) * SECONDS_PER_DAY;
    const keys = Array.from({ length: count }, () => {
      const start = midnight - (2 + randomBelow(random, 12)) * SECONDS_PER_DAY;
      return testKey(random, { rollingStartIntervalNumber: enIntervalNumber(start) });
    });
    drawn.set(hour, keys);
    return keys;
  };
}
