/**
 * @module What `origin` does with events that aren't RPC: it has no route, so every request is answered 404, and the
 * cron is the watchdog that wakes objects whose alarm was lost, tells them the time of its schedule, and logs their alerts.
 */
import { reportHeldClocks } from '../shared/clocks.ts';
import { logLine } from '../shared/log.ts';
import { originClocks, originObjects, type OriginEnv } from './bindings.ts';

export const originHandler = {
  fetch(): Response {
    return new Response(null, { status: 404, headers: { 'cache-control': 'no-store' } });
  },

  async scheduled({ scheduledTime }: { readonly scheduledTime: number }, env: OriginEnv): Promise<void> {
    const { buffer, publisher, parameters } = originObjects(env);
    reportHeldClocks(await originClocks(env, Math.floor(scheduledTime / 1000)));
    // Neither waits for the other's trouble.
    await Promise.allSettled([publisher.wake(), parameters.advance()]);
    const alerts = await Promise.allSettled([buffer.newAlerts(), publisher.newAlerts(), parameters.newAlerts()]);
    // Names of counters and how far they went up since the last cron; no name of an object, no content.
    const lines = alerts.flatMap((one) => (one.status === 'fulfilled' ? Object.entries(one.value) : []));
    for (const [name, count] of lines) logLine(`${name}: ${count} more`);
  },
};
