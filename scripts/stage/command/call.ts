/** @module One call of a stage's command: what was given, and how it speaks. A rehearsal makes calls of its own. */
import type { Io } from '../../support/command-line/command.ts';
import { endAtInterrupt } from '../../support/command-line/interrupt.ts';
import type { Fault } from '../double/faults.ts';
import { withRollout } from './open-rollout.ts';
import type { NamedStage } from './stage-file.ts';
import type { Rollout } from '../steps/rollout.ts';

/** See the module. */
export interface Call extends NamedStage {
  /** File of the operator's identity; null: the double's. */
  readonly identity: string | null;
  /** What CLOUDFLARE_API_TOKEN says. */
  readonly token: string | undefined;
  /** init: folder of secrets that others gave. */
  readonly bring: string | null;
  /** apply: what somebody changed by hand may be lost. */
  readonly overwrite: boolean;
  /** destroy: objects in buckets may go too. */
  readonly withData: boolean;
  /** rollback: from which release; null: the latest. */
  readonly release: number | null;
  /** rotate: which. */
  readonly secret: string | null;
  /** rotate: only says what it would do. */
  readonly dryRun: boolean;
  /** rotate: what a person does outside before the phase is done. */
  readonly told: boolean;
  /** rotate: the key leaked, and goes without overlap. */
  readonly leaked: boolean;
  /** Reads what a person types, a line. */
  readonly typed: () => Promise<string>;
  readonly io: Pick<Io, 'say' | 'progress' | 'print'>;
  /** Of the double, in a rehearsal. */
  readonly faults?: readonly Fault[];
}

/** A command: does its work, says and prints, returns the exit code. */
export type StageCommand = (call: Call) => Promise<number>;

/** @param call see {@link Call} @param use works with the stage's opened account @returns what `use` returns */
export function opened<T>(call: Call, use: (rollout: Rollout) => Promise<T>): Promise<T> {
  const { identity, token, faults = [], io } = call;
  return withRollout(call, { identity, token, faults, say: io.say }, use);
}

/**
 * As {@link opened}, for what changes the account under its lock: Ctrl-C in the midst of it says what is left, since nothing can be called any more then.
 *
 * @param call see {@link Call}
 * @param use works with it
 * @returns what `use` returns
 */
export async function openedToChange<T>(call: Call, use: (rollout: Rollout) => Promise<T>): Promise<T> {
  const { name } = call.stage;
  const forget = endAtInterrupt(() => {
    process.stderr.write(
      `interrupted: the step that it was in may be done or not. npm run stage -- check ${name} says what is left; the lock stays until npm run stage -- unlock ${name}\n`,
    );
  });
  try {
    return await opened(call, use);
  } finally {
    forget();
  }
}

/**
 * Lets a person type the stage's name before something that can't be taken back.
 *
 * @param call see {@link Call}
 * @param about what is about to happen
 * @returns whether it was typed
 */
export async function nameTyped({ stage, typed, io }: Call, about: string): Promise<boolean> {
  io.say(`${about} Type the stage's name, ${stage.name}, to go on:`);
  const name = (await typed()).trim();
  if (name === stage.name) return true;
  io.say(`"${name}" is not ${stage.name}: nothing was done`);
  return false;
}
