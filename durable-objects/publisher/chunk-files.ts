/**
 * @module Export files of private records, signed and put into the public bucket (docs/architecture.md §5.4, §5.7).
 */
import { signatureList } from '../../protocol/export/export-file.ts';
import type { SealedFile } from '../../domain/event-log/entry.ts';
import {
  buildFile,
  chunkEntries,
  chunkObjects,
  type BuiltFile,
  type RevokedRows,
} from '../../domain/publication/built-file.ts';
import { RecordMerge, type MergePorts, type RunSource } from '../../domain/publication/record-merge.ts';
import { type ChunkEntry } from '../../protocol/index/manifest.ts';
import { splitEvenly } from '../../domain/chunk-policy.ts';
import type { BucketPort } from './bucket.ts';
import { putOwn } from './own-objects.ts';
import type { Publication } from './publication.ts';

/** The window of a file, Unix seconds; phones tell files apart by it (docs/spec/gaen.md §4.4). */
interface Window {
  readonly start: number;
  readonly end: number;
}

/** @returns with what private records are read */
export function mergePorts(p: Publication): MergePorts {
  return {
    read: (...call: Parameters<BucketPort['getInto']>) => p.privateBucket.getInto(...call),
    unionRegion: p.config.unionRegion,
    retentionDays: p.config.policy.retentionDays,
    readWhole: (name: string) => p.privateBucket.get(name),
    workspace: p.workspace,
  };
}

/** @returns a merge over the rows that one region publishes */
export function mergeOf(p: Publication, region: string, sources: readonly RunSource[]): RecordMerge {
  return new RecordMerge(mergePorts(p), region, sources);
}

/** Which keys sign: all that are valid, or the present one alone, for apps that take no second signature (docs/decisions/068). */
type Signatures = 'all' | 'one';

/** A file that is to be signed. */
export interface FileSpan {
  readonly region: string;
  readonly window: Window;
  readonly signatures: Signatures;
  /** Unix seconds of the sealing instant, which decides whether the former key signs: no wall clock, so a repeated step gives the same bytes. */
  readonly sealed: number;
}

/**
 * @param merge positioned at the file's first key
 * @param keys the number of keys that the file takes
 * @param revoked rows that stand after the keys, as REVOKED; null: none
 * @returns the file
 * @throws Error when the merge has fewer keys
 */
export async function signFile(
  p: Publication,
  { region, window, signatures, sealed }: FileSpan,
  merge: RecordMerge,
  keys: number,
  revoked: RevokedRows | null = null,
): Promise<BuiltFile> {
  const { exportKeyId: keyId, exportKeyVersion: keyVersion, exportSigner } = p.config;
  const former = signatures === 'all' && signsStill(p, sealed) ? p.config.formerKey : null;
  const also = former === null ? {} : { alsoSignedBy: [former.name] };
  const header = { startTimestamp: window.start, endTimestamp: window.end, region, keyId, keyVersion, ...also };
  const signers = [{ name: { keyId, keyVersion }, signer: exportSigner }, ...(former === null ? [] : [former])];
  return buildFile(p.workspace, header, merge, keys, (bin) => signatureList(bin, signers), revoked);
}

/** @param sealed Unix seconds @returns whether the former key signs what is sealed then */
export function signsStill({ config: { formerKey } }: Publication, sealed: number): boolean {
  return formerKey !== null && sealed < formerKey.until;
}

/**
 * Puts a file of the manifest, then its compact form (docs/compact-chunk.md). A crash between them leaves a ZIP that no head names yet: the step is repeated.
 *
 * @param sealed Unix seconds of the sealing instant
 * @param expires Unix seconds: when both die at the latest
 */
export async function putChunk(
  p: Publication,
  region: string,
  file: BuiltFile,
  sealed: number,
  expires: number,
): Promise<void> {
  for (const { name, bytes, meta } of chunkObjects(region, file, sealed, expires)) {
    p.store.noteObject(name, region);
    await putOwn(p.own, name, bytes, meta);
    // Phones take the ZIP where there is nothing else.
    if (bytes.length === 0) p.store.count('alert_no_compact_form');
  }
}

/** What distinguishes the files of one hour or day. */
export interface ChunkSpan {
  readonly region: string;
  readonly window: Window;
  /** Hours since the Unix epoch for an hour's chunk, null for a day's. */
  readonly hour: number | null;
  /** Added to the number in `end_timestamp` when there is more than one file. */
  readonly endOffset: number;
  /** Unix seconds of the sealing instant: the hour's end, or the midnight of the cut. */
  readonly sealed: number;
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
  const merge = mergeOf(p, span.region, sources);
  const sizes = splitEvenly(keys, p.config.policy.maxKeysPerFile);
  const files: SealedFile[] = [];
  for (const [index, size] of sizes.entries()) {
    const n = index + 1;
    // Android takes two files with the same start, end and batch for one: n seconds tell them apart (docs/spec/gaen.md §4.4).
    const end = span.window.end + (sizes.length > 1 ? span.endOffset + n : 0);
    const own = { region: span.region, window: { start: span.window.start, end }, sealed: span.sealed };
    const file = await signFile(p, { ...own, signatures: 'all' }, merge, size);
    await putChunk(p, span.region, file, span.window.end, span.expires);
    files.push(file.sealed);
    await onFile?.(file, sizes.length);
  }
  merge.close();
  return { chunks: chunkEntries(files, span.hour), files };
}
