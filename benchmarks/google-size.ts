/**
 * @module What Google's view costs a phone a day (docs/decisions/068), by how long a window is: bytes of the bodies of files and of `index.txt`, at 2,000 cases. Part of `npm run bench:size`.
 */
import { gzip } from 'pako';
import { ExportWriter, exportZip, signatureList, type KeyName } from '../protocol/export/export-file.ts';
import { compareKeys } from '../protocol/export/tek-order.ts';
import { SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../protocol/gaen/intervals.ts';
import { googleFilePath, googleIndexText, GOOGLE_WINDOW_HOURS } from '../protocol/index/google-index.ts';
import { utf8 } from '../protocol/primitives/bytes.ts';
import { sha256 } from '../protocol/primitives/hash.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../protocol/signing.ts';
import { DATA_SET_HOUR, dataSet } from './keys.ts';

/** Of a day at 2,000 cases. */
const DAY_KEYS = 28_000;
/** Windows that were weighed; the last is a day. */
const WINDOWS = [1, GOOGLE_WINDOW_HOURS, 24];
/** Clients ask so often a day. */
const POLLS = 6;
const DAYS = 14;

const signerOf = (name: string) =>
  signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8(`${name} of the benchmarks`)))).der;
const SIGNERS = [signerOf('export key'), signerOf('former key')];
const PRESENT: KeyName = { keyId: '262', keyVersion: 'v1' };

function zipBytes(keys: readonly number[], all: ReturnType<typeof dataSet>, also: readonly KeyName[]): number {
  const [from = 0, to = 0] = keys;
  const start = DATA_SET_HOUR * SECONDS_PER_HOUR;
  const header = { startTimestamp: start, endTimestamp: start + 14_400, region: 'DE', ...PRESENT, alsoSignedBy: also };
  const writer = new ExportWriter(header, to - from);
  for (const key of all.slice(from, to).toSorted(compareKeys)) writer.add(key);
  const bin = writer.finish();
  const signers = [PRESENT, ...also].map((name, n) => ({ name, signer: SIGNERS[n]! }));
  return exportZip(bin, signatureList(bin, signers)).length;
}

function filesOfADay(hours: number, also: readonly KeyName[] = []): number {
  const all = dataSet(DAY_KEYS);
  const files = 24 / hours;
  return Array.from({ length: files }, (_, n) =>
    zipBytes([Math.floor((n * DAY_KEYS) / files), Math.floor(((n + 1) * DAY_KEYS) / files)], all, also),
  ).reduce((sum, bytes) => sum + bytes, 0);
}

function listOf(hours: number): string {
  const first = Math.floor((DATA_SET_HOUR * SECONDS_PER_HOUR) / SECONDS_PER_DAY) * SECONDS_PER_DAY;
  const window = hours * SECONDS_PER_HOUR;
  const names = Array.from({ length: (DAYS * 24) / hours }, (_, n) => {
    return googleFilePath('DE', { start: first + n * window, end: first + (n + 1) * window, n: 1 });
  });
  return googleIndexText('DE', names);
}

/** Bytes of one length of window. */
interface WindowSizes {
  readonly hours: number;
  readonly files: number;
  readonly list: number;
  readonly listGzip: number;
  /** Of a day's files and of as many lists as a phone fetches, compressed: it asks by ETag, and a list changes with each window. */
  readonly day: number;
}

/** What Google's view costs. */
export interface GoogleSizes {
  readonly windows: readonly WindowSizes[];
  /** A day's files with a second signature, less those without. */
  readonly secondSignature: number;
}

/** @returns measured sizes */
export function googleSizes(): GoogleSizes {
  const windows = WINDOWS.map((hours): WindowSizes => {
    const [files, list] = [filesOfADay(hours), utf8(listOf(hours))];
    const listGzip = gzip(list).length;
    return { hours, files, list: list.length, listGzip, day: files + listGzip * Math.min(POLLS, 24 / hours) };
  });
  const also = [{ keyId: '262', keyVersion: 'v0' }];
  const own = windows.find(({ hours }) => hours === GOOGLE_WINDOW_HOURS)!.files;
  return { windows, secondSignature: filesOfADay(GOOGLE_WINDOW_HOURS, also) - own };
}

/** @param sizes measured @returns the section of the report */
export function googleTable({ windows, secondSignature }: GoogleSizes): string {
  const rows = windows.map(({ hours, files, list, listGzip, day }) => {
    const cells = [hours, 24 / hours, ...[files, list, listGzip, day].map((bytes) => bytes.toLocaleString('en'))];
    return `| ${cells.join(' | ')} |`;
  });
  return `## Google's view

Bodies that a phone fetches a day at ${DAY_KEYS.toLocaleString('en')} keys: each window's file once, and \`index.txt\` of ${DAYS} days (gzip, as a CDN does) whenever it has changed, ${POLLS} times at most. Windows
have ${GOOGLE_WINDOW_HOURS} hours (decision 068). A second signature while a key is replaced adds ${secondSignature} bytes a day.

| hours of a window | files a day | bytes of the files | index.txt | compressed | a phone and day |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
