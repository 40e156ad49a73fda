/** @module All clocks that decide what is published and deleted, as an operator asks for them (docs/architecture.md §11). */
import type { ClockStatus } from '../../domain/clock-status.ts';
import { clocksOf, confirmAtSchedule } from '../shared/clocks.ts';
import type { PortalEnv } from './bindings.ts';

const ownClocks = (env: PortalEnv, at: number | null): Promise<ClockStatus[]> =>
  clocksOf({ 'staff-room': env.STAFF_ROOM.getByName('room') }, at);

/** The cron's handler: for the portal's own object; the other Workers have crons of their own. */
export const scheduled = confirmAtSchedule<PortalEnv>(ownClocks);

/**
 * @param at Unix seconds that an operator confirms, or null to ask only
 * @returns the clocks of every object
 */
export async function allClocks(env: PortalEnv, at: number | null): Promise<ClockStatus[]> {
  const offices = [env.ORIGIN, env.VERIFICATION, env.LABORATORY, env.FEDERATION];
  const asked = offices.map((office) => (at === null ? office.clocks() : office.confirmClocks(at)));
  return (await Promise.all([...asked, ownClocks(env, at)])).flat();
}
