import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { toBase64, toHex } from '../primitives/bytes.ts';
import { type KeyRing, keyRing } from '../primitives/key-ring.ts';
import { CERTIFIED_REPORTS } from './report-type.ts';
import {
  MOST_REVISABLE_KEYS,
  REVISION_TOKEN_BYTES,
  RevisionTokens,
  TOKEN_LIFETIME_DAYS,
  type RevisableKey,
} from './revision-token.ts';

const DAY = 86_400;
const NOW = 20_500 * DAY + 36_000;
const OURS = 'health-de';
const secret = (byte: number): string => toBase64(new Uint8Array(32).fill(byte));
const ringOf = (...bytes: number[]): KeyRing => keyRing(bytes.map(secret).join(), 'REVISION_TOKEN_KEY');
const tokens = new RevisionTokens(ringOf(1));

const keyOf = (n: number, more: Partial<RevisableKey> = {}): RevisableKey => ({
  keyData: new Uint8Array(16).fill(n + 1),
  rollingStartIntervalNumber: (20_499 - (n % 14)) * 144,
  rollingPeriod: 144,
  reportType: 'likely',
  revisedTo: null,
  ...more,
});
const keysOf = (count: number): RevisableKey[] => Array.from({ length: count }, (_, n) => keyOf(n));
const names = (keys: readonly RevisableKey[] | null) => keys?.map(({ keyData }) => toHex(keyData)).toSorted();

const someKey: fc.Arbitrary<RevisableKey> = fc.record({
  keyData: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  rollingStartIntervalNumber: fc.integer({ min: 20_490 * 144, max: 20_500 * 144 }),
  rollingPeriod: fc.integer({ min: 1, max: 144 }),
  reportType: fc.constantFrom(...CERTIFIED_REPORTS),
  revisedTo: fc.constantFrom(null, ...CERTIFIED_REPORTS),
});

describe('a revision token', () => {
  it('says again what was put in, whatever it is', ({ expect }) => {
    fc.assert(
      fc.property(fc.uniqueArray(someKey, { selector: ({ keyData }) => toHex(keyData), maxLength: 30 }), (keys) => {
        const found = tokens.open(OURS, NOW, tokens.seal(OURS, NOW, keys));
        const sorted = keys.toSorted((a, b) => (toHex(a.keyData) < toHex(b.keyData) ? -1 : 1));
        expect(found).toEqual(sorted);
      }),
      { numRuns: 100, seed: 18 },
    );
  });

  it('has one length, however many keys it names', ({ expect }) => {
    for (const count of [0, 1, 30, MOST_REVISABLE_KEYS, MOST_REVISABLE_KEYS + 9]) {
      expect(tokens.seal(OURS, NOW, keysOf(count)).length, `${count}`).toBe(REVISION_TOKEN_BYTES);
    }
  });

  it('is the same for the same keys in any order and at any hour of a day, and another for others', ({ expect }) => {
    const [one, again, later, fewer, revised, tomorrow] = [
      tokens.seal(OURS, NOW, keysOf(14)),
      tokens.seal(OURS, NOW, keysOf(14).toReversed()),
      tokens.seal(OURS, NOW + 3_600, keysOf(14)),
      tokens.seal(OURS, NOW, keysOf(13)),
      tokens.seal(OURS, NOW, [...keysOf(13), keyOf(13, { revisedTo: 'confirmed' })]),
      tokens.seal(OURS, NOW + DAY, keysOf(14)),
    ].map(toHex);
    expect([again, later]).toEqual([one, one]);
    expect(new Set([one, fewer, revised, tomorrow]).size).toBe(4);
    // Not the nonce alone, nor anything else of one, stands in another.
    expect(new Set([one, fewer, revised, tomorrow].map((token) => token?.slice(0, 24))).size).toBe(4);
  });

  it('names the youngest keys where there are too many', ({ expect }) => {
    const old = keysOf(MOST_REVISABLE_KEYS).map((key) => ({ ...key, rollingStartIntervalNumber: 20_490 * 144 }));
    const young = keyOf(200);
    const found = tokens.open(OURS, NOW, tokens.seal(OURS, NOW, [...old, young]));
    expect(found).toHaveLength(MOST_REVISABLE_KEYS);
    expect(names(found)).toContain(toHex(young.keyData));
  });

  it('lives 15 days, and a key in it 15 days after its end', ({ expect }) => {
    const token = tokens.seal(OURS, NOW, [keyOf(0, { rollingStartIntervalNumber: 20_500 * 144 })]);
    const last = (20_500 + TOKEN_LIFETIME_DAYS + 1) * DAY - 1;
    expect(tokens.open(OURS, last, token)).toHaveLength(1);
    expect(tokens.open(OURS, last + 1, token)).toBeNull();
    const two = tokens.seal(OURS, NOW, [keyOf(0), keyOf(1)]);
    const firstEnds = (20_499 + TOKEN_LIFETIME_DAYS) * DAY; // keyOf(1) ends at the midnight at which day 20,499 begins
    expect(tokens.open(OURS, firstEnds - 1, two)).toHaveLength(2);
    expect(names(tokens.open(OURS, firstEnds, two))).toEqual(names([keyOf(0)]));
    expect(tokens.open(OURS, firstEnds, tokens.seal(OURS, firstEnds, [keyOf(0), keyOf(1)]))).toHaveLength(1);
  });

  it.for<[name: string, change: (token: Uint8Array) => Uint8Array]>([
    ['of another deployment', () => new RevisionTokens(ringOf(2)).seal(OURS, NOW, keysOf(14))],
    ['of another authority', () => tokens.seal('health-d', NOW, keysOf(14))],
    ['of two days ahead', () => tokens.seal(OURS, NOW + 2 * DAY, keysOf(14))],
    ['cut short', (token) => token.subarray(0, -1)],
    ['with a byte more', (token) => Uint8Array.from([...token, 0])],
    ['empty', () => new Uint8Array(0)],
    ['random', () => randomBytes(REVISION_TOKEN_BYTES)],
    ['random, of another length', () => randomBytes(1_000)],
  ])('%s is none', ([, change], { expect }) => {
    expect(tokens.open(OURS, NOW, change(tokens.seal(OURS, NOW, keysOf(14))))).toBeNull();
  });

  it('with any bit turned is none', ({ expect }) => {
    const token = tokens.seal(OURS, NOW, keysOf(2));
    fc.assert(
      fc.property(fc.nat({ max: token.length - 1 }), fc.nat({ max: 7 }), (at, bit) => {
        const turned = token.slice();
        turned[at]! ^= 1 << bit;
        expect(tokens.open(OURS, NOW, turned)).toBeNull();
      }),
      { numRuns: 60, seed: 18 },
    );
  });

  it('outlives a change of the secret: old ones open, and new ones are made with the new secret', ({ expect }) => {
    const old = tokens.seal(OURS, NOW, keysOf(3));
    const [accepting, making, after] = [ringOf(1, 2), ringOf(2, 1), ringOf(2)].map((ring) => new RevisionTokens(ring));
    expect(accepting!.seal(OURS, NOW, keysOf(3))).toEqual(old);
    const made = making!.seal(OURS, NOW, keysOf(3));
    for (const both of [accepting!, making!]) {
      expect([both.open(OURS, NOW, old), both.open(OURS, NOW, made)].map((keys) => keys?.length)).toEqual([3, 3]);
    }
    expect([after!.open(OURS, NOW, old), tokens.open(OURS, NOW, made)]).toEqual([null, null]);
    expect(after!.open(OURS, NOW, made)).toHaveLength(3);
  });
});
