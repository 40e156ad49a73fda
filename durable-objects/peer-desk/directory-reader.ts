/**
 * @module The directory as a desk reads it (docs/directory.md): at each poll, so that what was revoked counts no more from the next one on. The newest head that held is the desk's to keep: a directory that was rolled back
 * or forked is refused after a restart too.
 */
import { loadDirectory, MAX_OBJECT_BYTES } from '../../protocol/directory/load.ts';
import type { DirectoryPolicy } from '../../protocol/directory/policy.ts';
import { readDirectory } from '../../protocol/directory/read.ts';
import type { OpenStatement } from '../../protocol/directory/statement.ts';
import type { DirectoryLook } from './contract.ts';
import type { DeskStore } from './desk-store.ts';
import { keepHead, keptHead } from './head-ops.ts';

/**
 * @param open of the policy's roots, kept from poll to poll
 * @param now Unix seconds
 * @returns what the directory says of the region
 * @throws Error of the bucket
 */
export async function directoryLook(
  store: DeskStore,
  bucket: Pick<R2Bucket, 'get'>,
  { policy, open }: { readonly policy: DirectoryPolicy; readonly open: OpenStatement },
  region: string,
  now: number,
): Promise<DirectoryLook> {
  const read = await loadDirectory(async (path) => {
    const object = await bucket.get(path);
    if (object === null) return null;
    if (object.size <= MAX_OBJECT_BYTES) return new Uint8Array(await object.arrayBuffer());
    await object.body.cancel();
    return null;
  });
  const seen = keptHead(store, policy.origin);
  const { head, entries, silenced } = readDirectory({ read, policy, now, seen, open });
  if (head === null) {
    store.count('alert_directory_refused');
    return { kind: 'refused' };
  }
  keepHead(store, policy.origin, seen, head);
  const entry = entries.find(({ regionId }) => regionId === region);
  if (entry !== undefined) return { kind: 'entry', entry };
  return { kind: silenced.has(region) ? 'silenced' : 'unlisted' };
}
