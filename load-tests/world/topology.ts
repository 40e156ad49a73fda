/**
 * @module Who gives what to whom, by a world's replication: which feeds a region has, and which feed of a peer it reads (docs/architecture.md §9).
 */
import { ALL_TO_ALL } from '../../protocol/feed/names.ts';
import { clusterOf, type World } from './world.ts';

const LETTERS = 26;

/** @param region number, 0..675 @returns two capital letters, as regions are called */
export function regionName(region: number): string {
  return String.fromCodePoint(65 + Math.floor(region / LETTERS), 65 + (region % LETTERS));
}

/** @returns whether two regions are in one cluster, as far as feeds go */
function areOneCluster(world: World, one: number, other: number): boolean {
  if (world.replication === 'named') return false;
  return world.replication === 'all' || clusterOf(world, one) === clusterOf(world, other);
}

/** @returns the feeds that a region has: one for its cluster, one for each region beyond */
export function feedsOfRegion(world: World, region: number): string[] {
  const others = Array.from({ length: world.regions }, (_, other) => other).filter((other) => other !== region);
  const beyond = others.filter((other) => !areOneCluster(world, region, other)).map(regionName);
  return beyond.length < others.length ? [ALL_TO_ALL, ...beyond] : beyond;
}

/** @returns the feed of a peer that a region reads */
export function feedRead(world: World, reader: number, peer: number): string {
  return areOneCluster(world, reader, peer) ? ALL_TO_ALL : regionName(reader);
}
