/** @module The objects of `verification` whose clock decides what is deleted (docs/architecture.md §11). */
import type { ClockStatus } from '../../domain/clock-status.ts';
import { clocksOf, confirmAtSchedule } from '../shared/clocks.ts';
import type { VerificationEnv } from './bindings.ts';
import { Shards } from './shards.ts';

/** @returns all objects of `verification`, by the names that an operator reads */
export function verificationObjects(env: VerificationEnv) {
  const shards = new Shards(env.TEST_SESSION).all().map((shard, n) => [`session-${n.toString(16)}`, shard] as const);
  const [ledger, desk] = [env.TAN_LEDGER.getByName('ledger'), env.CODE_DESK.getByName('desk')];
  return { ledger, desk, ...Object.fromEntries(shards) };
}

/** @param at Unix seconds that another clock says, or null to ask only */
export function verificationClocks(env: VerificationEnv, at: number | null): Promise<ClockStatus[]> {
  return clocksOf(verificationObjects(env), at);
}

/** The cron's handler. */
export const scheduled = confirmAtSchedule<VerificationEnv>(verificationClocks);
