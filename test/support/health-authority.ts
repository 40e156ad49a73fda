/**
 * @module A health authority of Google's dialect for tests, with a P-256 key of its own: it certifies keys as a verification server does, and as one that went wrong.
 */
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import type { Authorities, HealthAuthority } from '../../protocol/publish/authorities.ts';
import type { CertifiedReport } from '../../protocol/publish/report-type.ts';
import { toBase64 } from '../../protocol/primitives/bytes.ts';
import { tekmacOf, type SentKey } from '../../protocol/publish/tekmac.ts';

/** What a certificate says, where a test wants something else than the usual. */
export interface CertificateWish {
  readonly reportType?: CertifiedReport;
  /** Unix seconds at which it is made; it is good for fifteen minutes. */
  readonly now: number;
  /** Further claims, or others. */
  readonly claims?: object;
  readonly header?: object;
}

/** The secret that a phone draws for an upload. */
export const HMAC_KEY = new Uint8Array(16).fill(7);

const APP = 'org.example.app';

/** An authority, the document that names it, and what it signs. */
export interface TestAuthority {
  readonly authority: HealthAuthority;
  readonly authorities: Authorities;
  /** @param keys as they will be sent @returns the JWT for them */
  certify(keys: readonly SentKey[], wish: CertificateWish): Promise<string>;
  /** A whole request body for keys, certified. */
  request(keys: readonly SentKey[], wish: CertificateWish, own?: object): Promise<Record<string, unknown>>;
}

/**
 * @param change of the authority as it stands in the document
 * @param from Unix seconds from which on its key is taken
 */
export async function testAuthority(change: Partial<HealthAuthority> = {}, from = 0): Promise<TestAuthority> {
  const pair = await generateKeyPair('ES256');
  const publicKey = (await exportSPKI(pair.publicKey)).replaceAll(/-----[A-Z ]+-----|\s/g, '');
  const authority: HealthAuthority = {
    id: 'health-de',
    name: 'Health',
    issuer: 'https://health.example',
    audience: 'exposure-notifications-server',
    keys: [{ kid: 'v1', publicKey, from, until: null }],
    regions: ['DE'],
    apps: [APP],
    reportTypes: ['confirmed', 'likely', 'negative', 'user-report'],
    ...change,
  };
  const certify = (
    keys: readonly SentKey[],
    { reportType = 'confirmed', now, claims, header }: CertificateWish,
  ): Promise<string> => {
    const said = {
      iss: authority.issuer,
      aud: authority.audience,
      iat: now - 5,
      nbf: now - 5,
      exp: now + 900,
      reportType,
      tekmac: toBase64(tekmacOf(keys, HMAC_KEY)),
    };
    return new SignJWT({ ...said, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'v1', typ: 'JWT', ...header })
      .sign(pair.privateKey);
  };
  return {
    authority,
    authorities: { version: 1, authorities: [authority] },
    certify,
    request: async (keys, wish, own = {}) => ({
      temporaryExposureKeys: keys,
      healthAuthorityID: APP,
      verificationPayload: await certify(keys, wish),
      hmacKey: toBase64(HMAC_KEY),
      symptomOnsetInterval: 0,
      traveler: false,
      revisionToken: '',
      padding: 'A'.repeat(1_368),
      ...own,
    }),
  };
}

/** @param keys of a phone @returns the same as they are sent */
export function sentKeys(
  keys: readonly { readonly keyData: Uint8Array | null; readonly rollingStartIntervalNumber: number | null }[],
): SentKey[] {
  return keys.map(({ keyData, rollingStartIntervalNumber }) => ({
    key: toBase64(keyData ?? new Uint8Array()),
    rollingStartNumber: rollingStartIntervalNumber ?? 0,
    rollingPeriod: 144,
    transmissionRisk: 0,
  }));
}
