/**
 * @module The directory as a desk reads it (docs/directory.md): at each poll, so that what was revoked counts no more from the next one on. The newest head that held is the desk's to keep: a directory that was rolled back
 * or forked is refused after a restart too.
 */
import type { DirectoryEntry } from '../../protocol/directory/entry.ts';
import { loadDirectory, MAX_OBJECT_BYTES } from '../../protocol/directory/load.ts';
import type { Head } from '../../protocol/directory/merkle.ts';
import type { DirectoryPolicy } from '../../protocol/directory/policy.ts';
import { readDirectory } from '../../protocol/directory/read.ts';
import { fromHex, toHex } from '../../protocol/primitives/bytes.ts';
import type { DeskStore } from './desk-store.ts';

/** @param now Unix seconds @returns the region's entry, or null: none, or the directory can't be relied on */
export async function directoryEntry(
  store: DeskStore,
  bucket: Pick<R2Bucket, 'get'>,
  policy: DirectoryPolicy,
  region: string,
  now: number,
): Promise<DirectoryEntry | null> {
  const read = await loadDirectory(async (path) => {
    const object = await bucket.get(path);
    if (object === null) return null;
    if (object.size <= MAX_OBJECT_BYTES) return new Uint8Array(await object.arrayBuffer());
    await object.body.cancel();
    return null;
  });
  const kept = store.get('directory');
  const seen: Head | null = kept === null ? null : { size: kept.size, root: fromHex(kept.root) };
  const { head, entries } = readDirectory({ read, policy, now, seen });
  if (head === null) {
    store.count('alert_directory_refused');
    return null;
  }
  store.put('directory', { size: head.size, root: toHex(head.root) });
  return entries.find(({ regionId, validUntil }) => regionId === region && validUntil > now) ?? null;
}
