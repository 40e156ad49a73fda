/**
 * @module Fetches what a reader of the directory needs, from wherever it lies: a bucket, an address, a folder. Nothing is verified here, so
 * what decides how much is fetched, the checkpoint's size, is bounded.
 */
import { parseCheckpoint } from './checkpoint.ts';
import { MAX_DIRECTORY_SIZE } from './read.ts';
import { bundlesOf, CHECKPOINT_PATH, pathsOf, PROPOSED_PATH, type ReadObject } from './tiles.ts';

/** 256 statements of 32 KB; whoever gets objects gets no more of one than this. */
export const MAX_OBJECT_BYTES = 256 * 32_768;

export interface LoadOptions {
  /** Tiles too, which a reader of all entries doesn't need. */
  readonly tiles?: boolean;
  /** For witnesses: the checkpoint that waits for them, where there is one. */
  readonly proposed?: boolean;
}

/**
 * @param get an object below the log's prefix, or null when it isn't there; an immutable one (any but the checkpoints) may come
 *   from a cache
 * @returns the log's objects, for `readDirectory`
 * @throws whatever `get` throws
 */
export async function loadDirectory(
  get: (path: string) => Promise<Uint8Array | null>,
  { tiles = false, proposed = false }: LoadOptions = {},
): Promise<ReadObject> {
  const objects = new Map<string, Uint8Array>();
  const load = async (path: string): Promise<Uint8Array | null> => {
    const bytes = await get(path);
    if (bytes !== null) objects.set(path, bytes);
    return bytes;
  };
  const newest = (proposed ? await load(PROPOSED_PATH) : null) ?? (await load(CHECKPOINT_PATH));
  const size = parseCheckpoint(newest ?? new Uint8Array())?.size ?? 0;
  // One after the other: a checkpoint can name hundreds, and a Worker has six connections at once.
  if (size <= MAX_DIRECTORY_SIZE) for (const path of tiles ? pathsOf(size) : bundlesOf(size)) await load(path);
  return (path) => objects.get(path) ?? null;
}
