import { describe, it } from 'vitest';
import type { UploadClaim, UploadedKey } from './uploaded.ts';
import { UPLOAD_RULES, type UploadPolicy } from './upload-rules.ts';
import { checkUpload } from './validate.ts';

const POLICY: UploadPolicy = { homeCountry: 'DE', minimumKeys: 1 };
const MIDNIGHT = 144 * 18_000;

const key = (day: number, change: Partial<UploadedKey> = {}): UploadedKey => ({
  keyData: new Uint8Array(16).fill(day + 1),
  transmissionRiskLevel: 6,
  rollingStartIntervalNumber: MIDNIGHT - 144 * day,
  rollingPeriod: 144,
  daysSinceOnsetOfSymptoms: null,
  ...change,
});
const days = (count: number): UploadedKey[] => Array.from({ length: count }, (_, day) => key(day));
const claim = (keys: UploadedKey[], change: Partial<UploadClaim> = {}): UploadClaim => ({
  keys,
  visitedCountries: ['DE'],
  origin: 'DE',
  consentToFederation: true,
  submissionType: 0,
  ...change,
});

describe('rules that refuse an upload', () => {
  const cases: [name: string, UploadClaim, rule: string | null][] = [
    ['one key', claim(days(1)), null],
    ['15 keys', claim(days(15)), null],
    ['no key', claim([]), 'no-key'],
    ['16 keys, or 60: which of them count is seen later', claim(days(60)), null],
    ['15 bytes', claim([key(0, { keyData: new Uint8Array(15) })]), 'key-length'],
    ['17 bytes', claim([key(0, { keyData: new Uint8Array(17) })]), 'key-length'],
    ['no key data', claim([key(0, { keyData: new Uint8Array() })]), 'key-length'],
    ['no start', claim([key(0, { rollingStartIntervalNumber: null })]), 'rolling-start-integer'],
    ['start 0.5', claim([key(0, { rollingStartIntervalNumber: 0.5 })]), 'rolling-start-integer'],
    ['start NaN', claim([key(0, { rollingStartIntervalNumber: Number.NaN })]), 'rolling-start-integer'],
    ['negative start', claim([key(0, { rollingStartIntervalNumber: -144 })]), 'rolling-start-integer'],
    ['start past int32', claim([key(0, { rollingStartIntervalNumber: 2 ** 31 })]), 'rolling-start-integer'],
    ['start within the day', claim([key(0, { rollingStartIntervalNumber: MIDNIGHT + 5 })]), null],
    ['period 0', claim([key(0, { rollingPeriod: 0 })]), 'rolling-period'],
    ['period 145', claim([key(0, { rollingPeriod: 145 })]), 'rolling-period'],
    ['period −1', claim([key(0, { rollingPeriod: -1 })]), 'rolling-period'],
    ['period 1.5', claim([key(0, { rollingPeriod: 1.5 })]), 'rolling-period'],
    ['period 1', claim([key(0, { rollingPeriod: 1 })]), null],
    ['period absent', claim([key(0, { rollingPeriod: null })]), null],
    ['risk 0', claim([key(0, { transmissionRiskLevel: 0 })]), 'risk-level'],
    ['risk 9', claim([key(0, { transmissionRiskLevel: 9 })]), 'risk-level'],
    ['onset −16', claim([key(0, { daysSinceOnsetOfSymptoms: -16 })]), 'onset'],
    ['onset −15', claim([key(0, { daysSinceOnsetOfSymptoms: -15 })]), null],
    ['onset 4000', claim([key(0, { daysSinceOnsetOfSymptoms: 4000 })]), null],
    ['onset 4001', claim([key(0, { daysSinceOnsetOfSymptoms: 4001 })]), 'onset'],
    ['neither risk nor onset', claim([key(0, { transmissionRiskLevel: null })]), 'risk-or-onset'],
    ['onset alone', claim([key(0, { transmissionRiskLevel: null, daysSinceOnsetOfSymptoms: 3 })]), null],
    ['a key twice', claim([key(0), key(1, { keyData: key(0).keyData })]), 'duplicate-key'],
    ['overlap by an interval', claim([key(0), key(1, { rollingStartIntervalNumber: MIDNIGHT - 143 })]), 'overlap'],
    [
      'a key inside another, with a third between',
      claim([
        key(0, { rollingPeriod: 144 }),
        key(1, { rollingStartIntervalNumber: MIDNIGHT, rollingPeriod: 10 }),
        key(2, { rollingStartIntervalNumber: MIDNIGHT + 20, rollingPeriod: 10 }),
      ]),
      'overlap',
    ],
    [
      'same-day release as microG does it',
      claim([key(0, { rollingPeriod: 60 }), key(1, { rollingStartIntervalNumber: MIDNIGHT + 60, rollingPeriod: 84 })]),
      null,
    ],
    [
      'same-day release as Android does it',
      claim([
        key(0, { rollingPeriod: 60 }),
        key(1, { rollingStartIntervalNumber: MIDNIGHT }),
        key(2, { rollingStartIntervalNumber: MIDNIGHT }),
      ]),
      null,
    ],
    [
      'four keys with one start',
      claim([0, 1, 2, 3].map((day) => key(day, { rollingStartIntervalNumber: MIDNIGHT }))),
      null,
    ],
    ['gaps', claim([key(0), key(5), key(13)]), null],
    ['no country', claim(days(1), { visitedCountries: [] }), null],
    ['a country that nobody knows', claim(days(1), { visitedCountries: ['DE', 'XX', 'de', ''] }), null],
    ['origin absent', claim(days(1), { origin: null }), null],
    ['origin empty', claim(days(1), { origin: '' }), null],
    ['origin elsewhere', claim(days(1), { origin: 'NL' }), 'origin'],
    ['rapid test', claim(days(1), { submissionType: 1 }), null],
    ['self-report', claim(days(1), { submissionType: 3 }), 'submission-type'],
    ['unknown type', claim(days(1), { submissionType: 99 }), 'submission-type'],
  ];
  it.for(cases)('%s', ([, input, rule], { expect }) => {
    const result = checkUpload(input, POLICY);
    expect(result.ok ? null : result.error.rule).toBe(rule);
  });

  it('each rule is broken by some case above', ({ expect }) => {
    const seen = new Set(cases.map(([, , rule]) => rule));
    expect(UPLOAD_RULES.filter((rule) => !seen.has(rule.name)).map((rule) => rule.name)).toEqual([]);
  });

  it('the order of keys makes no difference', ({ expect }) => {
    for (const [, input, rule] of cases) {
      const result = checkUpload({ ...input, keys: input.keys.toReversed() }, POLICY);
      expect(result.ok ? null : result.error.rule).toBe(rule);
    }
  });
});

describe('an upload that passes', () => {
  it('keeps what was visited as it came; consent is false unless given', ({ expect }) => {
    const input = claim(days(1), { visitedCountries: ['NL', 'NL'], consentToFederation: null });
    const result = checkUpload(input, POLICY);
    expect(result.ok && result.value).toMatchObject({ visitedCountries: ['NL', 'NL'], consentToFederation: false });
  });

  it('an absent period becomes 144', ({ expect }) => {
    const result = checkUpload(claim([key(0, { rollingPeriod: null })]), POLICY);
    expect(result.ok && result.value.keys[0]?.rollingPeriod).toBe(144);
  });

  it('a dummy may hold no key, and is judged by every rule if it does', ({ expect }) => {
    const policy = { ...POLICY, minimumKeys: 0 } as const;
    expect(checkUpload(claim([]), policy).ok).toBe(true);
    expect(checkUpload(claim([key(0, { rollingPeriod: 0 })]), policy).ok).toBe(false);
  });
});
