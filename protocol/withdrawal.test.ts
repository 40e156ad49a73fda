import * as fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, it } from 'vitest';
import { withdrawal } from './generated/withdrawal.js';
import { concatBytes, utf8 } from './primitives/bytes.ts';
import { asWithdrawalHash, decodeWithdrawal, encodeWithdrawal, withdrawalHash, type Opening } from './withdrawal.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const anyOpening: fc.Arbitrary<Opening> = fc.record({ keyData: bytes(16), secret: bytes(32) });

describe('the hash of a key that its owner can take back', () => {
  it('is the first 16 bytes of SHA-256 over label, key and secret', ({ expect }) => {
    fc.assert(
      fc.property(anyOpening, (opening) => {
        const text = concatBytes(utf8('exposure-edge/withdrawal/v1\0'), opening.keyData, opening.secret);
        const expected = createHash('sha256').update(text).digest().subarray(0, 16);
        expect(withdrawalHash(opening)).toEqual(new Uint8Array(expected));
      }),
    );
  });

  it('is taken for one by its length alone, and anything else for none', ({ expect }) => {
    const good = new Uint8Array(16).fill(7);
    expect(asWithdrawalHash(good)).toBe(good);
    for (const bad of [null, undefined, '0123456789abcdef', new Uint8Array(15), new Uint8Array(17), [...good]]) {
      expect(asWithdrawalHash(bad)).toBeNull();
    }
  });
});

describe('the body of a withdrawal', () => {
  it('says what was put in, whatever the padding', ({ expect }) => {
    fc.assert(
      fc.property(fc.array(anyOpening, { maxLength: 30 }), fc.uint8Array({ maxLength: 300 }), (openings, padding) => {
        const said = { openings, cover: openings.length === 0 };
        expect(decodeWithdrawal(encodeWithdrawal(said, padding))).toEqual({ ok: true, value: said });
      }),
    );
  });

  const one: Opening = { keyData: new Uint8Array(16), secret: new Uint8Array(32) };
  const raw = (openings: readonly withdrawal.IOpening[], cover: boolean | null) =>
    Uint8Array.from(withdrawal.Withdrawal.encode({ openings: [...openings], cover }).finish());

  it.for([
    { what: 'no dummy without an opening', body: raw([], null) },
    { what: 'no dummy that says it is none', body: raw([], false) },
    { what: 'a dummy with an opening', body: raw([one], true) },
    { what: 'a key of 15 bytes', body: raw([{ ...one, keyData: new Uint8Array(15) }], null) },
    { what: 'a secret of 33 bytes', body: raw([{ ...one, secret: new Uint8Array(33) }], null) },
    { what: 'a key without a secret', body: raw([{ keyData: one.keyData }], null) },
    {
      what: '31 openings',
      body: raw(
        Array.from({ length: 31 }, () => one),
        null,
      ),
    },
    { what: 'a length that ends outside', body: Uint8Array.of(0x0a, 0x7f) },
    { what: 'text', body: utf8('{"openings":[]}') },
  ])('is malformed: $what', ({ body }, { expect }) => {
    expect(decodeWithdrawal(body)).toEqual({ ok: false, error: 'malformed' });
  });

  it('never throws', ({ expect }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        expect(() => decodeWithdrawal(body)).not.toThrow();
      }),
    );
  });
});
