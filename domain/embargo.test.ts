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
    { name: 'a full day stays', start: DAY * 144, period: 144, published: 144 },
    { name: 'a cut key is extended to midnight', start: DAY * 144, period: 61, published: 144 },
    { name: 'a key that starts by day is extended to midnight', start: DAY * 144 + 100, period: 3, published: 44 },
    { name: 'a key that ends at midnight stays', start: DAY * 144 + 100, period: 44, published: 44 },
    { name: 'a key that crosses midnight stays', start: DAY * 144 + 100, period: 60, published: 60 },
  ])('$name', ({ start, period, published }, { expect }) => {
    expect(publishedForm(key(start, period)).rollingPeriod).toBe(published);
  });

  it('never shortens a key, moves its start or exceeds a day', ({ expect }) => {
    fc.assert(
      fc.property(anyKey, ({ start, period }) => {
        const published = publishedForm(key(start, period));
        expect(published.rollingStartIntervalNumber).toBe(start);
        expect(published.rollingPeriod).toBeGreaterThanOrEqual(period);
        expect(published.rollingPeriod).toBeLessThanOrEqual(144);
        expect(publishedForm(published)).toEqual(published);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe('release hour', () => {
  it('of a key that ends at 00:00 is 01, sealed at 02:00', ({ expect }) => {
    expect(releaseHour(key((DAY - 1) * 144, 144))).toBe(DAY * 24 + 1);
  });

  it('is the first one sealed at least two hours after the end', ({ expect }) => {
    fc.assert(
      fc.property(anyKey, ({ start, period }) => {
        const end = keyEnd(key(start, period));
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
