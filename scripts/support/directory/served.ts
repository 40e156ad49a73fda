/** @module A directory as it is served somewhere: a folder, or an address below which its objects lie. */
import { parseCheckpoint } from '../../../protocol/directory/checkpoint.ts';
import { MAX_DIRECTORY_SIZE } from '../../../protocol/directory/read.ts';
import { CHECKPOINT_PATH, pathsOf, type ReadObject } from '../../../protocol/directory/tiles.ts';
import { PROPOSED_PATH } from './folder.ts';

const WITHIN_MS = 30_000;
/** 256 statements of 32 KB. */
const MAX_OBJECT_BYTES = 256 * 32_768;

/**
 * @param base address; a slash is put behind it where there is none
 * @param proposed takes the checkpoint that waits for witnesses where there is one
 * @returns the log's objects, fetched: nothing of them is verified
 * @throws Error when an answer is neither the object nor 404
 */
export async function fetchDirectory(base: string, proposed = false): Promise<ReadObject> {
  const objects = new Map<string, Uint8Array>();
  const prefix = base.endsWith('/') ? base : `${base}/`;
  const names = proposed ? [PROPOSED_PATH, CHECKPOINT_PATH] : [CHECKPOINT_PATH];
  for (const name of names) await fetchInto(objects, prefix, name);
  const newest = names.map((name) => objects.get(name)).find((bytes) => bytes !== undefined);
  const size = parseCheckpoint(newest ?? new Uint8Array())?.size ?? 0;
  // Nothing was verified yet, so whoever serves it decides the number: it is bounded.
  if (size <= MAX_DIRECTORY_SIZE) for (const path of pathsOf(size)) await fetchInto(objects, prefix, path);
  return (path) => objects.get(path) ?? null;
}

async function fetchInto(objects: Map<string, Uint8Array>, prefix: string, path: string): Promise<void> {
  const url = new URL(path, prefix);
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(WITHIN_MS) });
  if (answer.status === 404) return answer.body?.cancel();
  if (!answer.ok || answer.body === null) throw new Error(`${url.href}: answered with ${answer.status}`);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of answer.body) {
    size += part.length;
    if (size > MAX_OBJECT_BYTES) throw new Error(`${url.href}: is longer than ${MAX_OBJECT_BYTES} bytes`);
    parts.push(part);
  }
  objects.set(path, new Uint8Array(Buffer.concat(parts)));
}
