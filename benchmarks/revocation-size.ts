/**
 * @module What taking keys back costs a phone that has them (docs/architecture.md §6, decision 043): bytes of the bodies of one more page and file, and of
 * a head that names them, beside the day cut again, which it need not fetch. Part of `npm run bench:size`.
 */
import { gzip } from 'pako';
import { splitEvenly } from '../domain/chunk-policy.ts';
import { ExportWriter, exportSignature, exportZip } from '../protocol/export/export-file.ts';
import { compareKeys } from '../protocol/export/tek-order.ts';
import { dateOfHour } from '../protocol/gaen/intervals.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import { countBucket, type ChunkEntry, type RevocationEntry } from '../protocol/index/manifest.ts';
import { toBase64Url, utf8 } from '../protocol/primitives/bytes.ts';
import { sha256 } from '../protocol/primitives/hash.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../protocol/signing.ts';
import { DATA_SET_HOUR, dataSet } from './keys.ts';

const MAX_KEYS_PER_FILE = 100_000;
/** Keys that one person has, of the smallest list that is published, of a practice, of a day at 2,000 cases. */
const REVOKED = [14, 140, 1_000, 28_000];
/** Entries of a page: one, one a day, two a day for as long as days are listed. */
const ENTRIES = [1, 14, 28];

const signer = signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8('export key of the benchmarks'))));

function zipOf(keys: readonly TemporaryExposureKey[], isRevoked: boolean): Uint8Array {
  const start = DATA_SET_HOUR * 3600;
  const header = { startTimestamp: start, endTimestamp: start + 3600, region: 'DE', keyId: '262', keyVersion: 'v1' };
  const writer = new ExportWriter(header, keys.length);
  for (const key of keys) {
    if (isRevoked) writer.addRevised({ ...key, reportType: REPORT_TYPE.REVOKED });
    else writer.add(key);
  }
  const bin = writer.finish();
  return exportZip(bin, exportSignature(header, bin, signer.der));
}

/** Bytes of all files of so many keys. */
function bytesOf(count: number, isRevoked: boolean): number {
  const keys = dataSet(count).toSorted(compareKeys);
  let [sum, at] = [0, 0];
  for (const size of splitEvenly(count, MAX_KEYS_PER_FILE)) {
    sum += zipOf(keys.slice(at, at + size), isRevoked).length;
    at += size;
  }
  return sum;
}

/** A page as a CDN compresses it: each entry of one file, of two days. */
function pageBytes(entries: number): number {
  const revocations: RevocationEntry[] = Array.from({ length: entries }, (_, i) => {
    const hour = DATA_SET_HOUR - 12 * (entries - 1 - i);
    const name = toBase64Url(sha256(utf8(`revocation ${i}`)));
    const chunk: ChunkEntry = { file: 1, of: 1, size: 2_000 + 7 * i, keys: countBucket(140), sha256: name };
    return { hour, days: [dateOfHour(hour - 48), dateOfHour(hour - 24)], chunks: [chunk] };
  });
  return gzip(utf8(JSON.stringify({ region: 'DE', revocations }))).length;
}

/** What a revocation costs, in bytes of bodies. */
export interface RevocationSizes {
  /** File of so many revoked keys, beside the files of a day that is cut again without them. */
  readonly files: readonly { readonly revoked: number; readonly bytes: number }[];
  /** Compressed page of so many entries. */
  readonly pages: readonly { readonly entries: number; readonly bytes: number }[];
  /** A day of {@link dayKeys} keys cut again. */
  readonly day: number;
  readonly dayKeys: number;
}

/** @returns measured sizes */
export function revocationSizes(): RevocationSizes {
  const dayKeys = 28_000;
  return {
    files: REVOKED.map((revoked) => ({ revoked, bytes: bytesOf(revoked, true) })),
    pages: ENTRIES.map((entries) => ({ entries, bytes: pageBytes(entries) })),
    day: bytesOf(dayKeys, false),
    dayKeys,
  };
}

/** @param sizes measured @returns the section of the report */
export function revocationTable({ files, pages, day, dayKeys }: RevocationSizes): string {
  const perKey = (count: number, bytes: number): string => (bytes / count).toFixed(2);
  const fileRows = files.map(
    ({ revoked, bytes }) =>
      `| ${revoked.toLocaleString('en')} | ${bytes.toLocaleString('en')} | ${perKey(revoked, bytes)} | ${((100 * bytes) / day).toFixed(1)} % |`,
  );
  const pageRows = pages.map(({ entries, bytes }) => `| ${entries} | ${bytes.toLocaleString('en')} |`);
  return `## What was taken back

Bodies that a phone fetches which has the day: a page that lists revocations (gzip, as a CDN does), and a signed file of \`revised_keys\` alone. The
day cut again has ${day.toLocaleString('en')} bytes at ${dayKeys.toLocaleString('en')} keys; only who hasn't got it fetches it, and then no revocation.

| keys revoked | bytes of the file | a key | of the day cut again |
| --- | --- | --- | --- |
${fileRows.join('\n')}

| hours in which something was taken back | bytes of the page |
| --- | --- |
${pageRows.join('\n')}
`;
}
