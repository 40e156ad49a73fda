/**
 * @module Whose certificate is whose, by the directory (docs/directory.md): its checkpoint is asked for at each request, so that what was revoked opens nothing from the next one on. A directory that
 * doesn't hold lets nobody in.
 */
import { ALL_TO_ALL } from '../../protocol/feed/names.ts';
import { clientOf } from '../../protocol/directory/clients.ts';
import type { DirectoryEntry } from '../../protocol/directory/entry.ts';
import { loadDirectory, MAX_OBJECT_BYTES } from '../../protocol/directory/load.ts';
import { type Head, isSameHead } from '../../protocol/directory/merkle.ts';
import type { DirectoryPolicy } from '../../protocol/directory/policy.ts';
import { type Directory, readDirectory } from '../../protocol/directory/read.ts';
import { rememberingOpen } from '../../protocol/directory/statement.ts';
import { CHECKPOINT_PATH } from '../../protocol/directory/tiles.ts';
import type { ReadOnlyBucket } from '../shared/read-only-bucket.ts';

/** A directory that didn't change is judged anew so often: its entries end, and its cosignatures get old. */
const READ_AGAIN_SECONDS = 60;

/** Who is calling, and what of ours they may read. */
export interface Peer {
  readonly region: string;
  /** Feeds of ours, the one of DP-3T's paths first. */
  readonly feeds: readonly string[];
}

/** refused: the directory can't be relied on, and nobody is known. */
type PeerResult =
  | { readonly kind: 'peer'; readonly peer: Peer }
  | { readonly kind: 'stranger' }
  | { readonly kind: 'refused' };

/** Gives what it knows of certificates at this moment. */
export interface Peers {
  /**
   * @param fingerprint SHA-256 of the certificate's DER, 64 lowercase hex digits
   * @param now Unix seconds
   * @throws Error of the bucket
   */
  byFingerprint(fingerprint: string, now: number): Promise<PeerResult>;
}

interface PeersOptions {
  readonly bucket: ReadOnlyBucket;
  readonly policy: DirectoryPolicy | null;
  /** Ours. */
  readonly region: string;
  /** Feeds that there are. */
  readonly feedNames: readonly string[];
  readonly memory: HeadMemory;
}

/** The newest head that held, of all isolates and restarts. */
export interface HeadMemory {
  /** @param log origin of its checkpoints */
  readonly directoryHead: (log: string) => Promise<Head | null>;
  /** @returns the head that is kept now: `to`, or another that was kept since `from` */
  readonly keepDirectoryHead: (log: string, from: Head | null, to: Head) => Promise<Head>;
}

/** @returns peers by a directory in a bucket; what was read is kept in this isolate, and the newest head that held for good */
export function directoryPeers({ bucket, policy, region, feedNames, memory }: PeersOptions): Peers {
  let known: { readonly etag: string; readonly at: number; readonly directory: Directory } | null = null;
  // Of the last reading: what a growing log needs no more goes.
  let objects: ReadonlyMap<string, Uint8Array> = new Map();
  // Certificates and signatures of leaves that were judged before aren't again: of 300 regions seconds of CPU a minute (benchmarks/results/directory.md).
  const open = rememberingOpen(policy?.roots ?? []);

  /** One that is older than the newest head that held, or another of its size, is refused from then on. Where another isolate keeps a newer one meanwhile, this must follow from that. */
  async function believed(log: string, judge: (seen: Head | null) => Directory): Promise<Directory> {
    for (let seen = await memory.directoryHead(log); ;) {
      const directory = judge(seen);
      const { head } = directory;
      if (head === null || (seen !== null && isSameHead(seen, head))) return directory;
      const kept = await memory.keepDirectoryHead(log, seen, head);
      if (isSameHead(kept, head)) return directory;
      seen = kept;
    }
  }

  async function directoryNow(own: DirectoryPolicy, now: number): Promise<Directory | null> {
    const checkpoint = await bucket.head(CHECKPOINT_PATH);
    if (checkpoint === null) return null;
    const isFresh = known !== null && known.etag === checkpoint.etag && Math.abs(now - known.at) < READ_AGAIN_SECONDS;
    if (known !== null && isFresh) return known.directory;
    const used = new Map<string, Uint8Array>();
    const read = await loadDirectory(async (path) => {
      const held = path === CHECKPOINT_PATH ? undefined : objects.get(path);
      const bytes = held ?? (await bytesOf(bucket, path));
      if (bytes !== null && path !== CHECKPOINT_PATH) used.set(path, bytes);
      return bytes;
    });
    const directory = await believed(own.origin, (seen) => readDirectory({ read, policy: own, now, seen, open }));
    // What was taken for immutable may be what is wrong with it.
    objects = directory.head === null ? new Map() : used;
    known = { etag: checkpoint.etag, at: now, directory };
    return directory;
  }

  return {
    async byFingerprint(fingerprint, now) {
      if (policy === null) return { kind: 'stranger' };
      const directory = await directoryNow(policy, now);
      if (directory === null || directory.head === null) return { kind: 'refused' };
      const client = clientOf(directory.entries, fingerprint, now);
      if (!client.ok) return { kind: 'stranger' };
      const own = directory.entries.find(({ regionId }) => regionId === region);
      return { kind: 'peer', peer: { region: client.entry.regionId, feeds: feedsFor(client.entry, own, feedNames) } };
    },
  };
}

/** A region reads its own feed, and all-to-all inside its cluster alone. */
function feedsFor(peer: DirectoryEntry, own: DirectoryEntry | undefined, feedNames: readonly string[]): string[] {
  const isInside = own !== undefined && own.cluster === peer.cluster && own.regionId !== peer.regionId;
  return [...(isInside ? [ALL_TO_ALL] : []), peer.regionId].filter((feed) => feedNames.includes(feed));
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
