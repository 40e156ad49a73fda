/**
 * @module The clock as a port (docs/architecture.md §11): everything that asks for the time gets it handed in.
 */

/** @returns seconds since the Unix epoch; a promise where the clock is another Worker (the local edge alone) */
export type Clock = () => number | Promise<number>;
