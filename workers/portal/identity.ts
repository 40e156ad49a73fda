/**
 * @module Who is asking, as a port. Deployed, it is Cloudflare Access's context or a client certificate that the platform
 * verified, and nothing that a request could carry; the local composition injects a simulated identity and is no part of
 * what is deployed (docs/architecture.md §7).
 */
import { certificateIdentity } from './certificate-identity.ts';
import type { Identify } from './identity-source.ts';
import { rolesAmong } from './roles.ts';

/** Longest name that verification takes for an issuer or provider. */
const MAX_NAME = 100;
const PROVIDER = /^[^\p{C}]{1,100}$/u;

/** The identity of a deployed portal: Access first, else a professional's certificate. */
export const identifyStaff: Identify = async (source) =>
  (await identifyByAccess(source)) ?? certificateIdentity(source);

/** Identity from Cloudflare Access: without its context there is none, whatever headers a request carries. */
export const identifyByAccess: Identify = async ({ access, config }) => {
  const identity = await access?.getIdentity();
  if (identity === undefined || identity === null) return null;
  const isService = identity.email === undefined;
  const subject = isService ? identity.user_uuid : identity.email;
  if (typeof subject !== 'string' || subject === '' || subject.length > MAX_NAME) return null;
  // Nobody comes without being a person: with a token that is nobody's, one could be two.
  const person = isService ? config.operatorServices.get(subject) : subject;
  if (person === undefined) return null;
  const roles = rolesAmong(valuesOf(claim(identity, config.rolesClaim)));
  const providers = valuesOf(claim(identity, config.providerClaim));
  return {
    subject,
    person: person.toLowerCase(),
    roles: isService && !roles.includes('operator') ? [...roles, 'operator'] : roles,
    provider: providerAmong(providers) ?? subject,
    authenticatedAt: typeof identity.iat === 'number' ? identity.iat : 0,
    signInAgain: '/cdn-cgi/access/logout',
  };
};

/** Nobody makes cards for two: more than one value, or one that no batch could be made for, is none. */
function providerAmong(values: readonly string[]): string | null {
  const [provider = '', ...others] = values;
  return others.length === 0 && PROVIDER.test(provider) ? provider : null;
}

/** @param path dotted, e.g. `oidc_fields.roles` */
function claim(identity: Readonly<Record<string, unknown>>, path: string): unknown {
  let value: unknown = identity;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/**
 * A claim's values. One text is one value, whatever is in it: with "Klinikum, Nord" and "Klinikum, Süd" a comma separates
 * nothing. Several values are a list, of texts or of groups with names.
 */
function valuesOf(value: unknown): string[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return items.flatMap((item) => {
    if (typeof item === 'string') return item === '' ? [] : [item];
    const name = typeof item === 'object' && item !== null ? (item as { name?: unknown }).name : undefined;
    return typeof name === 'string' && name !== '' ? [name] : [];
  });
}
