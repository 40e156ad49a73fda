/** @module The objects of `verification` whose clock decides what is deleted (docs/architecture.md §11), and what its cron does. */
import type { ClockStatus } from '../../domain/clock-status.ts';
import { clocksOf, confirmAtSchedule } from '../shared/clocks.ts';
import { SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { logLine } from '../shared/log.ts';
import type { VerificationEnv } from './bindings.ts';
import { servicesOf } from './services.ts';
import { Shards } from './shards.ts';

/** @returns all objects of `verification`, by the names that an operator reads */
export function verificationObjects(env: VerificationEnv) {
  const shards = new Shards(env.TEST_SESSION).all().map((shard, n) => [`session-${n.toString(16)}`, shard] as const);
  const [ledger, desk] = [env.TAN_LEDGER.getByName('ledger'), env.CODE_DESK.getByName('desk')];
  const credentials = env.CREDENTIAL_DESK.getByName('desk');
  const codes = env.CODE_STORE.getByName('store');
  return { ledger, desk, credentials, codes, ...Object.fromEntries(shards) };
}

/** @param at Unix seconds that another clock says, or null to ask only */
export function verificationClocks(env: VerificationEnv, at: number | null): Promise<ClockStatus[]> {
  return clocksOf(verificationObjects(env), at);
}

const confirm = confirmAtSchedule<VerificationEnv>(verificationClocks);
/** The cron runs every five minutes; what is to be done once an hour is done by its first run of it. */
const FIRST_RUN_SECONDS = 300;

/** The cron's handler: clocks, then what tests of roaming people need (docs/credential.md). */
export async function scheduled(controller: { readonly scheduledTime: number }, env: VerificationEnv): Promise<void> {
  await confirm(controller, env);
  const { config, credentials, presentations } = servicesOf(env);
  if (config.credentials === null) return;
  const now = Math.floor(controller.scheduledTime / 1000);
  const unknown = await presentations.refreshLists(now);
  if (unknown.length > 0) logLine(`alert_status_list_unknown: ${unknown.join(', ')} (docs/credential.md)`);
  if (now % SECONDS_PER_HOUR < FIRST_RUN_SECONDS) await credentials.takeBackCorrected();
}
