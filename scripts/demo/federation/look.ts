/** @module Looks at backends from outside, for whoever counts: what each serves to peers and to phones, and what its consumer left out. */
import { ALL_TO_ALL } from '../../../protocol/feed/names.ts';
import type { PeerStatus } from '../../federation/orders.ts';
import type { Served } from '../../federation/served.ts';
import { readHead, Reader } from '../../support/published.ts';
import type { Shared } from './cast.ts';
import type { Backend, PublicFile } from './count.ts';
import { readFeed } from './feeds.ts';

/** @returns the feed of a peer that a member reads: all-to-all inside its cluster, else its own */
export const feedFor = (reader: Served, producer: Served): string =>
  reader.plan.cluster === producer.plan.cluster ? ALL_TO_ALL : reader.plan.id;

/** @returns all files that phones of a backend are given now, each verified @throws Error saying why a phone would refuse one */
export async function publicFiles({
  url,
  publicPem,
  manifestPem,
  verificationKey,
  plan,
}: Served): Promise<PublicFile[]> {
  const edge = { url, publicPem, manifestPublicPem: manifestPem, exportKey: verificationKey };
  const seen = await readHead(edge, plan.id);
  if (seen === null) throw new Error(`${plan.id} has published nothing`);
  const files = await new Reader(edge, plan.id).files(seen.head);
  return files.map(({ header, keys }) => ({ region: header.region ?? '', keys }));
}

/**
 * @param own whose
 * @param members all, own among them
 * @param shared by people of all
 * @param now Unix seconds
 * @param feedsOf feeds of `own` that a reader may have; left out: what it reads, and its own
 * @returns what a backend has put into feeds and before phones
 */
export async function lookAt(
  own: Served,
  members: readonly Served[],
  shared: readonly Shared[],
  now: number,
  feedsOf = (reader: Served): readonly string[] => [feedFor(reader, own), reader.plan.id],
): Promise<Backend> {
  const others = members.filter((one) => one !== own);
  const feeds = new Map<string, Awaited<ReturnType<typeof readFeed>>>();
  for (const reader of others) {
    for (const feed of feedsOf(reader)) {
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

/** @param peers of all consumers @returns keys that they have dropped by any rule */
export function leftOutBy(peers: readonly PeerStatus[]): number {
  const dropped = peers.flatMap(({ batches }) => batches.flatMap((batch) => Object.values(batch.dropped)));
  return dropped.reduce((all, keys) => all + keys, 0);
}

/** @returns how many keys people shared */
export const sharedKeys = (shared: readonly Shared[]): number =>
  shared.reduce((all, { consenting, refusing }) => all + consenting.size + refusing.size, 0);
