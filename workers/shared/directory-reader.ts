/**
 * @module The directory of backends in a bucket (docs/directory.md), as a Worker reads it at a request: its checkpoint, so that what was revoked soon counts no more; the rest is kept in this isolate, and the newest head that
 * held where a restart doesn't forget it.
 */
import { loadDirectory, MAX_OBJECT_BYTES } from '../../protocol/directory/load.ts';
import { type Head, isSameHead } from '../../protocol/directory/merkle.ts';
import type { DirectoryPolicy } from '../../protocol/directory/policy.ts';
import { type Directory, readDirectory } from '../../protocol/directory/read.ts';
import { rememberingOpen } from '../../protocol/directory/statement.ts';
import { CHECKPOINT_PATH } from '../../protocol/directory/tiles.ts';
import type { ReadOnlyBucket } from './read-only-bucket.ts';

/** A directory that didn't change is judged anew so often: its entries end, and its cosignatures get old. */
const READ_AGAIN_SECONDS = 60;

/** The newest head that held, of all isolates and restarts. */
export interface HeadMemory {
  /** @param log origin of its checkpoints */
  readonly directoryHead: (log: string) => Promise<Head | null>;
  /** @returns the head that is kept now: `to`, or another that was kept since `from` */
  readonly keepDirectoryHead: (log: string, from: Head | null, to: Head) => Promise<Head>;
}

interface ReaderOptions {
  readonly bucket: ReadOnlyBucket;
  readonly policy: DirectoryPolicy;
  /** How often the bucket is asked at most; left out: at each call, where whoever calls has shown a certificate. */
  readonly lookEverySeconds?: number;
  /** Left out: this isolate's. */
  readonly memory?: HeadMemory;
}

/**
 * @param now Unix seconds
 * @returns the directory; null: there is none. Without a head it can't be relied on
 * @throws Error of the bucket
 */
export type ReadDirectoryNow = (now: number) => Promise<Directory | null>;

/** @returns a reader of one bucket, which remembers */
export function directoryReader(options: ReaderOptions): ReadDirectoryNow {
  const { bucket, policy, lookEverySeconds = 0, memory = isolateMemory() } = options;
  let known: { readonly etag: string; readonly at: number; readonly directory: Directory } | null = null;
  let lookedAt = Number.NEGATIVE_INFINITY;
  // Of the last reading: what a growing log needs no more goes.
  let objects: ReadonlyMap<string, Uint8Array> = new Map();
  // Certificates and signatures of leaves that were judged before aren't again: of 300 regions seconds of CPU a minute (benchmarks/results/directory.md).
  const open = rememberingOpen(policy.roots);

  /** One that is older than the newest head that held, or another of its size, is refused from then on. Where another isolate keeps a newer one meanwhile, this must follow from that. */
  async function believed(judge: (seen: Head | null) => Directory): Promise<Directory> {
    for (let seen = await memory.directoryHead(policy.origin); ;) {
      const directory = judge(seen);
      const { head } = directory;
      if (head === null || (seen !== null && isSameHead(seen, head))) return directory;
      const kept = await memory.keepDirectoryHead(policy.origin, seen, head);
      if (isSameHead(kept, head)) return directory;
      seen = kept;
    }
  }

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
    const directory = await believed((seen) => readDirectory({ read, policy, now, seen, open }));
    // What was taken for immutable may be what is wrong with it.
    objects = directory.head === null ? new Map() : used;
    known = { etag: checkpoint.etag, at: now, directory };
    return directory;
  };
}

function isolateMemory(): HeadMemory {
  let head: Head | null = null;
  return {
    directoryHead: () => Promise.resolve(head),
    keepDirectoryHead: (_log, _from, to) => Promise.resolve((head = to)),
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
