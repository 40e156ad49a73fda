/** @module Codes, API keys, tokens and dates of Google's dialect: what is derived is the same each time, and what wasn't made by us is told without storage. */
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { toHex } from '../protocol/primitives/bytes.ts';
import { apiKeyId, isOurApiKey, makeApiKey } from './api-key.ts';
import { codeDate, readCodeDates } from './code-dates.ts';
import { API_KEY_KINDS } from './rpc-codes.ts';
import { codesOf, concealed, parseVerificationCode } from './verification-codes.ts';
import { handleOfToken, verificationToken } from './verification-token.ts';

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const seedOf = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe('codes', () => {
  it('follow from seed and key alone, and are read as people write them', ({ expect }) => {
    fc.assert(
      fc.property(seedOf, fc.constantFrom(8, 12), (seed, digits) => {
        const codes = codesOf({ seed, digits }, key(1));
        expect(codes).toEqual(codesOf({ seed, digits }, key(1)));
        expect(codes.short).toMatch(new RegExp(`^\\d{${digits}}$`));
        expect(codes.long).toMatch(/^[a-z0-9]{16}$/);
        expect(codesOf({ seed, digits }, key(2)).long).not.toBe(codes.long);
        expect(parseVerificationCode(` ${codes.short.slice(0, 4)}-${codes.short.slice(4)}`)).toBe(codes.short);
        expect(parseVerificationCode(codes.long.toUpperCase())).toBe(codes.long);
      }),
      { seed: 7, numRuns: 50 },
    );
    for (const text of ['', '12345', '1234567890123', 'abcdefgh', '１２３４５６７８', `${' '.repeat(60)}123456`]) {
      expect(parseVerificationCode(text), text).toBeNull();
    }
  });

  it('every digit is as likely as every other', ({ expect }) => {
    const counts = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 2_000; i++) {
      const seed = Uint8Array.from({ length: 16 }, (_, at) => (at < 2 ? (i >> (8 * at)) & 255 : 0));
      for (const digit of codesOf({ seed, digits: 8 }, key(1)).short)
        counts[Number(digit)] = (counts[Number(digit)] ?? 0) + 1;
    }
    // 1,600 ± 38 each: six standard deviations.
    expect(Math.max(...counts.map((n) => Math.abs(n - 1_600)))).toBeLessThan(228);
  });

  it('what conceals them differs by purpose and key', ({ expect }) => {
    const all = [concealed('code', '1', key(1)), concealed('nonce', '1', key(1)), concealed('code', '1', key(2))];
    expect(new Set(all.map(toHex)).size).toBe(3);
  });
});

describe('API keys', () => {
  const random = (n: number): Uint8Array => new Uint8Array(n).fill(5);

  it('are known to be ours by themselves, each for its kind and realm', ({ expect }) => {
    for (const kind of API_KEY_KINDS) {
      const text = makeApiKey(kind, random, 'de', key(1));
      expect(text).toMatch(/^[\w-]{86}\.de\.[\w-]{86}$/);
      expect(API_KEY_KINDS.filter((other) => isOurApiKey(text, other, 'de', key(1)))).toEqual([kind]);
      expect(isOurApiKey(text, kind, 'nl', key(1)) || isOurApiKey(text, kind, 'de', key(2))).toBe(false);
      expect(apiKeyId(text, key(3))).toMatch(/^[0-9a-f]{32}$/);
    }
  });

  it('any other character makes another key', ({ expect }) => {
    const text = makeApiKey('device', random, 'de', key(1));
    fc.assert(
      fc.property(fc.nat({ max: text.length - 1 }), fc.constantFrom('A', 'z', '.', '-'), (at, character) => {
        const other = text.slice(0, at) + character + text.slice(at + 1);
        expect(isOurApiKey(other, 'device', 'de', key(1))).toBe(other === text);
      }),
      { seed: 7, numRuns: 100 },
    );
  });
});

it('a token leads to its handle, and a forged one nowhere', ({ expect }) => {
  fc.assert(
    fc.property(seedOf, fc.nat({ max: 42 }), (handle, at) => {
      const token = verificationToken(handle, key(1));
      expect(token).toHaveLength(43);
      expect(handleOfToken(token, key(1))).toEqual(handle);
      expect(handleOfToken(token, key(2))).toBeNull();
      const other = token.slice(0, at) + (token.charAt(at) === 'A' ? 'E' : 'A') + token.slice(at + 1);
      expect(handleOfToken(other, key(1))).toBeNull();
    }),
    { seed: 7, numRuns: 50 },
  );
  expect(handleOfToken('', key(1))).toBeNull();
});

describe('dates', () => {
  const TODAY = 20_783;
  const said = (symptomDate: string | null, tzOffset = 0) => ({ symptomDate, testDate: null, tzOffset });

  it.for([
    ['today', 0, 0, true],
    ['tomorrow, also where it is tomorrow already', -1, 720, false],
    ['28 days ago', 28, 0, true],
    ['29 days ago', 29, 0, false],
    ['29 days ago where it is still yesterday', 29, -60, true],
    ['30 days ago there', 30, -60, false],
  ] as const)('%s', ([, ago, tzOffset, holds], { expect }) => {
    const read = readCodeDates(said(codeDate(TODAY - ago), tzOffset), TODAY);
    expect(read).toEqual(holds ? { symptomDay: TODAY - ago, testDay: null } : 'invalid_date');
  });

  it('are needed, and exist', ({ expect }) => {
    expect(readCodeDates(said(''), TODAY)).toBe('missing_date');
    for (const date of ['2026-11-31', '2026-1-1', '26-11-2026', '2026-11-20T00:00:00Z']) {
      expect(readCodeDates(said(date), TODAY), date).toBe('invalid_date');
    }
    expect(readCodeDates({ ...said(codeDate(TODAY)), testDate: 'x' }, TODAY)).toBe('invalid_date');
    expect(codeDate(null)).toBe('');
  });
});
