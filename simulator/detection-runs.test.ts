import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { MAX_DETECTION_CALLS, detectionTimes, downloadTimes } from './detection-runs.ts';
import { SECONDS_PER_DAY, START } from './options.ts';

const HOUR = 3600;
const hourly = (hours: number): number[] => Array.from({ length: hours }, (_, n) => START + n * HOUR);
const ascending = fc
  .uniqueArray(fc.integer({ min: START, max: START + 5 * SECONDS_PER_DAY }), { maxLength: 150 })
  .map((times) => times.toSorted((a, b) => a - b));

describe("the systems' limits on detection calls (docs/spec/gaen.md §5)", () => {
  it('an hourly phone calls every four hours, six times a day', ({ expect }) => {
    for (const platform of ['android', 'ios'] as const) {
      const calls = detectionTimes(hourly(48), platform, 6);
      expect(calls.map((at) => (at - START) / HOUR)).toEqual([0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44]);
    }
  });

  it('Android counts UTC days, iOS any 24 hours; both keep the gap', ({ expect }) => {
    fc.assert(
      fc.property(ascending, fc.integer({ min: 1, max: 9 }), (times, perDay) => {
        const allowed = Math.min(perDay, MAX_DETECTION_CALLS);
        const android = detectionTimes(times, 'android', perDay);
        const days = Map.groupBy(android, (at) => Math.floor(at / SECONDS_PER_DAY));
        expect([...days.values()].every(({ length }) => length <= allowed)).toBe(true);
        const ios = detectionTimes(times, 'ios', perDay);
        const within = ios.map((at) => ios.filter((other) => other <= at && other > at - SECONDS_PER_DAY).length);
        expect(within.every((count) => count <= allowed)).toBe(true);
        for (const calls of [android, ios]) {
          const gaps = calls.slice(1).map((at, n) => at - calls[n]!);
          expect(gaps.every((gap) => gap >= (24 / allowed) * HOUR)).toBe(true);
        }
      }),
      { seed: 5, numRuns: 200 },
    );
  });

  it('0 calls a day turn detection off', ({ expect }) => {
    expect(detectionTimes(hourly(48), 'android', 0)).toEqual([]);
  });
});

describe('downloads (CWA solution architecture: next hour + random(3600))', () => {
  it('are at most one an hour begun, spread over it; iPhones sleep at night', ({ expect }) => {
    const counts = { android: 0, ios: 0 };
    for (let person = 0; person < 50; person++) {
      for (const platform of ['android', 'ios'] as const) {
        const times = downloadTimes(1, person, platform, START, START + 2 * SECONDS_PER_DAY);
        expect(times.every((at, n) => n === 0 || at > times[n - 1]!)).toBe(true);
        expect(times.length).toBeLessThanOrEqual(48);
        counts[platform] += times.filter((at) => (at % SECONDS_PER_DAY) / HOUR < 7).length;
      }
    }
    expect(counts.ios).toBeLessThan(counts.android / 2);
  });
});
