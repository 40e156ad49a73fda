/**
 * @module Brings resources to what the stage's file says. Each is read first, so that whatever a break left is where the next apply begins; and read again at the end, for an API that says
 * "done" may have done half.
 */
import type { Context } from './context.ts';
import { ResourceError } from './failure.ts';
import { type Difference, type Phase, type Progress, type Resource, fieldText } from './resource.ts';
import { RESOURCES } from './resources.ts';

/** How often a resource is read and gone on with after a call of which nobody knows whether it was done. */
const ROUNDS = 4;

/** What a resource's plan is. */
export interface Planned {
  readonly resource: Resource;
  readonly differences: readonly Difference[];
}

/** @returns whether an apply has something to do with it, or refuses it: drift, for a check */
export const isDrift = ({ action }: Difference): boolean => action !== 'keep';

/**
 * Reads the account and changes nothing.
 *
 * @param context see {@link Context}
 * @param phase left out: both
 * @returns each resource's differences, in the order of an apply
 * @throws ResourceError naming the resource that can't be read
 */
export async function planResources(context: Context, phase?: Phase): Promise<Planned[]> {
  const planned: Planned[] = [];
  for (const resource of RESOURCES) {
    if (phase !== undefined && resource.phase !== phase) continue;
    planned.push({ resource, differences: resource.plan(context, await resource.read(context)) });
  }
  return planned;
}

/**
 * Brings one resource to what the stage's file says, and makes sure that it is so. Done again it does nothing.
 *
 * @param resource one of RESOURCES
 * @param context see {@link Context}
 * @param progress a line for each thing that is done
 * @returns how many things were done
 * @throws ResourceError saying what failed, what it leaves and how to go on
 */
export async function bring(resource: Resource, context: Context, progress: Progress): Promise<number> {
  let done = 0;
  const count: Progress = (line) => {
    done += 1;
    progress(line);
  };
  for (let round = 1; ; round += 1) {
    const differences = resource.plan(context, await resource.read(context)).filter(isDrift);
    if (differences.length === 0) return done;
    if (round > ROUNDS) throw stubborn(resource, differences);
    try {
      await resource.apply(context, differences, count);
    } catch (error) {
      if (!(error instanceof ResourceError) || !error.ambiguous || round >= ROUNDS) throw error;
      progress(`${resource.name}: ${error.message.split('. ')[0]}; it may have been done: reading again`);
    }
  }
}

/** The API said that it was done, each time. */
function stubborn({ name, afterBreak }: Resource, differences: readonly Difference[]): ResourceError {
  const what = differences.map(({ resource, fields }) => `${resource} (${fields.map(fieldText).join(', ')})`);
  const message = `${name}: the account still differs after ${ROUNDS} times, though the API said that it was done: ${what.join('; ')}. What is left: ${afterBreak}`;
  return new ResourceError(message, null, [], false, null);
}

/**
 * Takes away what is this stage's, in the opposite order: hosts first, so that nothing comes in; buckets last, with everything in them.
 *
 * @param context see {@link Context}
 * @param progress a line for each thing that is taken away
 * @param phase left out: both; the hosts go before the Workers, and what Workers are bound to after them
 * @throws ResourceError; the same again goes on
 */
export async function destroyResources(context: Context, progress: Progress, phase?: Phase): Promise<void> {
  for (const resource of RESOURCES.toReversed()) {
    if (phase !== undefined && resource.phase !== phase) continue;
    for (let round = 1; ; round += 1) {
      try {
        await resource.destroy(context, progress);
        break;
      } catch (error) {
        if (!(error instanceof ResourceError) || !error.ambiguous || round >= ROUNDS) throw error;
        progress(`${resource.name}: ${error.message.split('. ')[0]}; it may have been done: reading again`);
      }
    }
  }
}
