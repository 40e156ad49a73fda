import { describe, it } from 'vitest';
import type { AcceptedUpload } from '../rpc.ts';
import { recheckUpload } from './recheck.ts';
import { publishableKeys } from './validate.ts';

/** 2020-11-25T12:00:00Z */
const NOW = 1_606_305_600;
const MIDNIGHT = Math.floor(NOW / 86_400) * 144;
const POLICY = { homeCountry: 'DE' };

const checked = [0, 1, 2].map((age) => ({
  keyData: new Uint8Array(16).fill(age + 1),
  rollingStartIntervalNumber: MIDNIGHT - age * 144,
  rollingPeriod: 144,
  transmissionRiskLevel: 6 + (age % 3),
  daysSinceOnsetOfSymptoms: null,
}));
const GOOD: AcceptedUpload = {
  keys: publishableKeys(checked, NOW).keys,
  regions: ['DE', 'FR'],
  consentToFederation: true,
  origin: 'DE',
  issueId: null,
};
const first = GOOD.keys[0]!;
const many = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ ...first, keyData: new Uint8Array(16).fill(i + 1) }));

describe('what upload hands on', () => {
  it('is the same after a second look', ({ expect }) => {
    expect(recheckUpload(GOOD, POLICY, NOW)).toEqual(GOOD);
  });

  it('loses a key that grew too old between two looks, and is refused when none is left', ({ expect }) => {
    const oldest = GOOD.keys[2]!;
    const later = (oldest.rollingStartIntervalNumber + 144) * 600 + 14 * 86_400;
    expect(recheckUpload(GOOD, POLICY, later)?.keys).toEqual(GOOD.keys.slice(0, 2));
    expect(recheckUpload({ ...GOOD, keys: [oldest] }, POLICY, later)).toBeNull();
  });

  it('has its report type and onset written anew', ({ expect }) => {
    const lied = {
      ...GOOD,
      keys: GOOD.keys.map((key) => ({ ...key, reportType: 4 as const, daysSinceOnsetOfSymptoms: 14 })),
    };
    expect(recheckUpload(lied, POLICY, NOW)).toEqual(GOOD);
  });

  it('keeps three keys of a day, as upload does', ({ expect }) => {
    expect(recheckUpload({ ...GOOD, keys: many(4) }, POLICY, NOW)?.keys).toEqual(many(3));
  });

  it.for<[name: string, change: object]>([
    ['no keys', { keys: [] }],
    ['key data of 17 bytes', { keys: [{ ...first, keyData: new Uint8Array(17) }] }],
    ['risk level 9', { keys: [{ ...first, transmissionRiskLevel: 9 }] }],
    ['risk level 0', { keys: [{ ...first, transmissionRiskLevel: 0 }] }],
    ['a level that is never published', { keys: [{ ...first, transmissionRiskLevel: 2 }] }],
    ['half an interval', { keys: [{ ...first, rollingStartIntervalNumber: MIDNIGHT + 0.5 }] }],
    ['a start in the future', { keys: [{ ...first, rollingStartIntervalNumber: MIDNIGHT + 144 }] }],
    ['a start in 1970', { keys: [{ ...first, rollingStartIntervalNumber: 0 }] }],
    ['period 145', { keys: [{ ...first, rollingPeriod: 145 }] }],
    ['period 0', { keys: [{ ...first, rollingPeriod: 0 }] }],
    ['a key twice', { keys: [first, first] }],
    ['regions without the home country', { regions: ['FR'] }],
    ['regions out of order', { regions: ['FR', 'DE'] }],
    ['a region twice', { regions: ['DE', 'DE'] }],
    ['a region that is a number', { regions: ['DE', 7] }],
    ['another origin', { origin: 'FR' }],
    ['no consent given or refused', { consentToFederation: undefined }],
    ['an issue id of another form', { issueId: 'x'.repeat(33) }],
    ['an issue id that is no text', { issueId: {} }],
  ])('is refused with %s', ([, change], { expect }) => {
    expect(recheckUpload({ ...GOOD, ...change }, POLICY, NOW)).toBeNull();
  });
});
