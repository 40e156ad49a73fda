import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { keyEnd } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { MAX_SPAN_INTERVALS } from './limits.ts';
import type { CheckedKey, UploadClaim, UploadedKey } from './uploaded.ts';
import { checkUpload, publishableKeys, recognisableKeys } from './validate.ts';

/** 2020-11-25T13:37:00Z */
const NOW = 1_606_311_420;
const INTERVAL = Math.floor(NOW / 600);
const MIDNIGHT = Math.floor(NOW / 86_400) * 144;

const key = (change: Partial<CheckedKey>): CheckedKey => ({
  keyData: new Uint8Array(16),
  rollingStartIntervalNumber: MIDNIGHT,
  rollingPeriod: 144,
  transmissionRiskLevel: 6,
  daysSinceOnsetOfSymptoms: null,
  ...change,
});
const startsAt = (rollingStartIntervalNumber: number, rollingPeriod = 144) =>
  key({ rollingStartIntervalNumber, rollingPeriod });

describe('rules that drop a key', () => {
  it.for<[name: string, key: CheckedKey, rule: string | null]>([
    ['begins in the next interval', startsAt(INTERVAL + 1), 'future-start'],
    ['begins in this interval', startsAt(INTERVAL), null],
    ['began today and still runs', startsAt(MIDNIGHT), null],
    ['begins at 2^31 − 1', startsAt(2 ** 31 - 1), 'future-start'],
    ['ended 14 days ago to the interval', startsAt(INTERVAL - 14 * 144 - 7, 7), 'too-old'],
    ['ended 14 days ago less one interval', startsAt(INTERVAL - 14 * 144 - 6, 7), null],
    ['began 14 days before midnight', startsAt(MIDNIGHT - 14 * 144), null],
    ['began 15 days before midnight', startsAt(MIDNIGHT - 15 * 144), 'too-old'],
    ['ancient', startsAt(0), 'too-old'],
    ['risk 2', key({ transmissionRiskLevel: 2 }), 'risk-below-minimum'],
    ['risk 3', key({ transmissionRiskLevel: 3 }), null],
    ['onset without a table', key({ transmissionRiskLevel: null, daysSinceOnsetOfSymptoms: 50 }), 'risk-below-minimum'],
    ['onset on that day', key({ transmissionRiskLevel: null, daysSinceOnsetOfSymptoms: 0 }), null],
    ['risk wins over onset', key({ transmissionRiskLevel: 2, daysSinceOnsetOfSymptoms: 0 }), 'risk-below-minimum'],
  ])('%s', ([, input, rule], { expect }) => {
    const { keys, dropped } = publishableKeys([input], NOW);
    expect({ left: keys.length, dropped }).toEqual({ left: rule === null ? 1 : 0, dropped: rule ? { [rule]: 1 } : {} });
  });

  it('total-span: a key more than 15 days before the end of the newest is dropped, the others stay', ({ expect }) => {
    const oldest = startsAt(MIDNIGHT - 14 * 144 - 8, 144);
    const newest = startsAt(INTERVAL, 144);
    const { keys, dropped } = publishableKeys([oldest, startsAt(MIDNIGHT - 144), newest], NOW);
    expect({ left: keys.length, dropped }).toEqual({ left: 2, dropped: { 'total-span': 1 } });
  });

  it('keys-of-one-day: a day that was cut three times is published three times, its shortest key left out', ({
    expect,
  }) => {
    // 00:00, 07:40, 11:10 and 18:50 of yesterday, each until the next, and the day before.
    const starts = [0, 46, 67, 113, 144];
    const cut = starts.slice(0, -1).map((start, n) => startsAt(MIDNIGHT - 144 + start, starts[n + 1]! - start));
    const { keys, dropped } = publishableKeys([...cut, startsAt(MIDNIGHT - 2 * 144)], NOW);
    expect(keys.map((k) => k.rollingStartIntervalNumber)).toEqual([
      MIDNIGHT - 144,
      MIDNIGHT - 144 + 67,
      MIDNIGHT - 144 + 113,
      MIDNIGHT - 2 * 144,
    ]);
    expect(dropped).toEqual({ 'keys-of-one-day': 1 });
  });

  it('a fourth key that begins with three others is dropped, not the upload', ({ expect }) => {
    const { keys, dropped, refused } = publishableKeys(
      [0, 1, 2, 3].map(() => startsAt(MIDNIGHT - 144)),
      NOW,
    );
    expect([keys.length, dropped, refused]).toEqual([3, { 'keys-of-one-day': 1 }, null]);
  });

  it('a key of a phone whose clock was a month ahead costs only itself', ({ expect }) => {
    const { keys, dropped } = publishableKeys([startsAt(MIDNIGHT - 144), startsAt(MIDNIGHT + 30 * 144)], NOW);
    expect({ left: keys.length, dropped }).toEqual({ left: 1, dropped: { 'future-start': 1 } });
  });
});

describe('rules that refuse what is left', () => {
  /** Today and the 14 days before: `perDay` keys of each. */
  const history = (perDay: number): CheckedKey[] =>
    Array.from({ length: 15 * perDay }, (_, n) => startsAt(MIDNIGHT - 144 * Math.floor(n / perDay)));
  const dropped: [name: string, key: CheckedKey][] = [
    ['too old', startsAt(MIDNIGHT - 20 * 144)],
    ['of the future', startsAt(MIDNIGHT + 5 * 144)],
    ['of a level that is not published', key({ transmissionRiskLevel: 2 })],
  ];

  it.for(dropped)('30 keys are accepted, and those that are %s are no part of them', ([, more], { expect }) => {
    const { keys, refused } = publishableKeys([...history(2), ...Array(70).fill(more)], NOW);
    expect([keys.length, refused]).toEqual([30, null]);
  });

  it('31 keys are not one phone’s', ({ expect }) => {
    const { keys, refused } = publishableKeys([...history(2), startsAt(MIDNIGHT)], NOW);
    expect([keys.length, refused]).toEqual([31, { kind: 'refused', rule: 'key-count' }]);
  });
});

describe('keys by which a repeated upload is recognised', () => {
  const known = (k: CheckedKey) => recognisableKeys([k], NOW).map(({ mustBeKnown }) => mustBeKnown);
  const aged = (age: number, daysSinceOnsetOfSymptoms: number | null, transmissionRiskLevel: number | null = null) =>
    key({ rollingStartIntervalNumber: MIDNIGHT - 144 * age, daysSinceOnsetOfSymptoms, transmissionRiskLevel });

  it.for<[name: string, key: CheckedKey, mustBeKnown: boolean[]]>([
    ['a level without an onset', aged(5, null, 3), [true]],
    ['“in the last seven days”, the key of five days ago', aged(5, 701 - 5), [true]],
    ['“one to two weeks ago”, level 3 today and 2 yesterday', aged(7, 708 - 7), [false]],
    ['the same, of today: nobody can have sent it yesterday', aged(0, 701), [true]],
    ['“no information”: no value above 4000', aged(3, 4000 - 3), [true]],
    ['a level too low today', aged(12, 701 - 12), [false]],
    ['too old', aged(20, null, 6), []],
    ['of the future', aged(-2, null, 6), []],
  ])('%s', ([, k, mustBeKnown], { expect }) => {
    expect(known(k)).toEqual(mustBeKnown);
  });
});

/** docs/spec/gaen.md §4.2: what every consumer needs of a key. */
function phoneAccepts(k: TemporaryExposureKey): boolean {
  const within = (value: number, low: number, high: number) => Number.isInteger(value) && value >= low && value <= high;
  return (
    k.keyData.length === 16 &&
    within(k.rollingStartIntervalNumber, 0, 2 ** 31 - 1) &&
    within(k.rollingPeriod, 1, 144) &&
    within(k.transmissionRiskLevel, 0, 8) &&
    within(k.reportType, 1, 4) &&
    within(k.daysSinceOnsetOfSymptoms, -14, 14)
  );
}

describe('whatever is sent, what comes out is valid for every phone', () => {
  const number = fc.oneof(
    fc.constant(null),
    fc.integer({ min: -2, max: 12 }),
    fc.integer({ min: -16, max: 4001 }),
    fc.integer({ min: MIDNIGHT - 16 * 144, max: MIDNIGHT + 200 }),
    fc.double(),
    fc.integer(),
  );
  const anyKey: fc.Arbitrary<UploadedKey> = fc.record({
    keyData: fc.uint8Array({ minLength: 15, maxLength: 17 }),
    transmissionRiskLevel: number,
    rollingStartIntervalNumber: number,
    rollingPeriod: number,
    daysSinceOnsetOfSymptoms: number,
  });
  const likelyKey: fc.Arbitrary<UploadedKey> = fc.record({
    keyData: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    transmissionRiskLevel: fc.option(fc.integer({ min: 1, max: 8 })),
    rollingStartIntervalNumber: fc.integer({ min: MIDNIGHT - 16 * 144, max: MIDNIGHT + 200 }),
    rollingPeriod: fc.option(fc.integer({ min: 1, max: 144 })),
    daysSinceOnsetOfSymptoms: fc.option(fc.integer({ min: -15, max: 4000 })),
  });
  const claimOf = (keys: UploadedKey[]): UploadClaim => ({
    keys,
    visitedCountries: [],
    origin: null,
    consentToFederation: null,
    submissionType: 0,
  });

  it.for([
    ['any numbers at all', anyKey],
    ['numbers in range', likelyKey],
  ] as const)('%s', ([, arbitrary], { expect }) => {
    let published = 0;
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 4 }), (keys) => {
        const checked = checkUpload(claimOf(keys), { homeCountry: 'DE', minimumKeys: 1 });
        if (!checked.ok) return;
        const out = publishableKeys(checked.value.keys, NOW).keys;
        published += out.length;
        expect(out.every(phoneAccepts)).toBe(true);
        for (const k of out) {
          expect(k.transmissionRiskLevel).toBeGreaterThanOrEqual(3);
          expect(k.rollingStartIntervalNumber).toBeLessThanOrEqual(INTERVAL);
          expect(keyEnd(k)).toBeGreaterThan(NOW - 14 * 86_400);
        }
        const ends = out.map((k) => k.rollingStartIntervalNumber + k.rollingPeriod);
        const starts = out.map((k) => k.rollingStartIntervalNumber);
        if (out.length > 0) expect(Math.max(...ends) - Math.min(...starts)).toBeLessThanOrEqual(MAX_SPAN_INTERVALS);
      }),
      { seed: 4, numRuns: 3000 },
    );
    // A property over nothing proves nothing.
    if (arbitrary === likelyKey) expect(published).toBeGreaterThan(300);
  });

  it('each onset vector that CWA’s apps send: exact day, ranges, none, unknown (docs/spec/cwa.md §2.2)', ({
    expect,
  }) => {
    const today = [...Array.from({ length: 22 }, (_, age) => age), 701, 708, 715, 2000, 3000, 4000];
    const left = today.map((first) => {
      const keys = Array.from({ length: 15 }, (_, i): UploadedKey => ({
        keyData: new Uint8Array(16).fill(i),
        transmissionRiskLevel: null,
        rollingStartIntervalNumber: MIDNIGHT - 144 * i,
        rollingPeriod: 144,
        daysSinceOnsetOfSymptoms: first - i,
      }));
      const checked = checkUpload(claimOf(keys), { homeCountry: 'DE', minimumKeys: 1 });
      if (!checked.ok) throw new Error(`${first}: refused by ${checked.error.rule}`);
      const out = publishableKeys(checked.value.keys, NOW).keys;
      expect(out.every(phoneAccepts)).toBe(true);
      return out.length;
    });
    // Exact day: levels of 3 and more lie 4 days around the onset, so the window of 15 days ending `age` after it meets
    // 9 at most, and none from 19 days on. The others are counted from the tables: 701 sees 691..701, 708 sees 694..701,
    // 715 sees 701, 2000 sees 1993..2000, 3000 sees 2998..3000, 4000 sees 3993..4000.
    const exact = Array.from({ length: 22 }, (_, age) => Math.max(0, Math.min(4, age) - Math.max(-4, age - 14) + 1));
    expect(left).toEqual([...exact, 11, 8, 1, 8, 3, 8]);
  });
});
