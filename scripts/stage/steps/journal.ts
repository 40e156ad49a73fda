/**
 * @module The journal of an apply, `.stage/<name>/apply.json`: which steps were done, and in which one it is. It is what a person reads after a break; what is still to be done is read from
 * the account, so a lost journal costs nothing but its words.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeWhole } from '../../../local-edge/state-format.ts';
import type { StagePlaces } from '../file/places.ts';

/** One thing that a run does. */
export interface Step {
  /** For a person: `upload: traffic to the new version`. */
  readonly name: string;
  /** What a break in the midst of it leaves. */
  readonly leaves: string;
  /** How to go on after it. */
  readonly again: string;
  /** @throws whatever failed; nothing after it runs */
  run(): Promise<void>;
}

/** What lies in the file. */
export interface Journal {
  readonly command: string;
  /** ISO 8601. */
  readonly began: string;
  readonly commit: string | null;
  readonly done: readonly string[];
  /** Null: between two. */
  readonly current: { readonly name: string; readonly leaves: string; readonly again: string } | null;
}

const fileOf = (places: Pick<StagePlaces, 'work'>): string => join(places.work, 'apply.json');

/** @returns what a run left that didn't end, or null */
export function readJournal(places: Pick<StagePlaces, 'work'>): Journal | null {
  const file = fileOf(places);
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Journal;
  } catch {
    return null; // cut off while it was new: nothing had begun
  }
}

/** A step that failed. */
class StepError extends Error {
  readonly step: string;

  constructor(step: Step, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`${step.name}: ${why}\nWhat is left: ${step.leaves}\nTo go on: ${step.again}`, { cause });
    this.name = 'StepError';
    this.step = step.name;
  }
}

/**
 * Runs steps in order; says each before it begins.
 *
 * @param steps in order
 * @param run.places where the journal lies
 * @param run.command for the journal
 * @param run.commit for the journal
 * @param run.say a line for a person
 * @throws StepError naming the step, what it leaves and how to go on
 */
export async function runSteps(
  steps: AsyncIterable<Step> | Iterable<Step>,
  run: {
    readonly places: Pick<StagePlaces, 'work'>;
    readonly command: string;
    readonly commit: string | null;
    readonly say: (line: string) => void;
  },
): Promise<readonly string[]> {
  const file = fileOf(run.places);
  const began = new Date().toISOString();
  const done: string[] = [];
  mkdirSync(dirname(file), { recursive: true });
  const note = (current: Journal['current']): void =>
    writeWhole(
      file,
      `${JSON.stringify({ command: run.command, began, commit: run.commit, done, current } satisfies Journal, null, 2)}\n`,
    );
  for await (const step of steps) {
    const { name, leaves, again } = step;
    try {
      note({ name, leaves, again });
      run.say(name);
      await step.run();
    } catch (error) {
      throw new StepError(step, error);
    }
    done.push(name);
  }
  rmSync(file, { force: true });
  return done;
}
