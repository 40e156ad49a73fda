/**
 * @module Holds the model to a run of simulated backends on the same inputs: each figure, and how far the model may be off it. The bounds are what a model of means leaves out (parts.ts) and what a run of
 * some days draws.
 */
import { Seeded } from '../../scripts/support/seeded.ts';
import { measureSizes, receivedBefore, type DecoySizes } from './decoy-sizes.ts';
import { regionDay, type RegionDay } from './model.ts';
import { playWorld, type Play } from './run.ts';
import type { World } from './world.ts';

/** One figure of a region and day. */
export interface Checked {
  readonly what: string;
  readonly model: number;
  readonly run: number;
  /** |model − run| / run; 0 where both are 0. */
  readonly off: number;
  readonly bound: number;
}

type Figure = Exclude<keyof RegionDay, 'aged'>;

/**
 * What is compared: by how much the model may be off, and what the draw of a run adds, divided by the root of how many sets were played (how full they are is what is drawn) or, where `of` says so, of the figure
 * itself. Shares are held by the run exactly, so counts that don't depend on hours are too.
 */
const BOUNDS: Readonly<Record<Figure, { readonly model: number; readonly draw: number; readonly of?: 'itself' }>> = {
  uploads: { model: 0.005, draw: 0 },
  lost: { model: 0, draw: 3, of: 'itself' },
  people: { model: 0.01, draw: 0.25 },
  decoys: { model: 0.05, draw: 1.3 },
  sets: { model: 0.01, draw: 0.6 },
  padded: { model: 0.01, draw: 1, of: 'itself' },
  exported: { model: 0.05, draw: 1.3 },
  batches: { model: 0.05, draw: 1.3 },
  read: { model: 0.05, draw: 1.3 },
  imported: { model: 0.05, draw: 1.3 },
  duplicates: { model: 0.01, draw: 3, of: 'itself' },
  published: { model: 0.05, draw: 1.3 },
  requests: { model: 0.005, draw: 0.05 },
};

/** A world small enough to be played: 30 regions in five clusters, 40 cases a day each, where most hours wait and are filled; everything that the model knows happens in it. */
export const PLAYED: World = {
  phones: 0,
  casesPerDay: 1_200,
  keysPerCase: 14,
  regions: 30,
  clusters: 5,
  replication: 'clusters',
  naming: 'coarse',
  travellers: 0.2,
  travelInCluster: 0.5,
  regionsVisited: 1,
  consent: 0.9,
  phaseTwo: 0.5,
  testedAbroad: 0.2,
  sharedTwice: 0.1,
};

const START = 498_216;

const measuredSizes = new Map<number, DecoySizes>();

/** @returns sizes of decoys, as a backend draws them that has been there for long; drawn once */
export function sizesFor({ keysPerCase }: Pick<World, 'keysPerCase'>): DecoySizes {
  const known = measuredSizes.get(keysPerCase);
  if (known !== undefined) return known;
  const seeded = new Seeded(7);
  const sizes = measureSizes(seeded.bytes, receivedBefore(seeded.bytes, START, keysPerCase), START + 12);
  measuredSizes.set(keysPerCase, sizes);
  return sizes;
}

/** @returns each figure of model and run */
export async function checkModel(world: World, play: Play): Promise<Checked[]> {
  const [model, run] = [regionDay(world, sizesFor(world)), await playWorld(world, play)];
  const played = world.regions * play.days;
  return (Object.keys(BOUNDS) as Figure[]).map((what) => {
    const { model: off, draw, of } = BOUNDS[what];
    // A person who shares twice leaves all their keys.
    const drawn =
      of === 'itself' ? (run[what] * played) / (what === 'duplicates' ? world.keysPerCase : 1) : run.sets * played;
    const difference = Math.abs(model[what] - run[what]);
    return {
      what,
      model: model[what],
      run: run[what],
      off: difference === 0 ? 0 : difference / run[what],
      bound: off + (drawn === 0 ? 0 : draw / Math.sqrt(drawn)),
    };
  });
}
