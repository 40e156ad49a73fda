/**
 * @module Keys as the gateway carries them, for tests: any, and good ones.
 */
import * as fc from 'fast-check';
import { enIntervalNumber, INTERVALS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { EfgsKey } from '../../protocol/efgs/batch.ts';

const country = fc.constantFrom('DE', 'NL', 'FR', 'IT', 'AT');

/** Any key that protobuf can hold: rules are not its business. */
export const anyEfgsKey: fc.Arbitrary<EfgsKey> = fc.record({
  keyData: fc.uint8Array({ maxLength: 20 }),
  rollingStartIntervalNumber: fc.nat({ max: 0xffffffff }),
  rollingPeriod: fc.nat({ max: 0xffffffff }),
  transmissionRiskLevel: fc.integer(),
  visitedCountries: fc.array(country, { maxLength: 5 }),
  origin: fc.oneof(country, fc.constant('')),
  reportType: fc.integer({ min: 0, max: 5 }),
  daysSinceOnsetOfSymptoms: fc.integer(),
});

/**
 * @param number 0..65,535: another number is another key
 * @param origin ISO 3166-1 alpha-2
 * @param now Unix seconds: the key is of the day before
 * @returns a key that the gateway takes
 */
export function goodEfgsKey(number: number, origin: string, now: number): EfgsKey {
  const keyData = new Uint8Array(16).fill(origin.charCodeAt(0) ^ origin.charCodeAt(1));
  // Scattered, so that the order of numbers is none of the wire's.
  const scattered = (number * 40_503) & 0xffff;
  keyData.set([scattered >> 8, scattered & 0xff, number >> 8, number & 0xff]);
  return {
    keyData,
    rollingStartIntervalNumber: (Math.floor(enIntervalNumber(now) / INTERVALS_PER_DAY) - 1) * INTERVALS_PER_DAY,
    rollingPeriod: INTERVALS_PER_DAY,
    transmissionRiskLevel: 5,
    visitedCountries: ['DE', 'FR', 'NL'],
    origin,
    reportType: 1,
    daysSinceOnsetOfSymptoms: 4000,
  };
}
