/**
 * @module The CLOCK binding (docs/architecture.md §11): the time of the local edge, which its driver moves. Only entries in this
 * folder import it, and none of them is deployed; test/integration/bundles.long.test.ts reads the bundles.
 */
import { env } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';

/** What the clock Worker offers to its neighbours. */
export interface ClockRpc {
  /** @returns Unix seconds */
  now(): Promise<number>;
  /** @returns Unix seconds that the objects' second source of time says */
  second(): Promise<number>;
}

const worker = (): ClockRpc => (env as unknown as { readonly CLOCK: ClockRpc }).CLOCK;

/** Asks the clock Worker. */
export const clock: Clock = () => worker().now();

/**
 * @param scheduled a Worker's cron handler
 * @returns the same, told the second source's time in place of the machine's
 */
export function atLocalTime<Env>(
  scheduled: (controller: { readonly scheduledTime: number }, bindings: Env) => Promise<void>,
) {
  return async (_controller: unknown, bindings: Env): Promise<void> => {
    await scheduled({ scheduledTime: (await secondClock()) * 1000 }, bindings);
  };
}

/** The second source of time: whoever moves the local clock is its operator, and so confirms it unless they say otherwise. */
export const secondClock = (): Promise<number> => worker().second();
