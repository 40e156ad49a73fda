/** @module Compact chunks: what is made of an export, what is made of it again, and what any other bytes are. */
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { expandByHand } from '../../test/support/compact-by-hand.ts';
import { anyHeader, anyKey } from '../../test/support/protocol-arbitraries.ts';
import { ExportWriter, exportZip } from '../export/export-file.ts';
import { compareKeys } from '../export/tek-order.ts';
import type { TemporaryExposureKey } from '../gaen/keys.ts';
import { concatBytes, utf8 } from '../primitives/bytes.ts';
import { hmacSha256 } from '../primitives/hash.ts';
import { readCompact } from './compact-reader.ts';
import { COMPACT_MAGIC, writeCompact } from './compact-writer.ts';

const HEADER = { startTimestamp: 1000, endTimestamp: 2000, region: 'DE', keyId: '262', keyVersion: 'v1' };
const SIG = utf8('whatever export.sig holds');

function binOf(
  keys: readonly TemporaryExposureKey[],
  revised: readonly TemporaryExposureKey[] = [],
  header = HEADER,
): Uint8Array {
  const writer = new ExportWriter(header, keys.length + revised.length);
  for (const key of keys) writer.add(key);
  for (const key of revised) writer.addRevised(key);
  return writer.finish();
}

/** Keys of a few days and levels, as an hour has them: the same each time. */
function hourOfKeys(count: number): TemporaryExposureKey[] {
  return Array.from({ length: count }, (_, n) => {
    const random = hmacSha256(utf8('keys'), utf8(String(n)));
    return {
      keyData: random.slice(0, 16),
      transmissionRiskLevel: 3 + (random[16]! % 6),
      rollingStartIntervalNumber: 2_939_904 + 144 * (random[17]! % 14),
      rollingPeriod: 144,
      reportType: 1 as const,
      daysSinceOnsetOfSymptoms: random[18]! % 3,
    };
  }).toSorted(compareKeys);
}

const compact = (bin: Uint8Array): Uint8Array => {
  const written = writeCompact(bin, SIG);
  if (written === null) throw new Error('no compact form');
  return written;
};

describe('a compact chunk', () => {
  it('makes export.bin and export.sig again, byte for byte, by either reader: any header, any keys', ({ expect }) => {
    const some = fc.array(anyKey, { maxLength: 40 }).map((keys) => keys.toSorted(compareKeys));
    fc.assert(
      fc.property(anyHeader, some, some, (header, keys, revised) => {
        const bin = binOf(keys, revised, header);
        const written = compact(bin);
        const both = { exportBin: bin.slice(), exportSig: SIG };
        expect(readCompact(written)).toEqual({ ok: true, value: both });
        expect(expandByHand(written)).toEqual(both);
      }),
      { numRuns: 60 },
    );
  });

  it.for([0, 1, 2, 3, 140, 700])('of %i keys of an hour is the smaller one, and whole', (count, { expect }) => {
    const bin = binOf(hourOfKeys(count));
    const written = compact(bin);
    expect(readCompact(written)).toEqual({ ok: true, value: { exportBin: bin.slice(), exportSig: SIG } });
    expect(expandByHand(written).exportBin).toEqual(bin.slice());
    expect(written.length).toBeLessThan(exportZip(bin, SIG).length);
  });

  it('is a function of the set: the same bytes for the same file', ({ expect }) => {
    const bin = binOf(hourOfKeys(140));
    expect(compact(bin)).toEqual(compact(bin.slice()));
  });

  it.for([
    { name: 'keys in another order', bin: binOf(hourOfKeys(20).toReversed()) },
    { name: 'bytes behind the last key', bin: concatBytes(binOf(hourOfKeys(2)), Uint8Array.of(0)) },
    { name: 'a field left out', bin: binOf(hourOfKeys(2)).subarray(0, -2) },
    {
      name: 'keys of which each has a start and an onset of its own: a table of all with all',
      bin: binOf(
        Array.from({ length: 64 }, (_, n) => ({
          ...hourOfKeys(1)[0]!,
          rollingStartIntervalNumber: 2_939_904 + n,
          daysSinceOnsetOfSymptoms: (n % 29) - 14,
          rollingPeriod: 1 + n,
        })),
      ),
    },
    { name: 'no export at all', bin: utf8('EK Export v2    ') },
  ])('isn’t made of $name', ({ bin }, { expect }) => {
    expect(writeCompact(bin, SIG)).toBeNull();
  });
});

describe('what a phone is sent in place of one', () => {
  const whole = compact(binOf(hourOfKeys(60), hourOfKeys(3)));

  it('is refused wherever it is cut off, or goes on', ({ expect }) => {
    for (let length = 0; length < whole.length; length++) expect(readCompact(whole.subarray(0, length)).ok).toBe(false);
    expect(readCompact(concatBytes(whole, Uint8Array.of(0))).ok).toBe(false);
  });

  it('never throws, and is never taken for the file that it was, with any byte changed', ({ expect }) => {
    const { exportBin } = expandByHand(whole);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = whole.slice();
        bytes[at]! ^= change;
        const read = readCompact(bytes);
        const isSame = read.ok && read.value.exportBin.every((byte, n) => byte === exportBin[n]);
        // A byte of the signature makes the same export.bin, which then isn't signed.
        expect(isSame && read.ok && read.value.exportSig.every((byte, n) => byte === SIG[n])).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('never throws: any bytes behind the magic', ({ expect }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const read = readCompact(concatBytes(COMPACT_MAGIC, bytes));
        expect(read.ok ? read.value.exportBin.length : 0).toBeLessThan(3 * bytes.length + 100);
      }),
      { numRuns: 500 },
    );
  });

  it.for([
    { name: 'a count that no bytes stand behind', table: [1, 144, 5, 1, 2, 1, 0, 0xaf, 0xe3, 0x2d], rule: 'tails' },
    { name: 'more keys than an export may have', table: [1, 144, 5, 1, 2, 1, 0, 0xf0, 0xe3, 0x2d], rule: '750000' },
    { name: 'more columns than bytes', table: [0xff, 0xff, 0xff, 0x7f], rule: 'columns' },
    { name: 'more rows than bytes', table: [0, 0xff, 0xff, 0xff, 0x7f], rule: 'rows' },
    { name: 'a period of 145', table: [1, 145, 5, 1, 2, 1, 0, 1], rule: 'columns' },
    { name: 'a number in more bytes than it needs', table: [0x80, 0x00], rule: 'columns' },
    // A column takes sixteen times its four bytes, a cell fifty times its one.
    { name: 'columns that no keys stand behind', table: [5, 144, 5, 1, 2, 144, 5, 1, 3], rule: 'columns' },
    {
      name: 'cells that no keys stand behind',
      table: [1, 144, 5, 1, 2, 9, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x7f],
      rule: 'tails',
    },
  ])('allocates nothing for $name', ({ table, rule }, { expect }) => {
    const bytes = concatBytes(COMPACT_MAGIC, Uint8Array.of(0, 0, ...table), new Uint8Array(24));
    expect(readCompact(bytes)).toMatchObject({ ok: false, error: { rule: expect.stringContaining(rule) } });
  });
});
