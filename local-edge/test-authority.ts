/**
 * @module The health authority of a local edge that tools publish with which have no certificate: `npm start -- --allow-test-authority`. Its key is drawn at
 * the start and lives in that process; the local edge's `upload` signs with it (local-edge/entries/test-authority.ts), what is deployed doesn't know it.
 */
import { generateKeyPairSync } from 'node:crypto';
import type { HealthAuthority } from '../protocol/publish/authorities.ts';
import { CERTIFIED_REPORTS } from '../protocol/publish/report-type.ts';

/** `iss` and `aud` of its certificates. */
const TEST_ISSUER = 'local-test-authority';
const TEST_KEY_ID = 'test';

/** Its id in the document of authorities. */
export const TEST_AUTHORITY_ID = 'local-test';
/** Values of `healthAuthorityID` that may be published with and without a certificate: the last is what Google's own examples say. */
const TEST_APPS = ['test', 'exposure-edge', 'com.example.android.app'] as const;

/** The authority, and what the local edge signs with. */
export interface TestAuthority {
  readonly authority: HealthAuthority;
  readonly signer: TestSigner;
}

/** For the local entry of `upload`. */
export interface TestSigner {
  readonly issuer: string;
  readonly kid: string;
  /** PKCS#8 PEM. */
  readonly key: string;
}

/** @param homeCountry ISO 3166-1 alpha-2 @returns one with a new key */
export function drawTestAuthority(homeCountry: string): TestAuthority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const authority: HealthAuthority = {
    id: TEST_AUTHORITY_ID,
    name: 'Whoever runs this local edge',
    issuer: TEST_ISSUER,
    audience: TEST_ISSUER,
    keys: [{ kid: TEST_KEY_ID, publicKey: spki, from: 0, until: null }],
    regions: [homeCountry],
    apps: [...TEST_APPS],
    reportTypes: [...CERTIFIED_REPORTS],
  };
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { authority, signer: { issuer: TEST_ISSUER, kid: TEST_KEY_ID, key } };
}
