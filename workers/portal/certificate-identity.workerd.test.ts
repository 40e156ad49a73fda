/** @module A professional's card in workerd: certificates of a test authority, and the many that open nothing. */
import { beforeAll, describe, it } from 'vitest';
import {
  type CertificateSubject,
  issueCertificate,
  rfc9440,
  type TestCertificate,
} from '../../test/support/certificate-authority.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { parsePortalConfig } from './bindings.ts';
import { certificateIdentity } from './certificate-identity.ts';
import type { Identity } from './identity-source.ts';
import { ENV, NOW } from './test-rig.ts';

const CARD = { name: 'CN=Dr. A. Jansen, SERIALNUMBER=900012345, O=Practice Gouda, OU=provider', notBefore: NOW - 60 };
const VERIFIED = { certPresented: '1', certVerified: 'SUCCESS', certRevoked: '0' };

let root: TestCertificate;
let stranger: TestCertificate;
beforeAll(async () => {
  const authority = { authority: true, notBefore: NOW - 600 };
  root = await issueCertificate({ ...authority, name: 'CN=Root of professionals' }, null);
  // The same name, another key: whoever compares names alone is fooled.
  stranger = await issueCertificate({ ...authority, name: 'CN=Root of professionals' }, null);
});

interface Asked {
  readonly auth?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly revoked?: readonly string[];
  readonly roots?: string;
}

async function ask(
  auth: Record<string, string>,
  { headers = {}, revoked = [], roots }: Asked = {},
): Promise<Identity | null> {
  const request = new Request('https://portal.example/staff', { headers });
  Object.defineProperty(request, 'cf', { value: { tlsClientAuth: auth } });
  const config = parsePortalConfig({ ...ENV, STAFF_ROOTS: roots ?? root.certificate.toString('pem') });
  const isRevoked = async (fingerprint: string): Promise<boolean> => revoked.includes(fingerprint);
  return certificateIdentity({ request, access: undefined, config, now: NOW, isRevoked });
}
const card = async (subject: Partial<CertificateSubject> = {}, issuer = root): Promise<Record<string, string>> => ({
  ...VERIFIED,
  certRFC9440: rfc9440(await issueCertificate({ ...CARD, ...subject }, issuer)),
});

describe('a card', () => {
  it('says who, for which provider, with which role', async ({ expect }) => {
    expect(await ask(await card())).toEqual({
      subject: 'card:900012345',
      roles: ['provider'],
      provider: 'Practice Gouda',
      authenticatedAt: null,
      signInAgain: null,
    });
  });

  it('may come through an intermediate authority, and not through a card', async ({ expect }) => {
    const authority = { authority: true, notBefore: NOW - 600 };
    const between = await issueCertificate({ ...authority, name: 'CN=Cards 2026' }, root);
    const leaf = await card({}, between);
    expect(await ask({ ...leaf, certRFC9440Chain: rfc9440(between) })).toMatchObject({ subject: 'card:900012345' });
    expect(await ask(leaf)).toBeNull();
    const notAuthority = await issueCertificate({ ...CARD, name: 'CN=Another card' }, root);
    const forged = await card({}, notAuthority);
    expect(await ask({ ...forged, certRFC9440Chain: rfc9440(notAuthority) })).toBeNull();
  });

  it('never makes an operator, auditor or laboratory administrator', async ({ expect }) => {
    const name = 'SERIALNUMBER=1, O=Practice, OU=operator, OU=auditor, OU=lab-admin, OU=hotline';
    expect(await ask(await card({ name }))).toMatchObject({ roles: ['hotline'] });
  });

  it('that was blocked here opens nothing, and neither does one whose authority was', async ({ expect }) => {
    const between = await issueCertificate({ authority: true, notBefore: NOW - 600, name: 'CN=Cards 2026' }, root);
    const leaf = await issueCertificate(CARD, between);
    const auth = { ...VERIFIED, certRFC9440: rfc9440(leaf), certRFC9440Chain: rfc9440(between) };
    expect(await ask(auth)).not.toBeNull();
    for (const blocked of [leaf, between]) {
      expect(await ask(auth, { revoked: [await fingerprintIn(blocked)] })).toBeNull();
    }
  });
});

async function fingerprintIn({ certificate }: TestCertificate): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', certificate.rawData)));
}

describe('nobody is let in by', () => {
  it.for<[name: string, make: () => Promise<Record<string, string>>]>([
    ['a certificate of another authority of the same name', () => card({}, stranger)],
    [
      'a certificate that signed itself',
      async () => ({ ...VERIFIED, certRFC9440: rfc9440(await issueCertificate(CARD, null)) }),
    ],
    ['one that has expired', () => card({ notBefore: NOW - 60, notAfter: NOW - 1 })],
    ['one that expires now', () => card({ notBefore: NOW - 60, notAfter: NOW })],
    ['one that is not valid yet', () => card({ notBefore: NOW + 1 })],
    ['one that the platform has not verified', async () => ({ ...(await card()), certVerified: 'NONE' })],
    [
      'one whose verification failed',
      async () => ({ ...(await card()), certVerified: 'FAILED:certificate has expired' }),
    ],
    ['one that the platform knows as revoked', async () => ({ ...(await card()), certRevoked: '1' })],
    ['one of which nothing is said about revocation', async () => ({ ...(await card()), certRevoked: '' })],
    ['none', async () => ({ certPresented: '0', certVerified: 'NONE', certRevoked: '0' })],
    ['no bytes', async () => VERIFIED],
    ['bytes that are no certificate', async () => ({ ...VERIFIED, certRFC9440: ':AAAA:' })],
    ['a subject without an id', () => card({ name: 'CN=A, O=Practice, OU=provider' })],
    ['a subject without a provider', () => card({ name: 'CN=A, SERIALNUMBER=1, OU=provider' })],
    ['an id inside another field', () => card({ name: 'CN=A\nserialNumber=1, O=Practice, OU=provider' })],
  ])('%s', async ([, make], { expect }) => {
    expect(await ask(await make())).toBeNull();
  });

  it('a header, whatever it says', async ({ expect }) => {
    const { certRFC9440 = '' } = await card();
    const headers = {
      'client-cert': certRFC9440,
      'cf-client-cert-der-base64': certRFC9440,
      'x-cert-verified': 'SUCCESS',
    };
    expect(await ask({ certPresented: '0', certVerified: 'NONE', certRevoked: '0' }, { headers })).toBeNull();
  });

  it('any certificate where no root is configured; a root that is none is refused loudly', async ({ expect }) => {
    expect(await ask(await card(), { roots: '' })).toBeNull();
    await expect(ask(await card(), { roots: 'nonsense' })).rejects.toThrow(/STAFF_ROOTS/);
    const leaf = await issueCertificate(CARD, root);
    await expect(ask(await card(), { roots: leaf.certificate.toString('pem') })).rejects.toThrow(/STAFF_ROOTS/);
  });
});
