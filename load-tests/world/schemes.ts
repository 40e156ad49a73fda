/** @module The ways in which a world's regions can share keys, that are put side by side: all-to-all, partial replication inside and beyond clusters, and partial replication alone. */
import type { Measured } from '../capacity/assumptions.ts';
import { sizesFor } from './check.ts';
import { worldDay, type WorldDay } from './costs.ts';
import type { World } from './world.ts';

/** A way of sharing. */
export interface Scheme {
  readonly name: string;
  readonly about: string;
  readonly how: Pick<World, 'replication' | 'naming'>;
}

export const SCHEMES: readonly Scheme[] = [
  { name: 'all-to-all', about: 'every key to every region', how: { replication: 'all', naming: 'coarse' } },
  {
    name: 'coarse',
    about: 'all-to-all in a cluster; who was in any other region is warned for everywhere (this backend, decision 021)',
    how: { replication: 'clusters', naming: 'coarse' },
  },
  {
    name: 'by cluster',
    about:
      'all-to-all in a cluster; who was beyond it is warned for in the whole cluster that they were in (the paper, coarser)',
    how: { replication: 'clusters', naming: 'cluster' },
  },
  {
    name: 'exact',
    about: 'all-to-all in a cluster; who was beyond it is warned for there alone (the paper)',
    how: { replication: 'clusters', naming: 'exact' },
  },
  {
    name: 'partial',
    about: 'who was anywhere else is warned for there alone, in the cluster too',
    how: { replication: 'named', naming: 'exact' },
  },
];

/** Which of them this backend is. */
export const AS_BUILT = SCHEMES.findIndex(({ name }) => name === 'coarse');

/** @returns the day of each scheme, in their order */
export function daysOf(measured: Measured, world: World): WorldDay[] {
  const sizes = sizesFor(world);
  return SCHEMES.map(({ how }) => worldDay(measured, { ...world, ...how }, sizes));
}

/**
 * @param world of which the size of clusters is kept
 * @returns the same people in so many regions
 */
export function withRegions(world: World, regions: number): World {
  return { ...world, regions, clusters: Math.max(1, Math.round((regions * world.clusters) / world.regions)) };
}
