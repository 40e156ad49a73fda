/** @module The objects of `laboratory` whose clock decides what is deleted (docs/architecture.md §11). */
import type { ClockStatus } from '../../domain/clock-status.ts';
import { clocksOf, confirmAtSchedule } from '../shared/clocks.ts';
import type { LaboratoryEnv } from './bindings.ts';
import { listObject, SHARDS } from './shards.ts';

/** @returns all objects of `laboratory`, by the names that an operator reads */
export function laboratoryObjects({ RESULT_STORE }: LaboratoryEnv) {
  const shards = SHARDS.map((name) => [`results-${name}`, RESULT_STORE.getByName(name)] as const);
  return { ...Object.fromEntries(shards), 'laboratory-list': listObject(RESULT_STORE) };
}

/** @param at Unix seconds that another clock says, or null to ask only */
export function laboratoryClocks(env: LaboratoryEnv, at: number | null): Promise<ClockStatus[]> {
  const objects = SHARDS.map((name) => [`results-${name}`, env.RESULT_STORE.getByName(name)] as const);
  return clocksOf(Object.fromEntries(objects), at);
}

/** The cron's handler. */
export const scheduled = confirmAtSchedule<LaboratoryEnv>(laboratoryClocks);
