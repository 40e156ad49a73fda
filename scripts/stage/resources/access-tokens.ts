/**
 * @module Service tokens of operators' scripts. The API shows a token's secret once, when it is made: it is sealed to the operator at once and never printed. A token without its sealed
 * secret (a break between the two) gets a new one; the former one is good for a day more, in case somebody has it after all.
 */
import type { Token, FoundAccess, Ids } from './access-found.ts';
import { gone } from './calls.ts';
import { differing } from './compare.ts';
import type { Context } from './context.ts';
import { everything } from './lists.ts';
import { tagsOf, tagOf } from './names.ts';
import type { Work } from './resource.ts';

/** A year: the longest that is usual, and a rotation a year is not too many. */
const DURATION = '8760h';
const DAY_MS = 86_400_000;
/** A token that ends within this is made good for a year more. */
const RENEW_MS = 60 * DAY_MS;

/**
 * Also what the portal's variable `OPERATOR_SERVICES` names tokens by: a token's id (scripts/stage/file/vars.ts). In an identity Access calls it `user_uuid`; that the two are the same no run
 * on a real account has shown.
 *
 * @returns this stage's tokens
 */
export async function readTokens({ client, accountId, stage, vault }: Context): Promise<Token[]> {
  const listed = await everything('service tokens', (options) =>
    client.zeroTrust.access.serviceTokens.list({ account_id: accountId }, options),
  );
  const tags = tagsOf(stage);
  const tokens: Token[] = [];
  for (const { id, name = '', duration, expires_at: expires } of listed) {
    if (id === undefined || !name.startsWith(tags)) continue;
    const service = name.slice(tags.length);
    tokens.push({
      id,
      name,
      service,
      duration: duration ?? null,
      expiresAt: expires === undefined ? null : Date.parse(expires),
      isSealed: await vault.has(service, id),
    });
  }
  return tokens;
}

/** @returns what is to be done about tokens: those of the stage's file, and those that it names no more */
export function tokenWorks(
  context: Context,
  { tokens }: FoundAccess,
  ids: Ids,
): { readonly wanted: Work[]; readonly unwanted: Work[] } {
  const { client, accountId, stage } = context;
  const left = new Set(tokens);
  const wanted = stage.access.services.map(({ name, person }): Work => {
    const there = tokens.find(({ service }) => service === name);
    const what = `service token ${name}`;
    if (there === undefined) {
      return {
        difference: {
          resource: what,
          action: 'create',
          fields: differing(null, { person, duration: DURATION, secret: 'sealed to the operator' }),
        },
        run: () => make(context, name, ids),
      };
    }
    left.delete(there);
    ids.tokens.set(name, there.id);
    return keptToken(context, there, what);
  });
  const unwanted = [...left].map(({ id, name }): Work => ({
    difference: { resource: `service token ${name}`, action: 'delete', fields: [] },
    run: () => gone(client.zeroTrust.access.serviceTokens.delete(id, { account_id: accountId })),
  }));
  return { wanted, unwanted };
}

async function make({ client, accountId, stage, vault }: Context, service: string, ids: Ids): Promise<void> {
  const made = await client.zeroTrust.access.serviceTokens.create({
    account_id: accountId,
    name: tagOf(stage, service),
    duration: DURATION,
  });
  if (made.id === undefined) throw new Error('half an answer: a service token without its id');
  ids.tokens.set(service, made.id);
  // A break here leaves a token whose secret nobody has: the next plan says so, and makes another secret.
  await vault.seal(service, made.id, secretText(made));
}

function keptToken(context: Context, { id, service, duration, expiresAt, isSealed }: Token, what: string): Work {
  const { client, accountId, vault } = context;
  const ends = expiresAt !== null && expiresAt - context.now() < RENEW_MS;
  const found = {
    duration,
    secret: isSealed ? 'sealed' : 'not sealed here',
    expires: expiresAt === null ? null : new Date(expiresAt).toISOString().slice(0, 10),
  };
  const wanted = { duration: DURATION, secret: 'sealed', expires: ends ? 'in a year' : found.expires };
  const fields = differing(found, wanted);
  if (fields.length === 0) return { difference: { resource: what, action: 'keep', fields } };
  const tokens = client.zeroTrust.access.serviceTokens;
  return {
    difference: { resource: what, action: 'change', fields },
    async run() {
      if (duration !== DURATION) await tokens.update(id, { account_id: accountId, duration: DURATION });
      if (ends) await tokens.refresh(id, { account_id: accountId });
      if (isSealed) return;
      const former = new Date(context.now() + DAY_MS).toISOString();
      const rotated = await tokens.rotate(id, { account_id: accountId, previous_client_secret_expires_at: former });
      await vault.seal(service ?? '', id, secretText(rotated));
    },
  };
}

/** As a shell reads it: `age --decrypt` of the file gives the two variables that commands look at. */
function secretText({
  client_id: id,
  client_secret: secret,
}: {
  readonly client_id?: string;
  readonly client_secret?: string;
}): string {
  if (id === undefined || secret === undefined) throw new Error('half an answer: a service token without its secret');
  return `CLOUDFLARE_ACCESS_CLIENT_ID=${id}\nCLOUDFLARE_ACCESS_CLIENT_SECRET=${secret}\n`;
}
