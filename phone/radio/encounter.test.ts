import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { matchKeys } from '../matching/match.ts';
import { exposureWindows, UNSET_MAPPING } from '../scoring/exposure-windows.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import { meet, type Side } from './encounter.ts';

const NOON = Date.UTC(2026, 5, 15, 12) / 1000;
const side = (now: number): Side => ({ history: [], sightings: [], now });

describe('a simulated encounter', () => {
  it('is heard by both for exactly as long as it lasted, over midnight too', ({ expect }) => {
    const random = testRandom('encounter');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 86_400 / 60 }), (minutes, at) => {
        const now = NOON + at * 60;
        const [one, other] = meet(side(now), side(now), minutes, random);
        for (const [sender, listener] of [
          [one, other],
          [other, one],
        ] as const) {
          const matches = matchKeys(
            sender.history.map((key) => testKey(random, key)),
            listener.sightings,
          );
          const scans = exposureWindows(matches, UNSET_MAPPING, null).flatMap(({ scanInstances }) => scanInstances);
          expect(scans.reduce((sum, scan) => sum + scan.secondsSinceLastScan, 0)).toBe(minutes * 60);
          expect(scans.every((scan) => scan.typicalAttenuationDb === 50)).toBe(true);
        }
      }),
      { seed: 20_260_615, numRuns: 60 },
    );
  });

  it('is matched while the clocks differ by less than two hours, and not beyond (docs/spec/gaen.md §6.1)', ({
    expect,
  }) => {
    const random = testRandom('skew');
    const found = (skew: number): number => {
      const [sender, listener] = meet(side(NOON), side(NOON + skew), 20, random);
      return matchKeys(
        sender.history.map((key) => testKey(random, key)),
        listener.sightings,
      ).length;
    };
    expect([found(0), found(7_000), found(-7_000)]).toEqual([1, 1, 1]);
    expect([found(3 * 3600), found(-3 * 3600), found(5 * 3600)]).toEqual([0, 0, 0]);
  });
});
