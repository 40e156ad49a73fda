import { describe, it } from 'vitest';
import { fromHex, toHex, utf8 } from './bytes.ts';
import { crc32 } from '../export/crc32.ts';
import { hmacSha256, sha256 } from './hash.ts';

describe('hashes', () => {
  it('SHA-256 of "abc", in one part and in three (FIPS 180-4)', ({ expect }) => {
    const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(toHex(sha256(utf8('abc')))).toBe(expected);
    expect(toHex(sha256(utf8('a'), utf8(''), utf8('bc')))).toBe(expected);
  });

  it('HMAC-SHA-256 (RFC 4231 §4.2, §4.3)', ({ expect }) => {
    expect(toHex(hmacSha256(fromHex('0b'.repeat(20)), utf8('Hi '), utf8('There')))).toBe(
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    );
    expect(toHex(hmacSha256(utf8('Jefe'), utf8('what do ya want for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  it('CRC-32 of "123456789" is the check value, and every length is like bit by bit', ({ expect }) => {
    expect(crc32(utf8('123456789'))).toBe(0xcbf43926);
    const bytes = sha256(utf8('crc'));
    for (let length = 0; length <= bytes.length; length++) {
      expect(crc32(bytes.subarray(0, length))).toBe(bitwise(bytes.subarray(0, length)));
    }
  });
});

function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
