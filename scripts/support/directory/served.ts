/** @module A directory as it is served at an address below which its objects lie. */
import { loadDirectory, type LoadOptions, MAX_OBJECT_BYTES } from '../../../protocol/directory/load.ts';
import type { ReadObject } from '../../../protocol/directory/tiles.ts';

const WITHIN_MS = 30_000;

/**
 * @param base address; a slash is put behind it where there is none
 * @returns the log's objects, fetched: nothing of them is verified
 * @throws Error when an answer is neither the object nor 404
 */
export function fetchDirectory(base: string, options: LoadOptions): Promise<ReadObject> {
  const prefix = base.endsWith('/') ? base : `${base}/`;
  return loadDirectory((path) => fetchObject(new URL(path, prefix)), options);
}

async function fetchObject(url: URL): Promise<Uint8Array | null> {
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(WITHIN_MS) });
  if (answer.status === 404) {
    await answer.body?.cancel();
    return null;
  }
  if (!answer.ok || answer.body === null) throw new Error(`${url.href}: answered with ${answer.status}`);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of answer.body) {
    size += part.length;
    if (size > MAX_OBJECT_BYTES) throw new Error(`${url.href}: is longer than ${MAX_OBJECT_BYTES} bytes`);
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}
