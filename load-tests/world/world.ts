/**
 * @module A world of regions that exchange keys: what the model (model.ts) and the run of simulated backends (run.ts) both take in. Scale and topology are of M. Vukolić, "On the Interoperability of
 * Decentralized Exposure Notification Systems" (arXiv:2006.13087: §2.2 300 regions and 8 billion people, §3.1 base, roaming and clusters, §3.2.1 phases, §4.1 200,000 infections and 14 keys). Regions are alike.
 */

/**
 * Which keys go where. `all`: every key of who consented to every region. `clusters`: to every region of its cluster, and to others where a person was, as this backend does (docs/architecture.md §9);
 * `named`: only where a person was, within a cluster too.
 */
type Replication = 'all' | 'clusters' | 'named';

/**
 * How a person's regions are stored. `exact`: those they named. `cluster`: all of their clusters, the coarser of the two that the paper recommends (arXiv:2006.13087 §4.1.1); only where regions of a cluster share all keys.
 * `coarse`: all of the world, for who named any, so that no rare combination holds one traveller's keys together (decision 021: what this backend does).
 */
type Naming = 'exact' | 'cluster' | 'coarse';

/** Counts are a day's and of the whole world unless they say otherwise; shares are 0..1. */
export interface World {
  readonly phones: number;
  /** People who test positive and would share their keys. */
  readonly casesPerDay: number;
  /** Whole days before the upload, 1..14. */
  readonly keysPerCase: number;
  readonly regions: number;
  /** Of as equal a size as can be. */
  readonly clusters: number;
  readonly replication: Replication;
  readonly naming: Naming;
  /** Share of people who were in another region in the last 14 days: of cases, and of phones. */
  readonly travellers: number;
  /** Share of these who stayed within their cluster. */
  readonly travelInCluster: number;
  /** Other regions that such a person was in, all of their cluster or none. */
  readonly regionsVisited: number;
  /** Share of cases who consent to their keys going to other regions. */
  readonly consent: number;
  /** Share of regions in phase II: what a region of it tests opens an upload at home in another of it. */
  readonly phaseTwo: number;
  /** Share of travelling cases who are tested where they travel: unless both regions are in phase II, their keys go nowhere. */
  readonly testedAbroad: number;
  /** Share of travelling cases who share the same keys in the first region they visited too, as with two apps (arXiv:2006.13087 §4.2, alternative 1). */
  readonly sharedTwice: number;
}

/** The paper's numbers where it has some. The rest is assumed, and varied: ten clusters of 30 (the paper's examples have 27 and 50); one in twenty abroad and one in ten refusing, as in decision 052. */
export const WORLD: World = {
  phones: 8e9,
  casesPerDay: 200_000,
  keysPerCase: 14,
  regions: 300,
  clusters: 10,
  replication: 'clusters',
  naming: 'coarse',
  travellers: 0.05,
  travelInCluster: 0.5,
  regionsVisited: 1,
  consent: 0.9,
  phaseTwo: 1,
  testedAbroad: 0.1,
  sharedTwice: 0,
};

const SHARES = ['travellers', 'travelInCluster', 'consent', 'phaseTwo', 'testedAbroad', 'sharedTwice'] as const;

/**
 * @returns the first rule that a world breaks, null for one that can be
 */
export function faultOf(world: World): string | null {
  if (world.naming === 'cluster' && world.replication !== 'clusters')
    return 'naming cluster: only with replication clusters';
  const share = SHARES.find((name) => !(world[name] >= 0 && world[name] <= 1));
  if (share !== undefined) return `${share} must be from 0 to 1`;
  if (!(world.phones >= 0 && world.casesPerDay >= 0)) return 'phones and casesPerDay must be numbers from 0 on';
  if (!isWithin(world.keysPerCase, 1, 14)) return 'keysPerCase must be a whole number from 1 to 14';
  if (!isWithin(world.regions, 2, 600)) return 'regions must be a whole number from 2 to 600';
  if (!isWithin(world.clusters, 1, world.regions)) return 'clusters must be a whole number from 1 to regions';
  // Somebody who stayed in their cluster, or left it, was in as many regions there.
  const [inside, outside] = [Math.floor(world.regions / world.clusters) - 1, othersOutside(world)];
  const most = Math.min(
    world.travellers === 0 || world.travelInCluster === 0 ? Infinity : inside,
    world.travellers === 0 || world.travelInCluster === 1 ? Infinity : outside,
  );
  if (!isWithin(world.regionsVisited, 1, 14)) return 'regionsVisited must be a whole number from 1 to 14';
  if (world.sharedTwice > 0 && world.regionsVisited > 1) return 'sharedTwice: only with regionsVisited 1';
  return world.regionsVisited > most
    ? 'regionsVisited: there are not as many regions inside, or outside, a cluster'
    : null;
}

const isWithin = (value: number, low: number, high: number): boolean =>
  Number.isInteger(value) && value >= low && value <= high;

/** Regions of the smallest number outside any cluster. */
const othersOutside = ({ regions, clusters }: World): number => regions - Math.ceil(regions / clusters);

/** @returns a region's cluster: even numbers of regions, in order */
export function clusterOf({ regions, clusters }: Pick<World, 'regions' | 'clusters'>, region: number): number {
  return Math.floor((region * clusters) / regions);
}
