/**
 * @module The directory of backends in a bucket (docs/directory.md), as a Worker reads it at a request: its checkpoint each time, so that what was revoked counts no more from the next one on; the rest is kept in this
 * isolate.
 */
import { loadDirectory, MAX_OBJECT_BYTES } from '../../protocol/directory/load.ts';
import type { DirectoryPolicy } from '../../protocol/directory/policy.ts';
import { type Directory, readDirectory } from '../../protocol/directory/read.ts';
import { rememberingOpen } from '../../protocol/directory/statement.ts';
import { CHECKPOINT_PATH } from '../../protocol/directory/tiles.ts';
import type { ReadOnlyBucket } from './read-only-bucket.ts';

/** A directory that didn't change is judged anew so often: its entries end, and its cosignatures get old. */
const READ_AGAIN_SECONDS = 60;

/**
 * @param now Unix seconds
 * @returns the directory; null: there is none. Without a head it can't be relied on
 * @throws Error of the bucket
 */
export type ReadDirectoryNow = (now: number) => Promise<Directory | null>;

/**
 * @param lookEverySeconds how often the bucket is asked at most; 0: at each call, where whoever calls has shown a certificate
 * @returns a reader of one bucket, which remembers
 */
export function directoryReader(
  bucket: ReadOnlyBucket,
  policy: DirectoryPolicy,
  lookEverySeconds = 0,
): ReadDirectoryNow {
  let known: { readonly etag: string; readonly at: number; readonly directory: Directory } | null = null;
  /** The newest head that held: an older one, or another of its size, is refused from then on. */
  let seen: Directory['head'] = null;
  // Of the last reading: what a growing log needs no more goes.
  let objects: ReadonlyMap<string, Uint8Array> = new Map();
  // Certificates and signatures of leaves that were judged before aren't again: of 300 regions seconds of CPU a minute (benchmarks/results/directory.md).
  const open = rememberingOpen(policy.roots);
  let lookedAt = Number.NEGATIVE_INFINITY;
  return async (now) => {
    if (known !== null && Math.abs(now - lookedAt) < lookEverySeconds) return known.directory;
    const checkpoint = await bucket.head(CHECKPOINT_PATH);
    if (checkpoint === null) return null;
    lookedAt = now;
    const isFresh = known !== null && known.etag === checkpoint.etag && Math.abs(now - known.at) < READ_AGAIN_SECONDS;
    if (known !== null && isFresh) return known.directory;
    const used = new Map<string, Uint8Array>();
    const read = await loadDirectory(async (path) => {
      const held = path === CHECKPOINT_PATH ? undefined : objects.get(path);
      const bytes = held ?? (await bytesOf(bucket, path));
      if (bytes !== null && path !== CHECKPOINT_PATH) used.set(path, bytes);
      return bytes;
    });
    const directory = readDirectory({ read, policy, now, seen, open });
    // What was taken for immutable may be what is wrong with it.
    objects = directory.head === null ? new Map() : used;
    seen = directory.head ?? seen;
    known = { etag: checkpoint.etag, at: now, directory };
    return directory;
  };
}

async function bytesOf(bucket: ReadOnlyBucket, path: string): Promise<Uint8Array | null> {
  const object = await bucket.get(path);
  if (object === null || !('body' in object)) return null;
  if (object.size > MAX_OBJECT_BYTES) {
    await object.body.cancel();
    return null;
  }
  return new Uint8Array(await object.arrayBuffer());
}
