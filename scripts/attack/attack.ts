/**
 * @module What an attack on the promises of docs/privacy.md and docs/threat-model.md is. Each also attacks a system that was
 * weakened on purpose, and a verdict says whether the fault was found: an attack that went blind fails.
 */

/** One line: what was tried, what came out, what it is held against. */
export interface Verdict {
  readonly what: string;
  readonly figure: string;
  readonly bound: string;
  readonly holds: boolean;
}

export interface Attack {
  readonly name: string;
  /** One line for the list. */
  readonly summary: string;
  /** @param context.seed same seed, same draws @param context.progress prints a line on long work */
  readonly run: (context: {
    readonly seed: number;
    readonly progress: (text: string) => void;
  }) => Promise<readonly Verdict[]>;
}
