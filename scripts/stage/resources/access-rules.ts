/** @module Whom Access lets in, in its own rules: groups of the team's identity provider, domains, addresses. Pure. */
import type { AccessRuleParam } from 'cloudflare/resources/zero-trust/access/applications/policies';

/** The team's identity provider, as the operator made it in the dashboard. */
export interface Provider {
  readonly id: string;
  readonly type: string;
  readonly name: string;
}

/** Claim or attribute that lists groups, by the names that most providers use. */
const GROUPS = 'groups';

/** Providers that know groups, each in its own rule. */
const GROUP_RULES: Readonly<Record<string, (name: string, identity_provider_id: string) => AccessRuleParam>> = {
  okta: (name, identity_provider_id) => ({ okta: { name, identity_provider_id } }),
  // Entra names a group by its object id.
  azureAD: (id, identity_provider_id) => ({ azureAD: { id, identity_provider_id } }),
  // Google names a group by its address.
  'google-apps': (email, identity_provider_id) => ({ gsuite: { email, identity_provider_id } }),
  github: (name, identity_provider_id) => ({ 'github-organization': { name, identity_provider_id } }),
  oidc: (claim_value, identity_provider_id) => ({ oidc: { claim_name: GROUPS, claim_value, identity_provider_id } }),
  saml: (attribute_value, identity_provider_id) => ({
    saml: { attribute_name: GROUPS, attribute_value, identity_provider_id },
  }),
};

const GROUP = /^group (.+)$/;

/**
 * @param staff of the stage's file: `group NAME`, `@domain`, addresses
 * @param providers of the team
 * @returns a rule each
 * @throws Error naming the field, where a group is of no provider, or of more than one
 */
export function staffRules(staff: readonly string[], providers: readonly Provider[]): AccessRuleParam[] {
  return staff.map((entry) => {
    const group = GROUP.exec(entry)?.[1];
    if (group !== undefined) return groupRule(group, providers);
    return entry.startsWith('@') ? { email_domain: { domain: entry.slice(1) } } : emailRule(entry);
  });
}

/** @param email of a person @returns the rule that lets them in */
export const emailRule = (email: string): AccessRuleParam => ({ email: { email } });

function groupRule(group: string, providers: readonly Provider[]): AccessRuleParam {
  const able = providers.filter(({ type }) => GROUP_RULES[type] !== undefined);
  const [provider] = able;
  const rule = provider === undefined ? undefined : GROUP_RULES[provider.type];
  if (provider === undefined || rule === undefined || able.length > 1) {
    const has = providers.map(({ type, name }) => `${name} (${type})`).join(', ');
    throw new Error(
      `field access.staff: "group ${group}" must be of the team's one identity provider that knows groups (${Object.keys(GROUP_RULES).join(', ')}); the team has ${has === '' ? 'none' : has}`,
    );
  }
  return rule(group, provider.id);
}
