/**
 * @module One signed export file from rows of private records, and how it is stored (docs/architecture.md §5.4, §5.7): the first time with a key that
 * signs, in a rebuild with the signature that was recorded. One file is in memory at a time.
 */
import { ExportWriter, exportZip, type ExportHeader } from '../../protocol/export/export-file.ts';
import { SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { chunkPath, compactPath } from '../../protocol/index/chunk-paths.ts';
import { countBucket, type ChunkEntry } from '../../protocol/index/manifest.ts';
import { writeCompact } from '../../protocol/compact/compact-writer.ts';
import { fromBase64Url, toBase64Url, toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { SealedFile } from '../event-log/entry.ts';
import { unpackKey } from './packed-keys.ts';
import type { RecordMerge } from './record-merge.ts';
import { regionKeysAfter, takenUpTo, type CwaSlice, type RecordBook, type SetRecord } from './record.ts';
import { wholeRecord, type RunSource } from './record-merge.ts';
import type { Workspace } from './workspace.ts';

/** What is replaced lives on for as long as a head may name it (docs/architecture.md §5.9). */
export const GRACE_SECONDS = 4 * SECONDS_PER_HOUR;

/** Headers of an object, and identity beyond its bytes. */
export interface ObjectMeta {
  readonly contentType: string;
  readonly cacheControl: string;
  /** Unix seconds at which no cache may hold it any more; null: it lives as long as its name. */
  readonly expires: number | null;
  /** Identity beyond the bytes, e.g. SHA-256 of export.bin. */
  readonly custom?: Readonly<Record<string, string>>;
}

/** A file that was made. */
export interface BuiltFile {
  /** Lies in memory that the next file is built in. */
  readonly zip: Uint8Array;
  /** @returns its compact form (docs/compact-chunk.md), while `zip` lies there; null where it has none */
  readonly compact: () => Uint8Array | null;
  /** SHA-256 of export.bin and export.sig, hex: the identity kept as object metadata (decision 001). */
  readonly identity: Readonly<Record<'bin' | 'sig', string>>;
  /** What the event log says of it; `sha256` is the chunk's name. */
  readonly sealed: SealedFile;
}

/** Rows of records that were published before, and are taken back now or get another report type: `revised_keys` of a file. */
export interface RevokedRows {
  /** Positioned at the first of them. */
  readonly merge: RecordMerge;
  /** How many the file takes. */
  readonly keys: number;
}

/**
 * @param workspace the file lies in it until the next one is built
 * @param header region, window and key of the file
 * @param merge positioned at the file's first key
 * @param keys the number of keys that the file takes
 * @param sign export.bin → export.sig
 * @param revoked rows that stand after the keys, as REVOKED or as what was said anew of them; null: none
 * @param onKey called with each key as it stands in the file; its bytes are only valid during the call
 * @returns the file; the same bytes for the same keys and header. `sealed.keys` counts `keys` alone
 * @throws Error when a merge has fewer keys
 */
export async function buildFile(
  workspace: Pick<Workspace, 'file' | 'packed'>,
  header: ExportHeader,
  merge: RecordMerge,
  keys: number,
  sign: (exportBin: Uint8Array) => Uint8Array,
  revoked: RevokedRows | null = null,
  onKey: (key: TemporaryExposureKey) => void = () => {},
): Promise<BuiltFile> {
  const writer = new ExportWriter(header, keys + (revoked?.keys ?? 0), workspace.file);
  await takeAll(header, merge, keys, (key) => {
    writer.add(key);
    onKey(key);
  });
  if (revoked !== null) {
    await takeAll(header, revoked.merge, revoked.keys, (key, { taken }) => {
      const ended = taken.kind === 'revised' ? key : { ...key, reportType: REPORT_TYPE.REVOKED };
      writer.addRevised(ended);
      onKey(ended);
    });
  }
  const bin = writer.finish();
  const sig = sign(bin);
  const zip = exportZip(bin, sig, workspace.packed);
  const { startTimestamp: start, endTimestamp: end, keyId, keyVersion, alsoSignedBy } = header;
  const name = toBase64Url(sha256(zip));
  return {
    zip,
    compact: () => writeCompact(bin, sig),
    identity: { bin: toHex(sha256(bin)), sig: toHex(sha256(sig)) },
    sealed: {
      start,
      end,
      keys,
      ...(revoked === null ? {} : { revoked: revoked.keys }),
      size: zip.length,
      sha256: name,
      keyId,
      keyVersion,
      ...(alsoSignedBy === undefined ? {} : { alsoSignedBy }),
      sig: toBase64Url(sig),
    },
  };
}

async function takeAll(
  header: ExportHeader,
  merge: RecordMerge,
  keys: number,
  visit: (key: TemporaryExposureKey, source: RunSource) => void,
): Promise<void> {
  const taken = await merge.take(keys, (rows, offset, source) => visit(unpackKey(rows, offset), source));
  if (taken !== keys) throw new Error(`${keys} keys expected in a file of ${header.region}, the records have ${taken}`);
}

/**
 * @param files of one hour or day
 * @param hour hours since the Unix epoch, null for a day
 * @returns the manifest's entries
 */
export function chunkEntries(files: readonly SealedFile[], hour: number | null): ChunkEntry[] {
  return files.map(({ size, keys, revoked = 0, sha256: name, sig }, index) => ({
    ...(hour === null ? {} : { hour }),
    file: index + 1,
    of: files.length,
    size,
    keys: countBucket(keys + revoked),
    sha256: name,
    ...(keys + revoked === 0 ? { empty: true as const } : {}),
    ...(hour === null ? { sig: toBase64Url(sha256(fromBase64Url(sig))) } : {}),
  }));
}

/**
 * @param sealed Unix seconds of the sealing instant: no wall clock enters, so a repeated put has the same headers
 * @param expires Unix seconds
 * @returns headers of a ZIP whose bytes never change
 */
export function immutableZip(file: BuiltFile, sealed: number, expires: number): ObjectMeta {
  const age = Math.max(0, expires - sealed);
  return {
    contentType: 'application/zip',
    cacheControl: `public, max-age=${age}, immutable`,
    expires,
    custom: file.identity,
  };
}

/**
 * @param sealed Unix seconds of the sealing instant
 * @param expires Unix seconds: when both die at the latest
 * @returns a file of the manifest as objects, in the order in which they are put: the ZIP, and its compact form with the ZIP's life (docs/compact-chunk.md). One that isn't smaller is left
 *   empty, and a phone loses a request: the name is there, as the head says, so that the patrol doesn't look for it hour after hour
 */
export function* chunkObjects(
  region: string,
  file: BuiltFile,
  sealed: number,
  expires: number,
): Generator<{ readonly name: string; readonly bytes: Uint8Array; readonly meta: ObjectMeta }> {
  const name = file.sealed.sha256;
  const meta = immutableZip(file, sealed, expires);
  yield { name: chunkPath(region, name), bytes: file.zip, meta };
  const compact = file.compact();
  const { cacheControl } = meta;
  yield {
    name: compactPath(region, name),
    bytes: compact !== null && compact.length < file.zip.length ? compact : new Uint8Array(),
    meta: { contentType: 'application/octet-stream', cacheControl, expires },
  };
}

/** @param expires Unix seconds @returns headers of CWA's day, which each cut replaces */
export function replacedZip(file: BuiltFile, expires: number): ObjectMeta {
  return { contentType: 'application/zip', cacheControl: 'public, max-age=300', expires, custom: file.identity };
}

/**
 * @param hour the hour to seal
 * @returns Unix seconds at which the hour's chunks are gone: its day is replaced at midnight, then the grace
 */
export function hourExpires(hour: number): number {
  return (Math.floor(hour / 24) + 1) * SECONDS_PER_DAY + GRACE_SECONDS;
}

/**
 * @param day whose chunks they are
 * @param cut midnight of the cut
 * @param records of the day's hours
 * @returns Unix seconds at which the cut's chunks are gone: the next key leaves, or the day, then the grace
 */
export function dayExpires(day: number, cut: number, records: readonly SetRecord[], retentionDays: number): number {
  const leaving = records.flatMap(({ parts }) => parts.map((part) => part.day)).filter((leaves) => leaves > cut);
  return Math.min(day + retentionDays + 1, ...leaving) * SECONDS_PER_DAY + GRACE_SECONDS;
}

type RecordOf = RecordBook['recordOf'];

/** @returns the rows that slices stand for, without those that leave at `cut` or earlier or were taken back up to the hour `through` */
export function sliceSources(
  recordOf: RecordOf,
  slices: readonly CwaSlice[],
  cut: number,
  through: number,
): RunSource[] {
  return slices.flatMap(({ hour, ranges }) => {
    const record = recordOf(hour);
    if (record === null) return [];
    if (ranges === null) return wholeRecord(record, cut, through);
    const taken = { kind: 'without', through } as const;
    return Object.entries(ranges)
      .map(([day, { from, to }]) => ({ record, day: Number(day), from, to, taken }))
      .filter(({ day }) => day > cut);
  });
}

/**
 * @returns keys of a region that slices stand for, without those that leave at `cut` or earlier or were taken back up to the hour `through`; null when rows of
 *   a part that was shown in ranges were taken back: then they have to be counted
 */
export function sliceKeys(
  recordOf: RecordOf,
  region: string,
  slices: readonly CwaSlice[],
  cut: number,
  through: number,
): number | null {
  const isTaken = ({ hour, ranges }: CwaSlice): boolean =>
    ranges !== null &&
    (recordOf(hour)?.parts ?? []).some((part) => part.day in ranges && takenUpTo(part, through).length > 0);
  if (slices.some(isTaken)) return null;
  return slices.reduce((sum, { hour, ranges }) => {
    const record = recordOf(hour);
    if (record === null) return sum;
    if (ranges === null) return sum + regionKeysAfter(record, region, cut, through);
    const kept = Object.entries(ranges).filter(([day]) => Number(day) > cut);
    return sum + kept.reduce((n, [, range]) => n + range.keys, 0);
  }, 0);
}
