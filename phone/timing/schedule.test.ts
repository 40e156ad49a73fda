import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { DEFAULT_RETRY, retryDelay } from './retry.ts';
import { SPREAD_SECONDS, secondsToNextInterval, secondsUntilDownload } from './schedule.ts';
import { testRandom } from '../testing/random.ts';

const HOUR = 3600;
const DAY = 86_400;
const SEED = 20_260_611;
const unixSeconds = fc.integer({ min: 0, max: 4_102_444_800 });

describe('schedule (CWA solution architecture)', () => {
  it.for([
    { name: 'at the beginning of an hour', now: 10 * HOUR, interval: HOUR, seconds: HOUR },
    { name: 'one second later', now: 10 * HOUR + 1, interval: HOUR, seconds: HOUR - 1 },
    { name: 'one second before the next', now: 11 * HOUR - 1, interval: HOUR, seconds: 1 },
    { name: 'half a second before the next', now: 11 * HOUR - 0.5, interval: HOUR, seconds: 1 },
    { name: 'in a daily client at 18:00', now: 3 * DAY + 18 * HOUR, interval: DAY, seconds: 6 * HOUR },
  ])('$name', ({ now, interval, seconds }, { expect }) => {
    expect(secondsToNextInterval(now, interval)).toBe(seconds);
  });

  it('always lands in the hour that follows the beginning of the next interval', ({ expect }) => {
    fc.assert(
      fc.property(unixSeconds, fc.constantFrom(HOUR, 6 * HOUR, DAY), fc.string(), (now, interval, seed) => {
        const at = now + secondsUntilDownload(now, testRandom(seed), interval);
        const next = (Math.floor(now / interval) + 1) * interval;
        expect(at).toBeGreaterThanOrEqual(next);
        expect(at).toBeLessThan(next + SPREAD_SECONDS);
      }),
      { seed: SEED },
    );
  });

  it('spreads phones evenly: each of 60 minutes gets its share of 60,000', ({ expect }) => {
    const random = testRandom('spread');
    const minutes = Array<number>(60).fill(0);
    for (let phone = 0; phone < 60_000; phone++) {
      const minute = Math.floor((secondsUntilDownload(0, random) - HOUR) / 60);
      minutes[minute] = (minutes[minute] ?? 0) + 1;
    }
    // 1000 expected in each, standard deviation 31.
    expect(Math.min(...minutes)).toBeGreaterThan(850);
    expect(Math.max(...minutes)).toBeLessThan(1150);
  });
});

describe('retry (CWA solution architecture)', () => {
  it('waits longer after each failure until the maximum, never outside the bounds', ({ expect }) => {
    fc.assert(
      fc.property(fc.string(), (seed) => {
        const random = testRandom(seed);
        const waits = Array.from({ length: 12 }, (_, i) => retryDelay(i + 1, random));
        for (const [i, wait] of waits.entries()) {
          expect(wait).toBeGreaterThanOrEqual(DEFAULT_RETRY.firstSeconds / 2);
          expect(wait).toBeLessThan(DEFAULT_RETRY.maximumSeconds);
          const isGrowing = DEFAULT_RETRY.firstSeconds * 2 ** i < DEFAULT_RETRY.maximumSeconds;
          if (i > 0 && isGrowing) expect(wait).toBeGreaterThanOrEqual(waits[i - 1] ?? 0);
        }
        expect(waits.at(-1)).toBeGreaterThanOrEqual(DEFAULT_RETRY.maximumSeconds / 2);
      }),
      { seed: SEED },
    );
  });

  it('has phones that failed together come back apart', ({ expect }) => {
    const random = testRandom('apart');
    expect(new Set(Array.from({ length: 500 }, () => retryDelay(6, random))).size).toBeGreaterThan(300);
  });

  it('still waits after ten thousand failures', ({ expect }) => {
    expect(retryDelay(10_000, testRandom('long'))).toBeLessThan(DEFAULT_RETRY.maximumSeconds);
  });

  it('refuses to wait for no failure', ({ expect }) => {
    expect(() => retryDelay(0, testRandom(''))).toThrow(RangeError);
  });
});
