/**
 * @module Whose certificate is whose, by the directory (docs/directory.md): its checkpoint is asked for at each request, so that what was revoked opens nothing from the next one on. A directory that
 * doesn't hold lets nobody in.
 */
import { ALL_TO_ALL } from '../../protocol/feed/names.ts';
import { clientOf } from '../../protocol/directory/clients.ts';
import type { DirectoryEntry } from '../../protocol/directory/entry.ts';
import type { DirectoryPolicy } from '../../protocol/directory/policy.ts';
import { directoryReader, type HeadMemory } from '../shared/directory-reader.ts';
import type { ReadOnlyBucket } from '../shared/read-only-bucket.ts';

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

/** @returns peers by a directory in a bucket; what was read is kept in this isolate, and the newest head that held for good */
export function directoryPeers({ bucket, policy, region, feedNames, memory }: PeersOptions): Peers {
  const read = policy === null ? null : directoryReader({ bucket, policy, memory });
  return {
    async byFingerprint(fingerprint, now) {
      if (read === null) return { kind: 'stranger' };
      const directory = await read(now);
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
