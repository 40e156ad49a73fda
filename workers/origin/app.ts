/**
 * @module What `origin` does with events that aren't RPC: it has no route, so every request is answered 404, and the
 * cron is the watchdog that wakes objects whose alarm was lost.
 */
import { originObjects, type OriginEnv } from './bindings.ts';

export const originHandler = {
  fetch(): Response {
    return new Response(null, { status: 404, headers: { 'cache-control': 'no-store' } });
  },

  async scheduled(_controller: unknown, env: OriginEnv): Promise<void> {
    const { publisher, parameters } = originObjects(env);
    // Neither waits for the other's trouble.
    await Promise.allSettled([publisher.wake(), parameters.advance()]);
  },
};
