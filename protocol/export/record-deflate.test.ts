import { inflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { toHex } from '../primitives/bytes.ts';
import { inflateCapped } from './deflate.ts';
import { sha256 } from '../primitives/hash.ts';
import { codeLengths, codesOf } from './huffman.ts';
import { deflateBound, deflateRecords } from './record-deflate.ts';

function packed(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(deflateBound(data.length));
  return out.subarray(0, deflateRecords(data, out));
}

/** Both decoders: zlib's of the runtime, and the one our phone reads with. */
function unpacked(stream: Uint8Array, length: number): [Uint8Array, unknown] {
  const ours = inflateCapped(stream, length);
  return [new Uint8Array(inflateRawSync(stream)), typeof ours === 'string' ? ours : ours.data];
}

/** Deterministic bytes without a pattern. */
function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Records of `width` bytes, the first half the same in all, as keys in a file are. */
function records(count: number, width: number): Uint8Array {
  const bytes = noise(count * width, width);
  for (let i = 0; i < count; i++) bytes.set(bytes.subarray(0, width >> 1), i * width);
  return bytes;
}

describe('the encoder for records', () => {
  it.for([
    { name: 'nothing', data: new Uint8Array(0) },
    { name: 'one byte', data: Uint8Array.of(7) },
    { name: 'one byte over and over', data: new Uint8Array(200_000).fill(9) },
    { name: 'noise, which is stored', data: noise(200_000, 3) },
    { name: 'noise across the limit of a stored block', data: noise(65_536, 4) },
    { name: 'records of 34 bytes', data: records(30_000, 34) },
    { name: 'records of 128 bytes', data: records(3_000, 128) },
    {
      name: 'records that change their width',
      data: new Uint8Array([...records(900, 34), ...records(900, 33), ...records(50, 200)]),
    },
  ])('gives back $name', ({ data }, { expect }) => {
    const stream = packed(data);
    expect(stream.length).toBeLessThanOrEqual(deflateBound(data.length));
    const [zlib, ours] = unpacked(stream, data.length);
    expect(zlib).toEqual(data);
    expect(ours).toEqual(data);
  });

  it('gives back anything', ({ expect }) => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.record({ byte: fc.nat(255), n: fc.nat(600) }).map(({ byte, n }) => new Uint8Array(n).fill(byte)),
      fc.record({ part: fc.uint8Array({ minLength: 1, maxLength: 140 }), n: fc.nat(40) }).map(({ part, n }) => {
        const repeated = new Uint8Array(part.length * n);
        for (let i = 0; i < n; i++) repeated.set(part, i * part.length);
        return repeated;
      }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const data = new Uint8Array(pieces.flatMap((bytes) => [...bytes]));
        const [zlib, ours] = unpacked(packed(data), data.length);
        expect(zlib).toEqual(data);
        expect(ours).toEqual(data);
      }),
      { seed: 20_260_615, numRuns: 300 },
    );
  });

  it('makes half of records whose half is the same', ({ expect }) => {
    const data = records(30_000, 34);
    expect(packed(data).length / data.length).toBeLessThan(0.56);
  });

  it('writes the same bytes everywhere', ({ expect }) => {
    expect(toHex(sha256(packed(records(10_000, 34))))).toBe(
      '23d7c82149f804d6319aa1811e73d848c4360d99e959c69c711a6306a7079459',
    );
  });
});

describe('code lengths', () => {
  it('keep to the limit, fill the code space and are never worse for the commoner symbol', ({ expect }) => {
    const counts = fc.array(fc.oneof(fc.constant(0), fc.nat(40), fc.nat(60_000)), { minLength: 2, maxLength: 286 });
    fc.assert(
      fc.property(counts, fc.integer({ min: 9, max: 15 }), (values, limit) => {
        const lengths = codeLengths(Uint32Array.from(values), limit);
        const used = values.filter((count) => count > 0).length;
        const kraft = lengths.reduce((sum, length) => sum + (length > 0 ? 2 ** -length : 0), 0);
        expect(Math.max(...lengths)).toBeLessThanOrEqual(limit);
        expect(lengths.filter((length) => length > 0).length).toBe(used);
        expect(kraft).toBe(used === 0 ? 0 : used === 1 ? 0.5 : 1);
        for (let i = 1; i < values.length; i++) {
          if (values[i]! > values[i - 1]! && values[i - 1]! > 0)
            expect(lengths[i]).toBeLessThanOrEqual(lengths[i - 1]!);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('of counts like Fibonacci numbers would be longer than the limit', ({ expect }) => {
    const fibonacci = [1, 1];
    while (fibonacci.length < 25) fibonacci.push(fibonacci.at(-1)! + fibonacci.at(-2)!);
    const lengths = codeLengths(Uint32Array.from(fibonacci), 15);
    expect(Math.max(...lengths)).toBe(15);
    expect(lengths.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1);
  });

  it('of RFC 1951 §3.2.2 give its codes', ({ expect }) => {
    // ABCDEFGH with lengths 3, 3, 3, 3, 3, 2, 4, 4: 010 011 100 101 110 00 1110 1111, here with reversed bits.
    const codes = codesOf(Uint8Array.of(3, 3, 3, 3, 3, 2, 4, 4));
    expect([...codes]).toEqual([0b010, 0b110, 0b001, 0b101, 0b011, 0b00, 0b0111, 0b1111]);
  });
});
