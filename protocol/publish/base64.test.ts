import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { toBase64, toBase64Url } from '../primitives/bytes.ts';
import { decodeAnyBase64 } from './base64.ts';

describe('base64 of a phone', () => {
  it('is read in both alphabets, padded or not', ({ expect }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const padded = toBase64(bytes);
        const safe = toBase64Url(bytes);
        const safePadded = safe.padEnd(padded.length, '=');
        for (const text of [padded, padded.replace(/=+$/, ''), safe, safePadded]) {
          expect(decodeAnyBase64(text), text).toEqual(bytes);
        }
      }),
      { seed: 1 },
    );
  });

  it('may have ends of lines, which count for nothing', ({ expect }) => {
    const bytes = new Uint8Array(64).fill(0xfb);
    const lines = `${toBase64(bytes).replace(/.{76}/, '$&\n')}\n`;
    for (const text of [lines, lines.replaceAll('\n', '\r\n'), `${toBase64Url(bytes)}\n`]) {
      expect(decodeAnyBase64(text), text).toEqual(bytes);
    }
  });

  it.for<[name: string, text: string]>([
    ['both alphabets in one', '+-AA'],
    ['one digit', 'A'],
    ['one digit too many', 'AAAAA'],
    ['padding in the middle', 'AA==AAAA'],
    ['padding cut off', 'AA='],
    ['padding of nothing', '='],
    ['four of padding', '===='],
    ['three of padding', 'A==='],
    ['bits that belong to no byte', 'AB=='],
    ['the same, not padded', 'AB'],
    ['white space', 'AA AA'],
    ['a tab', 'AAAA\t'],
    ['another character', 'AA.A'],
  ])('is refused: %s', ([, text], { expect }) => {
    expect(decodeAnyBase64(text)).toBeNull();
  });
});
