/**
 * @module The health authorities that a local edge has by itself: its own verification, and, where somebody says so, one for tools without certificates.
 */
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LocalEdge, type LocalEdgeOptions, startLocalEdge } from '../../local-edge/local-edge.ts';
import { drawTestAuthority, TEST_AUTHORITY_ID } from '../../local-edge/test-authority.ts';
import { readEnvironments } from '../../local-edge/workers.ts';
import type { HealthAuthority } from '../../protocol/publish/authorities.ts';
import { CERTIFIED_REPORTS } from '../../protocol/publish/report-type.ts';
import { AuthorityPortal, merged } from './authorities.ts';

/** What tools and tests of a local edge name as their `healthAuthorityID`. */
export const OWN_APP = 'exposure-edge';

/**
 * The health authority that the deployment itself is: its own verification signs certificates (docs/verification.md).
 *
 * @param state a local edge's folder
 * @returns it, with the key that the edge drew
 */
export function ownAuthority(state: string): HealthAuthority {
  const vars = ownVariables();
  const pem = readFileSync(join(state, 'certificate-public.pem'), 'utf8');
  const publicKey = createPublicKey(pem).export({ type: 'spki', format: 'der' }).toString('base64');
  return {
    id: OWN_APP,
    name: 'Local edge',
    issuer: vars['CERTIFICATE_ISSUER'] ?? '',
    audience: vars['CERTIFICATE_AUDIENCE'] ?? '',
    keys: [{ kid: vars['CERTIFICATE_KEY_ID'] ?? '', publicKey, from: 0, until: null }],
    regions: [vars['HOME_COUNTRY'] ?? ''],
    apps: [OWN_APP],
    reportTypes: [...CERTIFIED_REPORTS],
  };
}

/** Who agrees where a local edge's parameters ask for a second person. */
const SECOND_PERSON = 'second-local-operator';

/**
 * Brings authorities into force at a local edge, whose operators are whoever runs it.
 *
 * @param url of a local edge
 * @param authorities in place of those of the same ids; the others stay
 * @param without ids of authorities that shall not be in force
 * @throws Error when they aren't in force afterwards
 */
export async function importLocally(
  url: string,
  authorities: readonly HealthAuthority[],
  without: readonly string[] = [],
): Promise<void> {
  const portal = new AuthorityPortal(url);
  const { version, authorities: inForce } = await portal.status();
  const wanted = merged(inForce, authorities).filter(({ id }) => !without.includes(id));
  const said = await portal.set(wanted, version);
  const reply = said.kind === 'proposed' ? await new AuthorityPortal(url, SECOND_PERSON).agree(said.id) : said;
  if (reply.kind !== 'published' && reply.kind !== 'unchanged') {
    throw new Error(`the health authorities of the local edge are not in force: ${JSON.stringify(reply)}`);
  }
}

/**
 * Starts a local edge whose own authority is in force; and the test authority if, and only if, it is allowed.
 *
 * @param options see `startLocalEdge`
 * @param allowsTestAuthority whether tools may publish without a certificate
 * @throws as `startLocalEdge`; Error when the authorities aren't in force
 */
export async function startWithAuthorities(
  options: LocalEdgeOptions,
  allowsTestAuthority: boolean,
): Promise<LocalEdge> {
  const test = allowsTestAuthority ? drawTestAuthority(ownVariables()['HOME_COUNTRY'] ?? '') : null;
  const edge = await startLocalEdge({ ...options, ...(test === null ? {} : { testAuthorityKey: test.signingKey }) });
  try {
    const own = ownAuthority(edge.state);
    // One that an earlier start allowed goes.
    await (test === null
      ? importLocally(edge.url, [own], [TEST_AUTHORITY_ID])
      : importLocally(edge.url, [own, test.authority]));
    return edge;
  } catch (error) {
    await edge.dispose();
    throw error;
  }
}

/** Variables of our own `verification`. */
function ownVariables(): Readonly<Record<string, string>> {
  return readEnvironments().find(({ environment }) => environment === 'verification')?.vars ?? {};
}
