/**
 * @module A chunk by its compact form (docs/compact-chunk.md §1): a tenth less to fetch, and the same keys. Whatever is wrong with it, the phone takes the ZIP, which the manifest names by its hash.
 */
import { readCompact } from '../../protocol/compact/compact-reader.ts';
import type { ExportFile, ExportFiles } from '../../protocol/export/export-reader.ts';
import { SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { compactPath } from '../../protocol/index/chunk-paths.ts';
import { type ChunkEntry } from '../../protocol/index/manifest.ts';
import { type DownloadError, endsRun, type FileCheck, hasName, type Transfer } from './download.ts';

/** The file was handed on; the ZIP is to be fetched; or no file can be: there is no network. */
export type CompactOutcome = 'taken' | 'take-zip' | DownloadError;

/**
 * Fetches, verifies and hands on.
 *
 * @param chunk listed by a head that offers compact forms
 * @param check what must hold of the file besides
 * @param before called once the file is there
 * @throws whatever `onFile` or `before` throws
 */
export async function takeCompact(
  transfer: Transfer,
  region: string,
  chunk: ChunkEntry,
  check: FileCheck,
  before: () => Promise<void>,
): Promise<CompactOutcome> {
  // Without either, a file of another cut could stand in its place.
  if (chunk.sig === undefined && chunk.hour === undefined) return 'take-zip';
  const path = compactPath(region, chunk.sha256);
  // None that is larger than its ZIP is worth a byte.
  const answer = await transfer.get(path, chunk.size);
  if (!answer.ok) return endsRun(answer.error) ? answer.error : 'take-zip';
  const files = readCompact(answer.value.bytes ?? new Uint8Array());
  if (!files.ok || !isNamed(chunk, files.value)) return 'take-zip';
  await before();
  const error = await transfer.acceptFiles(path, files.value, (from, file) =>
    isOfChunk(region, chunk, file) ? check(from, file) : { kind: 'digest', path },
  );
  return error === null ? 'taken' : 'take-zip';
}

const isNamed = ({ sig }: ChunkEntry, { exportSig }: ExportFiles): boolean =>
  sig === undefined || hasName(exportSig, sig);

/** An hour's window is signed once; its files are told apart by seconds of its end (docs/spec/gaen.md §4.4). */
function isOfChunk(region: string, { hour, file, of, sig }: ChunkEntry, { header }: ExportFile): boolean {
  if (header.region !== region) return false;
  if (sig !== undefined || hour === undefined) return sig !== undefined;
  const start = hour * SECONDS_PER_HOUR;
  const end = start + SECONDS_PER_HOUR + (of > 1 ? file : 0);
  return header.startTimestamp === start && header.endTimestamp === end;
}
