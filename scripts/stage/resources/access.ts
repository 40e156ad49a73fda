/**
 * @module Access before the portal: an application on its host, who gets in, and service tokens of scripts. Nothing of Access stands before any other host: the administrators' API has its
 * own keys, and phones can't sign in. In one resource, for its parts name one another: tokens, then policies, then the application; the other way round where they go.
 */
import { policyWorks, readPolicies } from './access-policies.ts';
import { readTokens, tokenWorks } from './access-tokens.ts';
import { applicationWorks, readApplications } from './access-application.ts';
import type { FoundAccess, Ids } from './access-found.ts';
import type { Context } from './context.ts';
import { everything } from './lists.ts';
import { type Resource, type Work, resource } from './resource.ts';

async function read(context: Context): Promise<FoundAccess> {
  const { client, accountId, stage } = context;
  const wantsGroups = stage.access.staff.some((entry) => entry.startsWith('group '));
  const providers = wantsGroups
    ? await everything('identity providers', (options) =>
        client.zeroTrust.identityProviders.list({ account_id: accountId }, options),
      )
    : [];
  return {
    providers: providers.map(({ id = '', type, name }) => ({ id, type, name })),
    tokens: await readTokens(context),
    policies: await readPolicies(context),
    applications: await readApplications(context),
  };
}

function work(context: Context, found: FoundAccess): Work[] {
  const ids: Ids = { tokens: new Map(), policies: new Map() };
  const tokens = tokenWorks(context, found, ids);
  const policies = policyWorks(context, found, ids);
  const applications = applicationWorks(context, found, ids);
  return [
    ...tokens.wanted,
    ...policies.wanted,
    ...applications.wanted,
    ...applications.unwanted,
    ...policies.unwanted,
    ...tokens.unwanted,
  ];
}

function remove(context: Context, found: FoundAccess): Work[] {
  const { stage } = context;
  const nobody = { ...context, stage: { ...stage, access: { ...stage.access, services: [] } } };
  const ids: Ids = { tokens: new Map(), policies: new Map() };
  return [
    ...applicationWorks(nobody, found, ids, false).unwanted,
    ...policyWorks(nobody, found, ids, false).unwanted,
    ...tokenWorks(nobody, found, ids).unwanted,
  ].filter(({ difference }) => difference.foreign !== true);
}

/** Access before the portal. */
export const ACCESS: Resource<FoundAccess> = resource({
  name: 'access',
  phase: 'before-workers',
  rights: [
    'Account: Access: Apps and Policies Write',
    'Account: Access: Service Tokens Write',
    'Account: Access: Organizations, Identity Providers, and Groups Read',
  ],
  afterBreak:
    'the portal lets nobody in whom Access didn’t let in; a service token whose secret wasn’t sealed is worth nothing to anybody, and the next apply makes a new secret. Apply again',
  read,
  work,
  remove,
});
