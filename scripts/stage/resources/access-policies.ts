/** @module Who gets in to the portal: staff, operators, and service tokens. A policy each; what somebody added to one by hand is found and taken out again. */
import type { AccessRuleParam } from 'cloudflare/resources/zero-trust/access/applications/policies';
import type { Policy, FoundAccess, Ids } from './access-found.ts';
import { emailRule, staffRules } from './access-rules.ts';
import { gone } from './calls.ts';
import { differing } from './compare.ts';
import type { Context } from './context.ts';
import type { StageOfResources } from './stage-part.ts';
import { everything } from './lists.ts';
import { tagOf, tagsOf } from './names.ts';
import type { Work } from './resource.ts';

/** @returns this stage's policies */
export async function readPolicies({ client, accountId, stage }: Context): Promise<Policy[]> {
  const listed = await everything('policies of Access', (options) =>
    client.zeroTrust.access.policies.list({ account_id: accountId }, options),
  );
  return listed.flatMap(({ id, name = '', decision, include = [], exclude = [], require = [] }) =>
    id !== undefined && name.startsWith(tagsOf(stage))
      ? [{ id, name, decision: decision ?? null, include, exclude, require }]
      : [],
  );
}

/** @returns names of the policies that a stage wants, in the order in which Access asks them */
export const wantedPolicies = ({ access }: StageOfResources): string[] => [
  'staff',
  'operators',
  ...(access.services.length > 0 ? ['services'] : []),
];

/** In a plan, for a token that an apply makes first. */
const NOT_MADE = 'made by the apply';

/** @returns what is to be done about policies: those of the stage's file, and those that it names no more */
export function policyWorks(
  context: Context,
  { policies, providers }: FoundAccess,
  ids: Ids,
  isWanted = true,
): { readonly wanted: Work[]; readonly unwanted: Work[] } {
  const { client, accountId, stage } = context;
  const left = new Set(policies);
  const wanted = (isWanted ? wantedPolicies(stage) : []).map((name): Work => {
    // Asked again when it is sent: by then the tokens are made.
    const body = () => ({
      name: tagOf(stage, name),
      decision: name === 'services' ? ('non_identity' as const) : ('allow' as const),
      include: includes(stage, name, providers, ids),
      exclude: [],
      require: [],
    });
    const { name: tag, ...comparable } = body();
    const there = policies.find((one) => one.name === tag);
    const what = `Access policy ${name}`;
    if (there === undefined) {
      return {
        difference: { resource: what, action: 'create', fields: differing(null, comparable) },
        async run() {
          const { id } = await client.zeroTrust.access.policies.create({ account_id: accountId, ...body() });
          if (id === undefined) throw new Error('half an answer: a policy without its id');
          ids.policies.set(name, id);
        },
      };
    }
    left.delete(there);
    ids.policies.set(name, there.id);
    const fields = differing({ ...there }, comparable);
    if (fields.length === 0) return { difference: { resource: what, action: 'keep', fields } };
    return {
      difference: { resource: what, action: 'change', fields },
      run: () => client.zeroTrust.access.policies.update(there.id, { account_id: accountId, ...body() }),
    };
  });
  const unwanted = [...left].map(({ id, name }): Work => ({
    difference: { resource: `Access policy ${name} (${id})`, action: 'delete', fields: [] },
    run: () => gone(client.zeroTrust.access.policies.delete(id, { account_id: accountId })),
  }));
  return { wanted, unwanted };
}

function includes(
  { access }: StageOfResources,
  name: string,
  providers: FoundAccess['providers'],
  { tokens }: Ids,
): AccessRuleParam[] {
  if (name === 'staff') return staffRules(access.staff, providers);
  if (name === 'operators') return access.operators.map(emailRule);
  return access.services.map((service) => ({ service_token: { token_id: tokens.get(service.name) ?? NOT_MADE } }));
}
