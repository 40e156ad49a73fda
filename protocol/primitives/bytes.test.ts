import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import {
  compareBytes,
  concatBytes,
  equalBytes,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  isAnyTwice,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from './bytes.ts';

const anyBytes = fc.uint8Array({ maxLength: 70 });

describe('bytes', () => {
  it('of a list: whether any are there twice, also among those that begin alike', ({ expect }) => {
    const alike = fc.uint8Array({ minLength: 0, maxLength: 6, max: 1 });
    fc.assert(
      fc.property(fc.array(alike, { maxLength: 8 }), (list) => {
        expect(isAnyTwice(list)).toBe(new Set(list.map((bytes) => bytes.join())).size < list.length);
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  // RFC 4648 §10
  const VECTORS: readonly [string, string][] = [
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg=='],
    ['fooba', 'Zm9vYmE='],
    ['foobar', 'Zm9vYmFy'],
  ];
  it.for(VECTORS)('base64 of "%s" (RFC 4648 §10)', ([text, encoded], { expect }) => {
    expect(toBase64(utf8(text))).toBe(encoded);
    expect(toBase64Url(utf8(text))).toBe(encoded.replace(/=+$/, ''));
    expect(fromUtf8(fromBase64(encoded))).toBe(text);
  });

  it('encodings agree with Node and come back', ({ expect }) => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const buffer = Buffer.from(bytes);
        expect(toHex(bytes)).toBe(buffer.toString('hex'));
        expect(toBase64(bytes)).toBe(buffer.toString('base64'));
        expect(toBase64Url(bytes)).toBe(buffer.toString('base64url'));
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
      }),
      { seed: 1 },
    );
  });

  it.for([
    ['odd hex', () => fromHex('abc')],
    ['a letter past f', () => fromHex('0g')],
    ['base64 without padding', () => fromBase64('Zg')],
    ['base64url with padding', () => fromBase64Url('Zg==')],
    ['plus in base64url', () => fromBase64Url('a+==')],
    ['one character left over', () => fromBase64Url('Zm9vY')],
    ['unused bits that are not zero', () => fromBase64Url('Zh')],
    ['white space', () => fromBase64('Zm9v Zg==')],
    ['broken UTF-8', () => fromUtf8(Uint8Array.of(0xc3, 0x28))],
  ] as const)('%s is refused', ([, decode], { expect }) => {
    expect(decode).toThrow(TypeError);
  });

  it('order is that of Buffer.compare, and equality is its zero', ({ expect }) => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
        expect(equalBytes(a, Uint8Array.from(a))).toBe(true);
        expect(concatBytes(a, b)).toEqual(Uint8Array.from(Buffer.concat([a, b])));
      }),
      { seed: 2 },
    );
  });
});
