/**
 * @module The model of a world of regions: what a day is in keys, requests, bytes, signatures and storage, for a phone, a region's backend and between backends. Pure; checked by a run of simulated backends
 * (run.ts). Bytes are measured (load-tests/measured.json). Regions are alike, and cases come evenly over the day.
 */
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import { ours, type Measured } from '../capacity/assumptions.ts';
import { capacity } from '../capacity/model.ts';
import type { DecoySizes } from './decoy-sizes.ts';
import { partsOfDay, type PartDay, type PartShare } from './parts.ts';
import type { World } from './world.ts';

/** Cases of one region, a day. */
interface Cases {
  readonly atHome: number;
  /** Who were elsewhere, second uploads of the same keys among them. */
  readonly travelling: number;
  /** Second uploads. */
  readonly twice: number;
  /** Tested abroad between two regions that aren't both in phase II: nothing is shared. */
  readonly lost: number;
}

/** Keys and batches of one region, a day. */
export interface RegionDay {
  readonly uploads: number;
  /** Cases who could not share. */
  readonly lost: number;
  /** Keys of people that are published by their own region. */
  readonly people: number;
  /** Keys that age out while their hour waits. */
  readonly aged: number;
  readonly decoys: number;
  /** Sets that are published, and those of them that had waited as long as they may. */
  readonly sets: number;
  readonly padded: number;
  /** Keys in all feeds, each as often as it is in one. */
  readonly exported: number;
  readonly batches: number;
  /** Keys that come from peers and are new. */
  readonly imported: number;
  readonly duplicates: number;
  /** Keys that phones get: of people, decoys, imported. */
  readonly published: number;
  /** What it asks of peers: documents and batches. */
  readonly requests: number;
  /** Keys of all batches that it reads. */
  readonly read: number;
}

const HOURS = 24;

/**
 * @param world without a fault
 * @param sizes of decoys
 * @returns one region's day
 */
export function regionDay(world: World, sizes: DecoySizes): RegionDay {
  const cases = casesOf(world);
  const uploads = cases.atHome + cases.travelling;
  const reach = reachOf(world);
  const kinds = kindsOf(world, cases, reach);
  const parts = partsOfDay({
    uploads,
    keysPerUpload: world.keysPerCase,
    policy: DEFAULT_CHUNK_POLICY,
    sizes,
    kinds: kinds.map(({ share, parts: count }) => ({ share, parts: count })),
  });
  const feeds = [
    ...(reach.inside > 0 ? [feedOf(kinds, parts.kinds, parts.sets, 'inside', reach.inside)] : []),
    ...(reach.near > 0 ? [feedOf(kinds, parts.kinds, parts.sets, 'near', reach.near)] : []),
    ...(reach.outside > 0 ? [feedOf(kinds, parts.kinds, parts.sets, 'outside', reach.outside)] : []),
  ];
  const people = sumOf(parts.kinds, ({ people: keys }) => keys);
  const decoys = sumOf(parts.kinds, ({ decoys: keys }) => keys);
  // Regions are alike: what all peers have for us is what we have for all of them.
  const read = sumOf(feeds, ({ keys, readers }) => keys * readers);
  // Of keys that haven't aged out meanwhile.
  const kept = people === 0 ? 0 : people / (people + parts.aged);
  const duplicates = cases.twice * world.keysPerCase * kept * world.consent * dropsOf(world);
  return {
    uploads,
    lost: cases.lost,
    people,
    aged: parts.aged,
    decoys,
    sets: parts.sets,
    padded: parts.padded,
    exported: sumOf(feeds, ({ keys, files }) => keys * files),
    batches: sumOf(feeds, ({ batches, files }) => batches * files),
    imported: read - duplicates,
    duplicates,
    published: people + decoys + read - duplicates,
    requests: (world.regions - 1) * HOURS + sumOf(feeds, ({ batches, readers }) => batches * readers),
    read,
  };
}

function sumOf<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((sum, one) => sum + of(one), 0);
}

/** Peers by the feed that they read. */
interface Reach {
  /** Read all-to-all. */
  readonly inside: number;
  /** Of the cluster, and read a feed of their own. */
  readonly near: number;
  /** Of another cluster, and read a feed of their own. */
  readonly outside: number;
}

/** @returns by the mean size of a cluster */
export function reachOf({ regions, clusters, replication }: World): Reach {
  if (replication === 'all') return { inside: regions - 1, near: 0, outside: 0 };
  const cluster = regions / clusters - 1;
  const outside = regions - 1 - cluster;
  return replication === 'clusters' ? { inside: cluster, near: 0, outside } : { inside: 0, near: cluster, outside };
}

function casesOf(world: World): Cases {
  const all = world.casesPerDay / world.regions;
  const travelling = all * world.travellers;
  // Both of two different regions are in phase II.
  const two = Math.round(world.phaseTwo * world.regions);
  const both = (two * (two - 1)) / (world.regions * (world.regions - 1));
  const lost = travelling * world.testedAbroad * (1 - both);
  const twice = (travelling - lost) * world.sharedTwice;
  return { atHome: all - travelling, travelling: travelling - lost + twice, twice, lost };
}

/** A kind of part, and how much of it goes to one peer of each sort: 1, all of it. */
interface Kind extends PartShare {
  readonly to: Readonly<Record<keyof Reach, number>>;
}

function kindsOf(world: World, cases: Cases, reach: Reach): Kind[] {
  const uploads = cases.atHome + cases.travelling;
  const { consent, travelInCluster, regionsVisited: visited } = world;
  const [home, away] = [(cases.atHome / uploads) * consent, (cases.travelling / uploads) * consent];
  const nobody = { inside: 0, near: 0, outside: 0 };
  const cluster = { ...nobody, inside: 1 };
  if (world.naming === 'coarse') {
    return joined([
      { share: 1 - consent, parts: 1, to: nobody },
      { share: home, parts: 1, to: reach.inside > 0 ? cluster : nobody },
      { share: away, parts: 1, to: reach.near + reach.outside > 0 ? { inside: 1, near: 1, outside: 1 } : cluster },
    ]);
  }
  const one = (peers: number): number => (peers === 0 ? 0 : visited / peers);
  // What is named beyond the own cluster: regions, or whole clusters.
  const beyond = world.naming === 'cluster' ? world.clusters - 1 : reach.outside;
  return joined([
    { share: 1 - consent, parts: 1, to: nobody },
    { share: home, parts: 1, to: reach.inside > 0 ? cluster : nobody },
    reach.near > 0
      ? { share: away * travelInCluster, parts: choose(reach.near, visited), to: { ...nobody, near: one(reach.near) } }
      : { share: away * travelInCluster, parts: 1, to: cluster },
    reach.outside > 0
      ? {
          share: away * (1 - travelInCluster),
          parts: choose(beyond, visited),
          to: { inside: reach.inside > 0 ? 1 : 0, near: 0, outside: one(beyond) },
        }
      : { share: away * (1 - travelInCluster), parts: 1, to: cluster },
  ]);
}

/** Kinds that go to the same feeds are one part. */
function joined(kinds: readonly Kind[]): Kind[] {
  const groups = Map.groupBy(kinds, ({ to, parts }) => JSON.stringify([to, parts]));
  return [...groups.values()]
    .map((group) => ({ ...group[0]!, share: sumOf(group, ({ share }) => share) }))
    .filter(({ share }) => share > 0);
}

function choose(of: number, some: number): number {
  let ways = 1;
  for (let n = 0; n < some; n++) ways = (ways * (of - n)) / (n + 1);
  return Math.max(1, ways);
}

/** One feed of a sort, a day. */
interface FeedDay {
  readonly keys: number;
  readonly batches: number;
  /** Feeds of the sort: one for all of a cluster, else one a peer. */
  readonly files: number;
  readonly readers: number;
}

/** Parts of a kind that a feed has, up to rounding. */
const ONE_PART = 1.001;

function feedOf(
  kinds: readonly Kind[],
  days: readonly PartDay[],
  sets: number,
  sort: keyof Reach,
  readers: number,
): FeedDay {
  let keys = 0;
  let absent = 1;
  for (const [index, { to }] of kinds.entries()) {
    const { people, decoys, sets: withPart } = days[index]!;
    keys += (people + decoys) * to[sort];
    // One part is in a set or not; where a feed has many of a kind, some may be in one at once.
    const mean = sets === 0 ? 0 : (withPart * to[sort]) / sets;
    absent *= kinds[index]!.parts * to[sort] < ONE_PART ? 1 - Math.min(1, mean) : Math.exp(-mean);
  }
  return { keys, batches: sets * (1 - absent), files: sort === 'inside' ? 1 : readers, readers };
}

/** @returns how many regions drop a key that was shared in two of them */
function dropsOf(world: World): number {
  const { naming, replication, regions, clusters, travelInCluster: inside } = world;
  if (replication === 'all' || naming === 'coarse') return regions;
  if (replication === 'named') return 2;
  return inside * (regions / clusters) + (1 - inside) * 2 * (naming === 'cluster' ? regions / clusters : 1);
}

/** One phone's day. */
export interface PhoneDay {
  readonly keys: number;
  readonly bytes: number;
  readonly requests: number;
  /** Keys that an app which reads Corona-Warn-App's tree doesn't get: it holds 600,000 a day. */
  readonly leftOutOfTree: number;
}

/**
 * @param measured load-tests/measured.json
 * @param published keys a day of a region
 * @returns the day of a phone that reads that region alone, hourly, by our manifest
 */
export function phoneDay(measured: Measured, world: World, published: number): PhoneDay {
  const cases = { phones: 1, casesPerDay: published / world.keysPerCase, keysPerCase: world.keysPerCase };
  const { bytesPerPhone: bytes, requestsPerDay: requests } = capacity({
    ...ours(measured, 'manifest', 'hourly'),
    ...cases,
  });
  const { keysLeftOut } = capacity({ ...ours(measured, 'cwa', 'hourly'), ...cases });
  return { keys: published, bytes, requests, leftOutOfTree: keysLeftOut };
}
