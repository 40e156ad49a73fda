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
import { importLocally } from './authorities.ts';

/** What tools and tests of a local edge name as their `healthAuthorityID`. */
export const OWN_APP = 'exposure-edge';

/**
 * The health authority that the deployment itself is: its own verification signs certificates (docs/verification.md).
 *
 * @param state a local edge's folder
 * @returns it, with the key that the edge drew
 */
function ownAuthority(state: string): HealthAuthority {
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
  const edge = await startLocalEdge({ ...options, ...(test === null ? {} : { testAuthority: test.signer }) });
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
