/**
 * @module What every resource is given: the stage, the account's API, the zone, and where secrets that the API shows once are sealed.
 */
import type Cloudflare from 'cloudflare';
import type { Account } from '../account.ts';
import { clientOf } from './client.ts';
import { told } from './failure.ts';
import { everything } from './lists.ts';
import { hostFields } from './stage-hosts.ts';
import type { StageOfResources } from './stage-part.ts';

/** Where secrets that the API shows once are kept: sealed to the operator, never in clear (scripts/stage/secrets/vault.ts). */
export interface Vault {
  /** @returns whether what belongs to this id is sealed here */
  has(name: string, id: string): Promise<boolean>;
  /** Seals a text and returns when it is durable. */
  seal(name: string, id: string, text: string): Promise<void>;
}

/** What a resource works with. */
export interface Context {
  readonly stage: StageOfResources;
  readonly accountId: string;
  readonly zone: { readonly id: string; readonly name: string };
  readonly client: Cloudflare;
  readonly vault: Vault;
  /** Unix milliseconds. */
  now(): number;
}

/** What a context is made of. */
export interface Opening {
  readonly stage: StageOfResources;
  readonly account: Pick<Account, 'id' | 'apiBase' | 'token'>;
  readonly vault: Vault;
  /** How often a call is sent again; left out: as client.ts has it. */
  readonly retries?: number;
}

/**
 * Finds the stage's zone, and that its hosts are in no other one of the account.
 *
 * @param opening see {@link Opening}
 * @returns what resources work with
 * @throws ResourceError when the account can't be read, hasn't the zone, or a host belongs to another zone; it names field and rule
 */
export async function openContext({ stage, account, vault, retries }: Opening): Promise<Context> {
  const client = clientOf(account, retries);
  const doing = { resource: `zone ${stage.zone}`, afterBreak: 'nothing was changed', rights: ['Zone: Zone Read'] };
  return told(doing, async () => {
    const zones = await everything('zones', (options) => client.zones.list({ account: { id: account.id } }, options));
    const zone = zones.find(({ name }) => name === stage.zone);
    if (zone === undefined) {
      const names = zones.map(({ name }) => name).join(', ');
      throw new Error(`field zone: must be a zone of the account, which has ${names === '' ? 'none' : names}`);
    }
    if (zone.status !== undefined && zone.status !== 'active') {
      throw new Error(`field zone: must be active, and is ${zone.status}: its name servers aren't Cloudflare's yet`);
    }
    for (const [field, host] of hostFields(stage)) {
      const [closest] = zones
        .map(({ name }) => name)
        .filter((name) => host === name || host.endsWith(`.${name}`))
        .toSorted((a, b) => b.length - a.length);
      // A zone of its own for a part of the name takes it over: what is set up here would not be seen there.
      if (closest !== stage.zone) {
        const where = closest === undefined ? 'in no zone of the account' : `in the zone ${closest} of the account`;
        throw new Error(
          `field hosts.${field}: ${host} must be in the zone ${stage.zone}, and is ${where}; all hosts of a stage are in one zone`,
        );
      }
    }
    return {
      stage,
      accountId: account.id,
      zone: { id: zone.id, name: zone.name },
      client,
      vault,
      now: () => Date.now(),
    };
  });
}
