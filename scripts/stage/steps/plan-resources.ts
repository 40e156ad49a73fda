/** @module What an apply would do to what is no Worker. */
import type { Difference, Phase } from '../resources/resource.ts';
import type { Rollout } from './rollout.ts';

/**
 * Reads the account and changes nothing.
 *
 * @param rollout see {@link Rollout}
 * @returns what an apply would do to what is no Worker, in order
 * @throws ResourceError
 */
export async function planResources({ resources, context }: Rollout, phase: Phase): Promise<Difference[]> {
  const planned: Difference[] = [];
  for (const resource of resources.filter((each) => each.phase === phase)) {
    planned.push(...resource.plan(context, await resource.read(context)));
  }
  return planned;
}
