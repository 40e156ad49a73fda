import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import vectors from '../../test/vectors/gaen-crypto.json' with { type: 'json' };
import {
  dateOf,
  dateOfHour,
  enIntervalNumber,
  hourEnd,
  hourOf,
  hourOfDay,
  hourStart,
  isUtcDate,
  keyEnd,
  startOfDate,
} from './intervals.ts';

describe('intervals', () => {
  it('the v1.2 vectors: key generation time and its ENIntervalNumber', ({ expect }) => {
    expect(enIntervalNumber(vectors.crypto.keyGenerationUnixSeconds)).toBe(vectors.crypto.rollingStartIntervalNumber);
    expect(enIntervalNumber(1585785600 - 1)).toBe(2642975);
    expect(enIntervalNumber(1585785600 + 599)).toBe(2642976);
  });

  it('a key ends after its last interval', ({ expect }) => {
    expect(keyEnd({ rollingStartIntervalNumber: 2642976, rollingPeriod: 144 })).toBe(1585785600 + 86_400);
    expect(keyEnd({ rollingStartIntervalNumber: 2642976, rollingPeriod: 1 })).toBe(1585785600 + 600);
  });

  it('hours and days agree at the edges of a day', ({ expect }) => {
    const midnight = startOfDate('2026-11-25');
    expect(hourOfDay(hourOf(midnight))).toBe(0);
    expect(hourOfDay(hourOf(midnight - 1))).toBe(23);
    expect(dateOf(midnight - 1)).toBe('2026-11-24');
    expect(dateOfHour(hourOf(midnight))).toBe('2026-11-25');
    expect(hourEnd(hourOf(midnight - 1))).toBe(midnight);
    expect(hourStart(hourOf(midnight))).toBe(midnight);
  });

  it('each second lies in its hour and its day', ({ expect }) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (second) => {
        const hour = hourOf(second);
        expect(hourStart(hour)).toBeLessThanOrEqual(second);
        expect(second).toBeLessThan(hourEnd(hour));
        const date = dateOf(second);
        expect(isUtcDate(date)).toBe(true);
        expect(startOfDate(date)).toBe(second - (second % 86_400));
        expect(startOfDate(date) + hourOfDay(hour) * 3600).toBe(hourStart(hour));
      }),
      { seed: 3 },
    );
  });

  it.for(['2026-02-30', '2026-13-01', '2026-1-1', '1969-12-31', '2026-02-29', '20260101', '2026-01-01T00:00Z', ''])(
    '"%s" is no day',
    (text, { expect }) => {
      expect(isUtcDate(text)).toBe(false);
      expect(() => startOfDate(text)).toThrow(RangeError);
    },
  );

  it.for([-1, Number.NaN, 253_402_300_800])('no day holds second %d', (second, { expect }) => {
    expect(() => dateOf(second)).toThrow(RangeError);
  });
});
