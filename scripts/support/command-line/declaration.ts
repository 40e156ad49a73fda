/**
 * @module What a command says about itself: from it come its help, what it accepts, and what it refuses.
 */
import type { Arguments } from './arguments.ts';

/** Called wrongly: the message says how, and the exit code is 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** A command. */
export interface Declaration<O extends Arguments = Arguments, P extends Arguments = Arguments> {
  /** As it is typed: `npm run fuzz`. */
  readonly name: string;
  /** What it does, what it writes, what makes it fail: whole sentences. */
  readonly summary: string;
  /** By name, without the dashes. */
  readonly options?: O;
  /** In their order, by the name that the help writes in capitals. */
  readonly positionals?: P;
  /** Everything from the first word on belongs to another program. */
  readonly passesOn?: { readonly placeholder: string; readonly about: string };
  /** What else there is to know, as it is printed. */
  readonly notes?: string;
  /** Calls that work. */
  readonly examples?: readonly string[];
  /** Exit codes beside those that all commands have, or what 1 means here. */
  readonly exitCodes?: string;
  /**
   * It computes without a pause and leaves nothing behind: Ctrl-C ends it at once, by the signal itself. A listener would
   * run only when the computation is over.
   */
  readonly computes?: boolean;
}
