import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { zipByHand } from '../../test/support/zip-by-hand.ts';
import { concatBytes, toHex, utf8 } from '../primitives/bytes.ts';
import { deflate, inflateCapped } from './deflate.ts';
import { sha256 } from '../primitives/hash.ts';
import { readZip, writeZip } from './zip.ts';

const LIMITS = new Map([
  ['a.bin', 5000],
  ['b.sig', 100],
]);
const A = { name: 'a.bin', data: utf8('payload '.repeat(40)) };
const B = { name: 'b.sig', data: utf8('signature') };
const anyData = fc.oneof(
  fc.uint8Array({ maxLength: 5000 }),
  fc.string().map((text) => utf8(text.repeat(5)).slice(0, 5000)),
);

function kindOf(zip: Uint8Array): string {
  const read = readZip(zip, LIMITS);
  return read.ok ? 'ok' : read.error.kind;
}

describe('writeZip', () => {
  it('comes back through the strict reader, the same bytes each time', ({ expect }) => {
    fc.assert(
      fc.property(anyData, fc.uint8Array({ maxLength: 100 }), (a, b) => {
        const entries = [
          { name: 'a.bin', data: a },
          { name: 'b.sig', data: b },
        ];
        const zip = writeZip(entries);
        const read = readZip(zip, LIMITS);
        expect(read).toEqual({
          ok: true,
          value: new Map([
            ['a.bin', a],
            ['b.sig', b],
          ]),
        });
        expect(writeZip(entries)).toEqual(zip);
      }),
      { seed: 8 },
    );
  });

  it('is pinned to the byte: whoever changes pako or its options sees it here', ({ expect }) => {
    expect(toHex(sha256(writeZip([A, B])))).toBe('ad9e4bfe5ee5c5ccf65c4a0b5623004dcc28ca1e7fefd61b59a9655c86717ceb');
  });

  it('has the earliest DOS time, no flags and no extra fields', ({ expect }) => {
    const view = new DataView(writeZip([A]).buffer);
    expect(view.getUint16(6, true)).toBe(0);
    expect(view.getUint16(8, true)).toBe(8);
    expect(view.getUint16(10, true)).toBe(0);
    expect(view.getUint16(12, true)).toBe((0 << 9) | (1 << 5) | 1);
    expect(view.getUint16(28, true)).toBe(0);
  });
});

describe('deflate', () => {
  it('agrees with the platform in both directions', ({ expect }) => {
    fc.assert(
      fc.property(anyData, (data) => {
        expect(new Uint8Array(inflateRawSync(deflate(data)))).toEqual(data);
        const theirs = new Uint8Array(deflateRawSync(data));
        const trailing = concatBytes(theirs, utf8('next entry'));
        expect(inflateCapped(trailing, 5000)).toEqual({ data, used: theirs.length });
      }),
      { seed: 9 },
    );
  });

  it('stops a bomb at the cap: 50 MB of zeros in 50 KB', ({ expect }) => {
    const bomb = deflate(new Uint8Array(50_000_000));
    expect(bomb.length).toBeLessThan(60_000);
    expect(inflateCapped(bomb, 100_000)).toBe('too-large');
  });

  it('takes the cap exactly, and a cut stream not at all', ({ expect }) => {
    const packed = deflate(A.data);
    expect(inflateCapped(packed, A.data.length)).toEqual({ data: A.data, used: packed.length });
    expect(inflateCapped(packed, A.data.length - 1)).toBe('too-large');
    for (let n = 0; n < packed.length; n++) expect(inflateCapped(packed.subarray(0, n), 5000)).toBe('malformed');
  });
});

describe('readZip takes what phones take', () => {
  const cases: readonly [string, Uint8Array][] = [
    ['plain sizes', zipByHand([A, B])],
    [
      'data descriptors, as Google and CWA write them',
      zipByHand([
        { ...A, flags: 8 },
        { ...B, flags: 8 },
      ]),
    ],
    ['descriptors without signature', zipByHand([{ ...A, flags: 8, descriptorSignature: false }, B])],
    ['stored', zipByHand([{ ...A, method: 0 }, B])],
    ['an extra field', zipByHand([{ ...A, extra: Uint8Array.of(0x55, 0x54, 1, 0, 0) }, B])],
    ['a comment', zipByHand([A, B], { comment: 'hello' })],
    ['the other order', zipByHand([B, A])],
  ];
  it.for(cases)('%s', ([, zip], { expect }) => {
    expect(readZip(zip, LIMITS)).toEqual({
      ok: true,
      value: new Map([
        ['a.bin', A.data],
        ['b.sig', B.data],
      ]),
    });
  });
});

describe('readZip refuses', () => {
  const cases: readonly [string, Uint8Array, string][] = [
    ['a third entry', zipByHand([A, B, { name: 'content.sig', data: B.data }]), 'unexpected-entry'],
    ['a duplicate', zipByHand([A, A]), 'duplicate-entry'],
    ['a path component', zipByHand([{ ...A, name: '../a.bin' }]), 'unexpected-entry'],
    ['a folder in front', zipByHand([{ ...A, name: 'x/a.bin' }]), 'unexpected-entry'],
    ['a directory entry', zipByHand([{ name: 'x/', data: new Uint8Array() }, A]), 'unexpected-entry'],
    ['another case', zipByHand([{ ...A, name: 'A.bin' }]), 'unexpected-entry'],
    ['stored with its length behind', zipByHand([{ ...A, method: 0, flags: 8 }]), 'unsupported-entry'],
    ['another method', zipByHand([{ ...A, method: 12 }]), 'unsupported-entry'],
    ['encryption', zipByHand([{ ...A, flags: 1 }]), 'unsupported-entry'],
    ['a wrong checksum', zipByHand([{ ...A, crc: 1 }]), 'bad-checksum'],
    ['a wrong checksum behind the data', zipByHand([{ ...A, crc: 1, flags: 8 }]), 'bad-checksum'],
    ['a wrong size', zipByHand([{ ...A, size: 1 }]), 'malformed-zip'],
    ['too much', zipByHand([{ name: 'b.sig', data: new Uint8Array(101) }]), 'entry-too-large'],
    ['too much, stored', zipByHand([{ name: 'b.sig', data: new Uint8Array(101), method: 0 }]), 'entry-too-large'],
    ['a central directory of other names', zipByHand([{ ...A, centralName: 'b.sig' }]), 'malformed-zip'],
    ['another count', zipByHand([A], { count: 2 }), 'malformed-zip'],
    ['bytes after the end', concatBytes(zipByHand([A]), Uint8Array.of(0)), 'malformed-zip'],
    ['bytes before the start', concatBytes(Uint8Array.of(0), zipByHand([A])), 'malformed-zip'],
    ['nothing', new Uint8Array(), 'malformed-zip'],
  ];
  it.for(cases)('%s', ([, zip, kind], { expect }) => {
    expect(kindOf(zip)).toBe(kind);
  });

  it('each field of the central directory and of the end record that tells another story than the front', ({
    expect,
  }) => {
    const zip = writeZip([A, B]);
    const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
    const directory = view.getUint32(zip.length - 22 + 16, true);
    // APPNOTE §4.3.12: flags, method, checksum, both sizes, disk, offset; §4.3.16: disks, counts, length, place.
    const fields = [8, 10, 16, 20, 24, 34, 42].map((at) => directory + at);
    const end = [4, 6, 8, 10, 12, 16].map((at) => zip.length - 22 + at);
    for (const at of [...fields, ...end]) {
      const changed = Uint8Array.from(zip, (byte, i) => (i === at ? byte ^ 1 : byte));
      expect([at, kindOf(changed)]).toEqual([at, 'malformed-zip']);
    }
  });

  it('every cut and never throws', ({ expect }) => {
    const zip = writeZip([A, B]);
    for (let n = 0; n < zip.length; n++) expect(kindOf(zip.subarray(0, n))).not.toBe('ok');
  });

  it('any bytes, and any one byte changed, without throwing', ({ expect }) => {
    const zip = writeZip([A, B]);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(zip.length - 1),
        fc.integer({ min: 1, max: 255 }),
        (bytes, at, x) => {
          expect(kindOf(bytes)).not.toBe('ok');
          kindOf(concatBytes(Uint8Array.of(0x50, 0x4b, 3, 4), bytes));
          const changed = readZip(
            Uint8Array.from(zip, (byte, i) => (i === at ? byte ^ x : byte)),
            LIMITS,
          );
          // Times and versions may differ; content may not.
          if (changed.ok)
            expect(changed.value).toEqual(
              new Map([
                ['a.bin', A.data],
                ['b.sig', B.data],
              ]),
            );
        },
      ),
      { seed: 10, numRuns: 500 },
    );
  });
});
