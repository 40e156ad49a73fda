import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { hourEnd, keyEnd } from '../protocol/gaen/intervals.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import { EMBARGO_SECONDS, cutDay, publishedForm, releaseHour, retentionEnd } from './embargo.ts';

const DAY = 20_619;
const key = (start: number, period: number): TemporaryExposureKey => ({
  keyData: new Uint8Array(16),
  transmissionRiskLevel: 3,
  rollingStartIntervalNumber: start,
  rollingPeriod: period,
  reportType: REPORT_TYPE.CONFIRMED_TEST,
  daysSinceOnsetOfSymptoms: 1,
});
const anyKey = fc.record({ start: fc.integer({ min: 0, max: 4_000_000 }), period: fc.integer({ min: 1, max: 144 }) });

describe('published form', () => {
  it.for([
    { name: 'a full day stays', start: DAY * 144, period: 144, day: DAY },
    { name: 'a cut key is the whole day', start: DAY * 144, period: 61, day: DAY },
    { name: 'the key after it, from 07:40, is the whole day', start: DAY * 144 + 46, period: 98, day: DAY },
    { name: 'one that was cut again, 11:10 to 18:50, is the whole day', start: DAY * 144 + 67, period: 46, day: DAY },
    {
      name: 'one that runs over midnight is the day that has more of it',
      start: DAY * 144 + 100,
      period: 60,
      day: DAY,
    },
    { name: 'majority day, the later one', start: DAY * 144 + 100, period: 100, day: DAY + 1 },
    { name: 'majority day, half and half: the earlier one', start: DAY * 144 + 72, period: 144, day: DAY },
  ])('$name', ({ start, period, day }, { expect }) => {
    expect(publishedForm(key(start, period))).toEqual(key(day * 144, 144));
  });

  it('is a whole UTC day, whatever was uploaded: 00:00, period 144, and it holds most of the key', ({ expect }) => {
    fc.assert(
      fc.property(anyKey, ({ start, period }) => {
        const published = publishedForm(key(start, period));
        expect(published.rollingStartIntervalNumber % 144).toBe(0);
        expect(published.rollingPeriod).toBe(144);
        const from = Math.max(start, published.rollingStartIntervalNumber);
        const to = Math.min(start + period, published.rollingStartIntervalNumber + 144);
        expect(to - from).toBeGreaterThanOrEqual(period / 2);
        expect(publishedForm(published)).toEqual(published);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it('of all keys that one UTC day holds is the same', ({ expect }) => {
    const within = fc
      .record({ from: fc.integer({ min: 0, max: 143 }), length: fc.integer({ min: 1, max: 144 }) })
      .filter(({ from, length }) => from + length <= 144);
    fc.assert(
      fc.property(within, ({ from, length }) => {
        expect(publishedForm(key(DAY * 144 + from, length))).toEqual(key(DAY * 144, 144));
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe('release hour', () => {
  it('of a key that ends at 00:00 is 01, sealed at 02:00', ({ expect }) => {
    expect(releaseHour(key((DAY - 1) * 144, 144))).toBe(DAY * 24 + 1);
  });

  it('of a key that runs on after its published day waits for its own end', ({ expect }) => {
    const running = key((DAY - 1) * 144 + 36, 144);
    expect(publishedForm(running).rollingStartIntervalNumber).toBe((DAY - 1) * 144);
    // It ends at 06:00, so the hour sealed at 08:00.
    expect(releaseHour(running)).toBe(DAY * 24 + 7);
  });

  it('is the first one sealed at least two hours after the end of the key and of its published day', ({ expect }) => {
    fc.assert(
      fc.property(anyKey, ({ start, period }) => {
        const end = Math.max(keyEnd(key(start, period)), keyEnd(publishedForm(key(start, period))));
        const hour = releaseHour(key(start, period));
        expect(hourEnd(hour) - end).toBeGreaterThanOrEqual(EMBARGO_SECONDS);
        expect(hourEnd(hour - 1) - end).toBeLessThan(EMBARGO_SECONDS);
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});

describe('the end of retention', () => {
  it('is cut at the first midnight at or after it', ({ expect }) => {
    fc.assert(
      fc.property(anyKey, fc.integer({ min: 1, max: 14 }), ({ start, period }, days) => {
        const cut = cutDay(start, period, days) * 86_400;
        const end = retentionEnd(key(start, period), days);
        expect(cut).toBeGreaterThanOrEqual(end);
        expect(cut - end).toBeLessThan(86_400);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it('of a full day comes fourteen midnights after its end', ({ expect }) => {
    expect(cutDay((DAY - 1) * 144, 144, 14)).toBe(DAY + 14);
  });
});
