/** @module Looks at backends from outside, for whoever counts: what each serves to peers and to phones, and what its consumer left out. */
import { ALL_TO_ALL } from '../../../protocol/feed/names.ts';
import type { Member } from '../../federation/federation.ts';
import type { Shared } from './cast.ts';
import type { Backend } from './count.ts';
import { readFeed } from './feeds.ts';
import { publicFiles } from './public-files.ts';

/** @returns the feed of a peer that a member reads: all-to-all inside its cluster, else its own */
export const feedFor = (reader: Member, producer: Member): string =>
  reader.plan.cluster === producer.plan.cluster ? ALL_TO_ALL : reader.plan.id;

/** What a backend has put into feeds and before phones. */
export async function lookAt(
  own: Member,
  members: readonly Member[],
  shared: readonly Shared[],
  now: number,
): Promise<Backend> {
  const others = members.filter((one) => one !== own);
  const feeds = new Map<string, Awaited<ReturnType<typeof readFeed>>>();
  for (const reader of others) {
    for (const feed of new Set([feedFor(reader, own), reader.plan.id])) {
      if (!feeds.has(feed)) feeds.set(feed, await readFeed(reader, own, feed, now));
    }
  }
  const mine = shared.filter(({ region }) => region === own.plan.id);
  return {
    id: own.plan.id,
    feeds,
    reads: others.map((producer) => ({ peer: producer.plan.id, feed: feedFor(own, producer) })),
    files: await publicFiles(own),
    consenting: new Set(mine.flatMap(({ consenting }) => [...consenting])),
    refusing: new Set(mine.flatMap(({ refusing }) => [...refusing])),
  };
}

/** @returns keys that consumers have dropped by any rule */
export async function leftOutBy(members: readonly Member[]): Promise<number> {
  const peers = (await Promise.all(members.map(({ process }) => process.peers()))).flat();
  const dropped = peers.flatMap(({ batches }) => batches.flatMap((batch) => Object.values(batch.dropped)));
  return dropped.reduce((all, keys) => all + keys, 0);
}

/** @returns how many keys people shared */
export const sharedKeys = (shared: readonly Shared[]): number =>
  shared.reduce((all, { consenting, refusing }) => all + consenting.size + refusing.size, 0);
