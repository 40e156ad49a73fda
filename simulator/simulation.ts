/**
 * @module A whole run: the world, each person's part in it, the sample in full.
 */
import type { Parameters } from '../protocol/parameters/document.ts';
import { type Life, live } from './life.ts';
import type { SimulationOptions } from './options.ts';
import { type SampledPhone, drawSample, everythingHeard, sampledPhone, timelineOf } from './sample.ts';
import { World } from './world.ts';

/** @param done of `total` in this phase */
export type OnProgress = (phase: string, done: number, total: number) => void;

export interface Run {
  readonly world: World;
  /** One for each person, by id. */
  readonly lives: readonly Life[];
  readonly sample: readonly SampledPhone[];
}

const REPORT_EVERY = 100;

/**
 * @param options of the run
 * @param parameters what the health authority set
 * @param progress called now and then
 * @returns everything that happened; a function of the arguments
 */
export async function simulate(
  options: SimulationOptions,
  parameters: Parameters,
  progress: OnProgress = () => undefined,
): Promise<Run> {
  progress('people and cases', 0, 1);
  const world = new World(options);
  const count = world.population.people.length;
  const lives: Life[] = [];
  for (let person = 0; person < count; person++) {
    lives.push(live(world, person, parameters));
    if (person % REPORT_EVERY === 0) progress('people live', person, count);
  }
  progress('people live', count, count);
  const met = lives.filter(({ matchedKeys }) => matchedKeys > 0).map(({ person }) => person);
  const persons = drawSample(world, met);
  const sample: SampledPhone[] = [];
  if (persons.length > 0) {
    progress('sample in full', 0, persons.length);
    const timeline = timelineOf(world);
    const heard = everythingHeard(world, persons);
    for (const person of persons) {
      sample.push(await sampledPhone(world, timeline, person, heard.get(person)!));
      progress('sample in full', sample.length, persons.length);
    }
  }
  return { world, lives, sample };
}
