/**
 * @module Compact chunks (docs/compact-chunk.md) beside ZIP, zstd and the least that a set can take: bytes a key, CPU to write and to read as a ratio to the ZIP's. Part of `npm run bench:size`.
 */
import { constants, zstdCompressSync } from 'node:zlib';
import { splitEvenly } from '../domain/chunk-policy.ts';
import { readCompact } from '../protocol/compact/compact-reader.ts';
import { writeCompact } from '../protocol/compact/compact-writer.ts';
import { exportSignature, exportZip, ExportWriter } from '../protocol/export/export-file.ts';
import { compareKeys } from '../protocol/export/tek-order.ts';
import { readZip } from '../protocol/export/zip.ts';
import { SECONDS_PER_HOUR } from '../protocol/gaen/intervals.ts';
import { utf8 } from '../protocol/primitives/bytes.ts';
import { sha256 } from '../protocol/primitives/hash.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../protocol/signing.ts';
import { DATA_SET_HOUR, dataSet } from './keys.ts';

const COUNTS = [140, 1_176, 28_000, 1_000_000];
const MAX_KEYS_PER_FILE = 100_000;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 19 } };
const REPETITIONS = 7;
const { der: SIGNER } = signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8('export key of the benchmarks'))));
const ENTRIES = new Map([
  ['export.bin', 32_000_000],
  ['export.sig', 65_536],
]);

/** One number of keys. */
export interface CompactSize {
  readonly keys: number;
  /** Bytes a key. */
  readonly zip: number;
  readonly zstd: number;
  readonly compact: number;
  /** CPU of the compact form in that of the ZIP. */
  readonly write: number;
  readonly read: number;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const millisecondsOf = (work: () => unknown): number => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

/** Median of ratios of one and the other, by turns. */
function ratioOf(one: () => unknown, other: () => unknown): number {
  one();
  other();
  return median(Array.from({ length: REPETITIONS }, () => millisecondsOf(one) / Math.max(millisecondsOf(other), 0.01)));
}

const many = (work: () => unknown, bytes: number) => (): void => {
  for (let done = 0; done < 4_000_000; done += bytes + 1_000) work();
};

function measured(count: number): CompactSize {
  const all = dataSet(count).toSorted(compareKeys);
  const start = DATA_SET_HOUR * SECONDS_PER_HOUR;
  const header = { startTimestamp: start, endTimestamp: start + 3600, region: 'DE', keyId: '262', keyVersion: 'v1' };
  const sum = { zip: 0, zstd: 0, compact: 0 };
  let at = 0;
  let last: { bin: Uint8Array; sig: Uint8Array; zip: Uint8Array; compact: Uint8Array } | null = null;
  for (const size of splitEvenly(count, MAX_KEYS_PER_FILE)) {
    const writer = new ExportWriter(header, size);
    for (const key of all.slice(at, at + size)) writer.add(key);
    at += size;
    const bin = writer.finish();
    const sig = exportSignature(header, bin, SIGNER);
    const zip = exportZip(bin, sig);
    const compact = writeCompact(bin, sig);
    if (compact === null) throw new Error('a file of the data set has a compact form');
    sum.zip += zip.length;
    sum.zstd += zstdCompressSync(bin, ZSTD).length + sig.length;
    sum.compact += compact.length;
    last = { bin, sig, zip, compact };
  }
  const { bin, sig, zip, compact } = last!;
  const write = ratioOf(
    many(() => writeCompact(bin, sig), bin.length),
    many(() => exportZip(bin, sig), bin.length),
  );
  const read = ratioOf(
    many(() => readCompact(compact), bin.length),
    many(() => readZip(zip, ENTRIES), bin.length),
  );
  return { keys: count, zip: sum.zip / count, zstd: sum.zstd / count, compact: sum.compact / count, write, read };
}

/** @returns what was measured of each number of keys */
export const compactSizes = (): CompactSize[] => COUNTS.map((count) => measured(count));

/** @param sizes measured @param floors of the set, bytes a key, by number of keys @returns a section of the report */
export function compactTable(sizes: readonly CompactSize[], floors: ReadonlyMap<number, number>): string {
  const rows = sizes.map(({ keys, zip, zstd, compact, write, read }) => {
    const less = `${(100 * (1 - compact / zip)).toFixed(1)} %`;
    const bytes = [zip, zstd, compact].map((value) => value.toFixed(2));
    const cpu = [write, read].map((value) => value.toFixed(2));
    const cells = [keys.toLocaleString('en'), ...bytes, floors.get(keys)?.toFixed(2) ?? '', less, ...cpu];
    return `| ${cells.join(' | ')} |`;
  });
  return `## Compact form

Beside each ZIP of the manifest (docs/compact-chunk.md); bytes a key, signature included. zstd is level 19 over export.bin. CPU is that of the compact form in the ZIP's, median of ${REPETITIONS} by turns. Reading allocates
export.bin once, after its length is known and paid for, and nothing else that grows.

| keys | ZIP | zstd | compact | floor of the set | less than the ZIP | CPU to write | CPU to read |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
