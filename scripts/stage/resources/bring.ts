/**
 * @module Brings resources to what the stage's file says. Each is read first, so that whatever a break left is where the next apply begins; and read again at the end, for an API that says
 * "done" may have done half.
 */
import type { Context } from './context.ts';
import { ResourceError } from './failure.ts';
import { type Difference, type Progress, type Resource, fieldText } from './resource.ts';

/** How often a resource is read and gone on with without getting nearer, after calls of which nobody knows whether they were done. */
const ROUNDS = 3;

/** @returns whether an apply has something to do with it, or refuses it: drift, for a check */
export const isDrift = ({ action }: Difference): boolean => action !== 'keep';

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
  const rounds = new Rounds(resource, progress);
  for (;;) {
    const differences = resource.plan(context, await resource.read(context)).filter(isDrift);
    if (differences.length === 0) return done;
    if (!rounds.goOn(differences.length)) throw stubborn(resource, differences);
    await rounds.run(() => resource.apply(context, differences, count));
  }
}

/** Goes on after a call of which nobody knows whether it was done, as long as that gets nearer. */
class Rounds {
  readonly #resource: Resource;
  readonly #progress: Progress;
  #left = ROUNDS;
  #nearest = Number.POSITIVE_INFINITY;

  constructor(resource: Resource, progress: Progress) {
    [this.#resource, this.#progress] = [resource, progress];
  }

  /** @param todo how much is left to do @returns whether there is another round */
  goOn(todo: number): boolean {
    if (todo < this.#nearest) [this.#nearest, this.#left] = [todo, ROUNDS];
    this.#left -= 1;
    return this.#left >= 0;
  }

  /** @throws ResourceError unless it failed in a way that another reading may show to have succeeded */
  async run(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof ResourceError) || !error.ambiguous || this.#left === 0) throw error;
      this.#progress(`${this.#resource.name}: ${error.brief}; it may have been done: reading again`);
    }
  }
}

/** The API said that it was done, each time. */
function stubborn({ name, afterBreak }: Resource, differences: readonly Difference[]): ResourceError {
  const what = differences.map(({ resource, fields }) => `${resource} (${fields.map(fieldText).join(', ')})`);
  const brief = `${name}: the account still differs after ${ROUNDS} times, though the API said that it was done: ${what.join('; ')}`;
  return new ResourceError({ brief, rest: `What is left: ${afterBreak}` });
}
