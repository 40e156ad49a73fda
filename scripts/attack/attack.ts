/** @module What every attack of `npm run attack` is made of. */

/** One line of an attack's result. */
export interface Verdict {
  readonly what: string;
  readonly figure: string;
  readonly bound: string;
  readonly holds: boolean;
}

/** One attack: on the system as it is, and on a variant with a fault put there on purpose, which it must find. */
export interface Attack {
  /** decoys, linkage, join, cover, races, taken-over, second-token */
  readonly name: string;
  /** One line for the list. */
  readonly summary: string;
  /** @param seed same seed, same draws  @param progress prints a line to stderr on long work */
  readonly run: (context: {
    readonly seed: number;
    readonly progress: (text: string) => void;
  }) => Promise<readonly Verdict[]>;
}
