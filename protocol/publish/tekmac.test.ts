import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { fromBase64, fromHex, toBase64 } from '../primitives/bytes.ts';
import { canonicalKeys, matchesTekmac, tekmacOf, type SentKey } from './tekmac.ts';

/** pkg/verification/utils_test.go of google/exposure-notifications-server. */
const SECRET = fromHex('0102030405060708090a0b0c0d0e0f10');
const keys = (one: number, two: number): SentKey[] => [
  { key: 'z2Cx9hdz2SlxZ8GEgqTYpA==', rollingStartNumber: 1, rollingPeriod: 144, transmissionRisk: one },
  { key: 'dPCphLzfG4uzXneNimkPRQ==', rollingStartNumber: 144, rollingPeriod: 144, transmissionRisk: two },
];
const WITH_RISK = fromBase64('2u1nHt5WWurJytFLF3xitNzM99oNrad2y4YGOL53AeY=');
const FOUR_OF_ZERO = fromBase64('mFNI9zhTA17n4ndd1Vu5tsn4XQX0gPrIKyjeh/9noUE=');
const THREE = fromBase64('J9S7xVebH/66dm14wGsIcAnSUR3PHD4NtDQEOGZbDUo=');

describe('tekmac', () => {
  it.for([
    ['risks 3 and 5', keys(3, 5), 'four-segment', WITH_RISK],
    ['risks 0 and 0, with them', keys(0, 0), 'four-segment', FOUR_OF_ZERO],
    ['risks 0 and 0, without', keys(0, 0), 'three-segment', THREE],
    ['risks 3 and 5 in the other order', keys(3, 5).toReversed(), 'four-segment', WITH_RISK],
  ] as const)('of Google’s vector: %s', ([, sent, form, tekmac], { expect }) => {
    expect(tekmacOf(sent, SECRET, form)).toEqual(tekmac);
    expect(matchesTekmac(sent, SECRET, tekmac)).toBe(true);
  });

  it('without risks is good for keys without risks alone', ({ expect }) => {
    expect(matchesTekmac(keys(0, 0), SECRET, FOUR_OF_ZERO)).toBe(true);
    expect(matchesTekmac(keys(0, 0), SECRET, THREE)).toBe(true);
    expect(matchesTekmac(keys(0, 1), SECRET, tekmacOf(keys(0, 1), SECRET, 'three-segment'))).toBe(false);
  });

  it('sorts by the key’s text, not by what is made of it', ({ expect }) => {
    // "AA" is before "AA=" by its text, "AA.9" is before "AA=.1" but "AA+.1" before both.
    const entry = (key: string): SentKey => ({ key, rollingStartNumber: 9, rollingPeriod: 1, transmissionRisk: 0 });
    expect(canonicalKeys([entry('AA+'), entry('AA')], 'three-segment')).toBe('AA.9.1,AA+.9.1');
  });

  it('is over the text as it was sent: the same bytes in another alphabet are another text', ({ expect }) => {
    const [first, second] = keys(3, 5);
    const unpadded = [{ ...first!, key: first!.key.replace('==', '') }, second!];
    expect(matchesTekmac(unpadded, SECRET, WITH_RISK)).toBe(false);
    expect(matchesTekmac(unpadded, SECRET, tekmacOf(unpadded, SECRET))).toBe(true);
  });

  it('is for one set of keys: any change of one is seen, and so is one key more or less', ({ expect }) => {
    const key = fc.record<SentKey>({
      key: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(toBase64),
      rollingStartNumber: fc.nat(),
      rollingPeriod: fc.integer({ min: 1, max: 144 }),
      transmissionRisk: fc.integer({ min: 0, max: 8 }),
    });
    const set = fc.array(key, { minLength: 1, maxLength: 4 });
    const sorted = (sent: readonly SentKey[]) => canonicalKeys(sent, 'four-segment');
    fc.assert(
      fc.property(set, set, (a, b) => {
        expect(matchesTekmac(b, SECRET, tekmacOf(a, SECRET))).toBe(sorted(a) === sorted(b));
        expect(matchesTekmac(a.slice(1), SECRET, tekmacOf(a, SECRET))).toBe(false);
        expect(matchesTekmac(a.toReversed(), SECRET, tekmacOf(a, SECRET))).toBe(true);
        expect(matchesTekmac(a, fromHex('00'), tekmacOf(a, SECRET))).toBe(false);
      }),
      { seed: 3, numRuns: 50 },
    );
  });

  it('of another length matches nothing', ({ expect }) => {
    expect(matchesTekmac(keys(3, 5), SECRET, WITH_RISK.subarray(0, 31))).toBe(false);
    expect(matchesTekmac(keys(3, 5), SECRET, new Uint8Array())).toBe(false);
  });
});
