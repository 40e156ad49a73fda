/** @module What people do in a dashboard on a bad day: a limit loosened, a rule of their own, a secret changed. By the account's API, past every command of a stage. */
import type { Context } from '../resources/context.ts';
import { scriptName } from '../wrangler/order.ts';

const LIMITS = 'http_ratelimit';

/** Switches the first rate limit of the zone off. */
export async function limitOff({ client, zone }: Context): Promise<void> {
  const zoneId = zone.id;
  const { id, rules } = await client.rulesets.phases.get(LIMITS, { zone_id: zoneId });
  const [rule] = rules;
  if (rule?.id === undefined) throw new Error('the zone has no rate limit');
  const { action, expression, description, action_parameters: parameters, ratelimit } = rule;
  // The library has a type for each action; what is sent back is what was read.
  const fields = { action, expression, description, action_parameters: parameters, ratelimit, enabled: false };
  await client.patch(`/zones/${zoneId}/rulesets/${id}/rules/${rule.id}`, { body: fields });
}

/** Gives `upload` another secret than the stage has: a version that no apply made, with all the traffic. */
export async function secretChanged({ client, accountId, stage }: Context): Promise<void> {
  await client.workers.scripts.secrets.update(scriptName('upload', stage.workers.prefix), {
    account_id: accountId,
    name: 'DIGEST_KEY',
    text: Buffer.alloc(32, 1).toString('base64'),
    type: 'secret_text',
  });
}
