/**
 * @module What every Worker with objects does at its cron: it tells each of them the instant that Cloudflare's schedule
 * names, which is a clock beside the object's own, and says in the log which don't believe theirs (docs/architecture.md §11). An object that
 * is told the time sees to its alarm, so the cron is the alarms' watchdog (docs/decisions/032).
 */
import type { ClockStatus } from '../../domain/clock-status.ts';
import { logLine } from './log.ts';

/** An object that can be asked for its clock; told the time, it also sets its alarm anew if that was lost. */
export interface Clocked {
  clockStatus(object: string, at: number | null): Promise<ClockStatus>;
}

/**
 * @param objects name → object
 * @param at Unix seconds that another clock says, or null to ask only
 * @returns each object's clock; one that isn't reached is left out, since it does nothing either
 */
export async function clocksOf(objects: Readonly<Record<string, Clocked>>, at: number | null): Promise<ClockStatus[]> {
  const asked = Object.entries(objects).map(([name, object]) => object.clockStatus(name, at));
  const told = await Promise.allSettled(asked);
  return told.flatMap((one) => (one.status === 'fulfilled' ? [{ ...one.value }] : []));
}

/** One log line while there is any clock that isn't believed: names of objects alone. */
export function reportHeldClocks(clocks: readonly ClockStatus[]): void {
  const held = clocks.filter((clock) => clock.held).map(({ object }) => object);
  if (held.length > 0) logLine(`alert_clock_held: ${held.join(', ')} (docs/deploy.md, "A clock that isn't believed")`);
}

/**
 * @param confirm tells all of a Worker's objects the time
 * @returns a handler of the cron
 */
export function confirmAtSchedule<Env>(confirm: (env: Env, at: number) => Promise<ClockStatus[]>) {
  return async ({ scheduledTime }: { readonly scheduledTime: number }, env: Env): Promise<void> => {
    reportHeldClocks(await confirm(env, Math.floor(scheduledTime / 1000)));
  };
}
