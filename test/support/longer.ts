/**
 * @module Tests with a longer form: `npm test` runs as many cases as prove the point, `npm run test:long` those that have a longer form,
 * in the files that import this one, with many more. CI does both.
 */
import { describe, inject, it } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Whether this is `npm run test:long` (vitest.config.ts). */
    readonly longer: boolean;
  }
}

/**
 * @param choice what `npm test` takes, and what `npm run test:long` does
 * @returns the one that this run takes
 */
export function usualOrLong<T>(choice: { readonly usual: T; readonly long: T }): T {
  return inject('longer') ? choice.long : choice.usual;
}

/** Declares a test. */
type Declare = typeof it;

/** Declares none, in any of the ways to declare one. */
const nothing = Object.assign(() => undefined, { for: () => () => undefined }) as unknown as Declare;

/** A slow proof among quick ones: only `npm run test:long` knows of it, so that `npm test` skips nothing. */
export const itLong: Declare = inject('longer') ? it : nothing;

/** A quick one beside slow proofs, which `npm run test:long` needn't repeat. */
export const itUsual: Declare = inject('longer') ? nothing : it;

/** The same for a group of nothing else: a group without a test is an error. */
export const describeLong: typeof describe.skip = inject('longer')
  ? describe
  : ((() => undefined) as unknown as typeof describe.skip);
