/**
 * @module Cloudflare Access: applications and policies.
 */
import { randomBytes } from 'node:crypto';
import { paged, Refusal } from '../refusal.ts';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import type { Json } from '../schemas/validate.ts';
import type { Account } from '../state.ts';
import { ACCESS, changed, findIn, removeFrom, stamped } from './access-lists.ts';

function requireTokens(account: Account, body: Json): void {
  const rules = ['include', 'require', 'exclude'].flatMap((key) => (body[key] ?? []) as Json[]);
  for (const rule of rules) {
    const id = (rule['service_token'] as { token_id?: string } | undefined)?.token_id;
    if (id !== undefined && !account.accessServiceTokens.some((token) => token['id'] === id)) {
      throw new Refusal(400, 12_130, `access.api.error.invalid_request: there is no service token ${id}`);
    }
  }
}

interface PolicyLink {
  readonly id?: string;
  readonly precedence?: number;
}

/** An application names its policies; what is read has them whole, in order. */
function withPolicies(account: Account, application: Json): Json {
  const links = ((application['policies'] ?? []) as (PolicyLink | string)[]).map((link, index) =>
    typeof link === 'string' ? { id: link, precedence: index + 1 } : { precedence: index + 1, ...link },
  );
  const policies = links
    .toSorted((a, b) => a.precedence - b.precedence)
    .map(({ id, precedence }) => ({
      ...account.accessPolicies.find((policy) => policy['id'] === id),
      precedence,
      reusable: true,
    }));
  return { ...application, policies };
}

function requireApplication(account: Account, body: Json, id?: string): void {
  const domain = String(body['domain']);
  const [host = ''] = domain.split('/');
  if (!account.zones.some(({ name }) => host === name || host.endsWith(`.${name}`))) {
    throw new Refusal(
      400,
      12_130,
      `access.api.error.invalid_request: domain '${domain}' does not belong to a zone of the account`,
    );
  }
  for (const link of (body['policies'] ?? []) as (PolicyLink | string)[]) {
    const policy = typeof link === 'string' ? link : link.id;
    if (!account.accessPolicies.some((known) => known['id'] === policy)) {
      throw new Refusal(
        400,
        12_130,
        `access.api.error.invalid_request: there is no policy ${policy ?? 'without an id'}`,
      );
    }
  }
  if (account.accessApplications.some((known) => known['domain'] === domain && known['id'] !== id)) {
    throw new Refusal(409, 12_132, `access.api.error.application_already_exists: ${domain}`);
  }
}

function createApplication({ account, body }: Context): Json {
  requireApplication(account, body as Json);
  const made = { ...stamped(body), aud: randomBytes(32).toString('hex') };
  account.accessApplications.push(made);
  return withPolicies(account, made);
}

function changeApplication(context: Context): Json {
  const before = findIn('accessApplications')(context);
  requireApplication(context.account, context.body as Json, String(before['id']));
  return withPolicies(context.account, changed(before, context.body));
}

function createPolicy({ account, body }: Context): Json {
  requireTokens(account, body as Json);
  const made = { ...stamped(body), reusable: true };
  account.accessPolicies.push(made);
  return made;
}

function refuseUsedPolicy({ account }: Context, gone: Json): void {
  const user = account.accessApplications.find((application) =>
    ((application['policies'] ?? []) as (PolicyLink | string)[]).some(
      (link) => (typeof link === 'string' ? link : link.id) === gone['id'],
    ),
  );
  if (user !== undefined) {
    throw new Refusal(400, 12_130, `access.api.error.invalid_request: the policy is used by ${String(user['name'])}`);
  }
}

const apps = RIGHTS.accessApps;

/** Applications and policies. */
export const ACCESS_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: `${ACCESS}/apps`,
    right: apps,
    params: 'ApplicationListParams',
    handle: ({ account, query }) =>
      paged(
        account.accessApplications
          .filter(({ name, domain }) => (query['name'] ?? name) === name && (query['domain'] ?? domain) === domain)
          .map((application) => withPolicies(account, application)),
        query,
      ),
  },
  { method: 'POST', path: `${ACCESS}/apps`, right: apps, params: 'ApplicationCreateParams', handle: createApplication },
  {
    method: 'GET',
    path: `${ACCESS}/apps/:id`,
    right: apps,
    handle: (context) => withPolicies(context.account, findIn('accessApplications')(context)),
  },
  {
    method: 'PUT',
    path: `${ACCESS}/apps/:id`,
    right: apps,
    params: 'ApplicationUpdateParams',
    handle: changeApplication,
  },
  {
    method: 'DELETE',
    path: `${ACCESS}/apps/:id`,
    right: apps,
    handle: removeFrom('accessApplications', () => undefined),
  },
  {
    method: 'GET',
    path: `${ACCESS}/policies`,
    right: apps,
    params: 'PolicyListParams',
    handle: ({ account, query }) => paged(account.accessPolicies, query),
  },
  { method: 'POST', path: `${ACCESS}/policies`, right: apps, params: 'PolicyCreateParams', handle: createPolicy },
  { method: 'GET', path: `${ACCESS}/policies/:id`, right: apps, handle: findIn('accessPolicies') },
  {
    method: 'PUT',
    path: `${ACCESS}/policies/:id`,
    right: apps,
    params: 'PolicyUpdateParams',
    handle: (context) => {
      requireTokens(context.account, context.body as Json);
      return Object.assign(changed(findIn('accessPolicies')(context), context.body), { reusable: true });
    },
  },
  {
    method: 'DELETE',
    path: `${ACCESS}/policies/:id`,
    right: apps,
    handle: removeFrom('accessPolicies', refuseUsedPolicy),
  },
  {
    method: 'GET',
    path: `${ACCESS}/identity_providers`,
    right: RIGHTS.accessOrganization,
    params: 'IdentityProviderListParams',
    handle: ({ account, query }) => paged(account.identityProviders, query),
  },
  {
    method: 'GET',
    path: `${ACCESS}/organizations`,
    right: RIGHTS.accessOrganization,
    handle: () => ({ name: 'double', auth_domain: 'double.cloudflareaccess.com', session_duration: '24h' }),
  },
];
