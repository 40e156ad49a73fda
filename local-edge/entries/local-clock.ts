/**
 * @module The CLOCK binding (docs/architecture.md §11): the time of the local edge, which its driver moves. Only entries in this
 * folder import it, and none of them is deployed; test/integration/bundles.test.ts reads the bundles.
 */
import { env } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';

/** What the clock Worker offers to its neighbours. */
export interface ClockRpc {
  /** @returns Unix seconds */
  now(): Promise<number>;
}

/** Asks the clock Worker. */
export const clock: Clock = () => (env as unknown as { readonly CLOCK: ClockRpc }).CLOCK.now();
