/**
 * @module One signed export file from rows of private records, and how it is stored (docs/architecture.md §5.4, §5.7).
 * One file is in memory at a time: export.bin in one buffer, its ZIP, and small windows of the records.
 */
import { toBase64Url, toHex } from '../../protocol/primitives/bytes.ts';
import { ExportWriter, exportSignature, exportZip, type ExportHeader } from '../../protocol/export/export-file.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import type { SealedFile } from '../../domain/event-log/entry.ts';
import { chunkPath, countBucket, type ChunkEntry } from '../../protocol/index/manifest.ts';
import { splitEvenly } from '../../domain/chunk-policy.ts';
import { unpackKey } from '../packed-keys.ts';
import type { ObjectMeta } from './bucket.ts';
import { putOwn } from './own-objects.ts';
import type { Publication } from './publication.ts';
import { RecordMerge, type RowVisitor, type RunSource } from './record-reader.ts';

/** What is replaced lives on for as long as a head may name it (docs/architecture.md §5.9). */
export const GRACE_SECONDS = 4 * SECONDS_PER_HOUR;

export interface BuiltFile {
  /** Lies in memory that the next file is built in. */
  readonly zip: Uint8Array;
  /** base64url(SHA-256(zip)): the chunk's name. */
  readonly name: string;
  readonly keys: number;
  /** SHA-256 of export.bin and export.sig, hex: the identity kept as object metadata (decision 001). */
  readonly identity: Readonly<Record<'bin' | 'sig', string>>;
  /** What the event log says of it. */
  readonly sealed: SealedFile;
}

/** The window of a file, Unix seconds; phones tell files apart by it (docs/spec/gaen.md §4.4). */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/**
 * @param merge positioned at the file's first key
 * @param keys the number of keys that the file takes
 * @returns the file; the same bytes for the same keys and window
 * @throws Error when the merge has fewer keys
 */
export async function buildFile(
  p: Publication,
  region: string,
  window: Window,
  merge: RecordMerge,
  keys: number,
  visit?: RowVisitor,
): Promise<BuiltFile> {
  const header: ExportHeader = {
    startTimestamp: window.start,
    endTimestamp: window.end,
    region,
    keyId: p.config.exportKeyId,
    keyVersion: p.config.exportKeyVersion,
  };
  const writer = new ExportWriter(header, keys, p.workspace.file);
  const taken = await merge.take(keys, (rows, offset, source, at) => {
    writer.add(unpackKey(rows, offset));
    visit?.(rows, offset, source, at);
  });
  if (taken !== keys) throw new Error(`${keys} keys expected in a file of ${region}, the records have ${taken}`);
  const bin = writer.finish();
  const sig = exportSignature(header, bin, p.config.exportSigner);
  const identity = { bin: toHex(sha256(bin)), sig: toHex(sha256(sig)) };
  const zip = exportZip(bin, sig, p.workspace.packed);
  const name = toBase64Url(sha256(zip));
  const { keyId, keyVersion } = header;
  const { start, end } = window;
  const sealed = { start, end, keys, size: zip.length, sha256: name, keyId, keyVersion, sig: toBase64Url(sig) };
  return { zip, name, keys, identity, sealed };
}

/** What distinguishes the files of one hour or day. */
export interface ChunkSpan {
  readonly region: string;
  readonly window: Window;
  /** Hours since the Unix epoch for an hour's chunk, null for a day's. */
  readonly hour: number | null;
  /** Added to the number in `end_timestamp` when there is more than one file. */
  readonly endOffset: number;
  /** Unix seconds: when the object dies at the latest. */
  readonly expires: number;
}

/** The manifest's files of one hour or day. */
export interface WrittenChunks {
  readonly chunks: readonly ChunkEntry[];
  readonly files: readonly SealedFile[];
}

/**
 * Writes the manifest's files of one hour or day, one after the other.
 *
 * @param keys of the region in `sources`
 * @param onFile called with each file while it is in memory
 * @returns the manifest's entries, and what the event log says
 */
export async function writeChunks(
  p: Publication,
  span: ChunkSpan,
  sources: readonly RunSource[],
  keys: number,
  onFile?: (file: BuiltFile, of: number) => Promise<void>,
): Promise<WrittenChunks> {
  const merge = new RecordMerge(p, span.region, sources);
  const sizes = splitEvenly(keys, p.config.policy.maxKeysPerFile);
  const chunks: ChunkEntry[] = [];
  const files: SealedFile[] = [];
  for (const [index, size] of sizes.entries()) {
    const n = index + 1;
    // Android takes two files with the same start, end and batch for one: n seconds tell them apart (docs/spec/gaen.md §4.4).
    const end = span.window.end + (sizes.length > 1 ? span.endOffset + n : 0);
    const file = await buildFile(p, span.region, { start: span.window.start, end }, merge, size);
    const key = chunkPath(span.region, file.name);
    p.store.noteObject(key, span.region);
    await putOwn(p.own, key, file.zip, immutableZip(file, span.window.end, span.expires));
    files.push(file.sealed);
    chunks.push({
      ...(span.hour === null ? {} : { hour: span.hour }),
      file: n,
      of: sizes.length,
      size: file.zip.length,
      keys: countBucket(size),
      sha256: file.name,
      ...(size === 0 ? { empty: true as const } : {}),
    });
    await onFile?.(file, sizes.length);
  }
  merge.close();
  return { chunks, files };
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
 * @param hour the hour to seal
 * @returns Unix seconds at which the hour's chunks are gone: its day is replaced at midnight, then the grace
 */
export function hourExpires(hour: number): number {
  return (Math.floor(hour / 24) + 1) * SECONDS_PER_DAY + GRACE_SECONDS;
}
