import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { CERTIFIED_REPORTS } from '../../protocol/publish/report-type.ts';
import { recheckUpload } from './recheck.ts';
import { judgeKeys, type JudgedKeys } from './google-keys.ts';
import type { PublishedKey, PublishFacts } from './google-rules.ts';

/** 2020-11-25T13:37:00Z */
const NOW = 1_606_311_420;
const INTERVAL = Math.floor(NOW / 600);
const MIDNIGHT = Math.floor(NOW / 86_400) * 144;
const FACTS: PublishFacts = { reportType: 'confirmed', onset: MIDNIGHT - 4 * 144, now: NOW };

let serial = 0;
const key = (change: Partial<PublishedKey> = {}): PublishedKey => ({
  keyData: new Uint8Array(16).fill(++serial),
  rollingStartNumber: MIDNIGHT - 144,
  rollingPeriod: 144,
  transmissionRisk: 0,
  ...change,
});
const startsAt = (rollingStartNumber: number, rollingPeriod = 144) => key({ rollingStartNumber, rollingPeriod });
const GOOD = startsAt(MIDNIGHT - 2 * 144);
/** What becomes of one key beside a good one. */
const beside = (other: PublishedKey, facts = FACTS) => judgeKeys([GOOD, other], facts);
const refused = (rule: string, failures: readonly unknown[] = []): JudgedKeys =>
  ({ kind: 'refused', rule, failures }) as JudgedKeys;

describe('a key', () => {
  it.for<[name: string, key: PublishedKey, failure: string | null]>([
    ['no base64', key({ keyData: null }), 'key-data'],
    ['15 bytes', key({ keyData: new Uint8Array(15) }), 'key-data'],
    ['17 bytes', key({ keyData: new Uint8Array(17) }), 'key-data'],
    ['no period', key({ rollingPeriod: 0 }), 'rolling-period'],
    ['period 145', key({ rollingPeriod: 145 }), 'rolling-period'],
    ['period 1', key({ rollingPeriod: 1 }), null],
    ['risk 9', key({ transmissionRisk: 9 }), 'transmission-risk'],
    ['risk −1', key({ transmissionRisk: -1 }), 'transmission-risk'],
    ['risk 8', key({ transmissionRisk: 8 }), null],
    ['begins in the next interval', startsAt(INTERVAL + 1), 'future-start'],
    ['begins in this interval', startsAt(INTERVAL), null],
    ['began before 1970', startsAt(-1), 'ancient'],
    ['ended 15 days and an interval ago', startsAt(INTERVAL - 15 * 144 - 11, 10), 'ancient'],
  ])('is a failure of its own, or none: %s', ([, other, failure], { expect }) => {
    const failures = failure === null ? [] : [`key 1 cannot be imported: ${failure}`];
    expect(beside(other)).toMatchObject({
      kind: 'judged',
      keys: { length: failure === null ? 2 : 1 },
      failures,
      warnings: [],
    });
  });

  it.for<[name: string, key: PublishedKey, warning: string]>([
    [
      '15 days from the onset',
      startsAt(MIDNIGHT, 60),
      'key 1 symptom onset is too large, 15 > 14 - saving without this key',
    ],
    ['ended 15 days ago to the interval', startsAt(INTERVAL - 15 * 144 - 10, 10), 'key 1 is not published: too-old'],
    ['ended 14 days ago to the interval', startsAt(INTERVAL - 14 * 144 - 10, 10), 'key 1 is not published: too-old'],
    ['the same as the first', GOOD, 'key 1 is not published: duplicate'],
    ['the same in another period', { ...GOOD, rollingPeriod: 7 }, 'key 1 is not published: duplicate'],
  ])('is left out with a warning: %s', ([name, other, warning], { expect }) => {
    const facts = name.includes('onset') ? { ...FACTS, onset: MIDNIGHT - 15 * 144 } : FACTS;
    expect(beside(other, facts)).toMatchObject({
      kind: 'judged',
      keys: { length: 1 },
      failures: [],
      warnings: [warning],
    });
  });

  it('of a phone five minutes ahead is taken once it has begun here: only what begins in its next interval isn’t', ({
    expect,
  }) => {
    const ahead = Math.floor((NOW + 300) / 600);
    expect(beside(startsAt(MIDNIGHT, INTERVAL - MIDNIGHT + 1))).toMatchObject({ keys: { length: 2 } });
    expect(ahead - INTERVAL).toBeLessThanOrEqual(1);
    expect(beside(startsAt(INTERVAL + 1, 10))).toMatchObject({ keys: { length: 1 }, failures: { length: 1 } });
  });
});

describe('the keys of a request', () => {
  const history = (count: number) =>
    Array.from({ length: count }, (_, n) => startsAt(MIDNIGHT - 144 * Math.floor(n / 2), 72 * (1 + (n % 2))));

  it('are 1 to 30', ({ expect }) => {
    expect(judgeKeys([], FACTS)).toEqual(refused('key-count'));
    expect(judgeKeys(history(31), FACTS)).toEqual(refused('key-count'));
    expect(
      judgeKeys(
        history(30).filter(({ rollingStartNumber }) => rollingStartNumber > MIDNIGHT - 14 * 144),
        FACTS,
      ),
    ).toMatchObject({ kind: 'judged', keys: { length: 28 } });
  });

  it('with one bad among thirty are stored without it', ({ expect }) => {
    const thirty = [...history(28), key({ keyData: null }), startsAt(MIDNIGHT + 144)];
    expect(judgeKeys(thirty, FACTS)).toMatchObject({
      kind: 'judged',
      keys: { length: 28 },
      failures: ['key 28 cannot be imported: key-data', 'key 29 cannot be imported: future-start'],
    });
  });

  it('that all fail are refused, and each says why', ({ expect }) => {
    expect(judgeKeys([key({ keyData: null }), key({ rollingPeriod: 0 })], FACTS)).toEqual(
      refused('no-valid-key', ['key 0 cannot be imported: key-data', 'key 1 cannot be imported: rolling-period']),
    );
  });

  it('that are all left out with a warning are no failure', ({ expect }) => {
    const far = { ...FACTS, onset: MIDNIGHT - 20 * 144 };
    expect(judgeKeys([key(), key({ keyData: null })], far)).toMatchObject({
      kind: 'judged',
      keys: [],
      failures: { length: 1 },
      warnings: { length: 1 },
    });
  });

  it('of one start interval, as iOS makes them after an early release, are taken: three of them', ({ expect }) => {
    const sameStart = [60, 80, 144].map((period) => startsAt(MIDNIGHT - 144, period));
    expect(judgeKeys(sameStart, FACTS)).toMatchObject({ kind: 'judged', keys: { length: 3 }, warnings: [] });
    expect(judgeKeys([...sameStart, startsAt(MIDNIGHT - 144, 10)], FACTS)).toEqual(refused('same-start'));
  });

  it('that follow one another within a day are taken, the three longest of them', ({ expect }) => {
    const cut = [0, 46, 67, 113, 144];
    const keys = cut.slice(0, -1).map((start, n) => startsAt(MIDNIGHT - 144 + start, cut[n + 1]! - start));
    expect(judgeKeys(keys, FACTS)).toMatchObject({
      kind: 'judged',
      keys: { length: 3 },
      warnings: ['key 1 is not published: keys-of-one-day'],
    });
  });

  it('that overlap without beginning together are refused', ({ expect }) => {
    expect(judgeKeys([startsAt(MIDNIGHT - 144, 144), startsAt(MIDNIGHT - 1, 10)], FACTS)).toEqual(refused('overlap'));
    expect(judgeKeys([startsAt(MIDNIGHT - 144, 144), startsAt(MIDNIGHT, 10)], FACTS)).toMatchObject({ kind: 'judged' });
  });

  it('whose bad ones overlap are judged without them', ({ expect }) => {
    expect(
      judgeKeys([GOOD, key({ rollingStartNumber: GOOD.rollingStartNumber + 1, transmissionRisk: 9 })], FACTS),
    ).toMatchObject({ kind: 'judged', keys: { length: 1 } });
  });
});

describe('whatever is sent', () => {
  const anyKey: fc.Arbitrary<PublishedKey> = fc.record({
    keyData: fc.option(fc.uint8Array({ minLength: 15, maxLength: 17 })),
    rollingStartNumber: fc.oneof(fc.integer(), fc.integer({ min: MIDNIGHT - 16 * 144, max: MIDNIGHT + 288 })),
    rollingPeriod: fc.oneof(fc.constant(144), fc.integer({ min: -1, max: 146 })),
    transmissionRisk: fc.integer({ min: -1, max: 9 }),
  });
  const report = fc.constantFrom(...CERTIFIED_REPORTS);

  it('every key is stored, failed or warned of, and origin judges the same', ({ expect }) => {
    let stored = 0;
    fc.assert(
      fc.property(
        fc.array(anyKey, { minLength: 1, maxLength: 5 }),
        report,
        fc.integer({ min: 0, max: 28 }),
        (keys, reportType, age) => {
          const judged = judgeKeys(keys, { reportType, onset: MIDNIGHT - 144 * age, now: NOW });
          if (judged.kind === 'refused') return;
          expect(judged.keys.length + judged.failures.length + judged.warnings.length).toBe(keys.length);
          if (judged.keys.length === 0) return;
          stored++;
          const upload = { keys: judged.keys, regions: ['DE'], consentToFederation: true, origin: 'DE', issueId: null };
          expect(recheckUpload(upload, { homeCountry: 'DE' }, NOW)).toEqual(upload);
        },
      ),
      { seed: 11, numRuns: 600 },
    );
    expect(stored).toBeGreaterThan(50);
  });
});
