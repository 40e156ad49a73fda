/** @module Certificates as other verification servers would make them, and as attackers do. */
import { SignJWT, type JWTPayload } from 'jose';
import { beforeAll, describe, it } from 'vitest';
import { toBase64, toBase64Url, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import { toHex } from '../primitives/bytes.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../signing.ts';
import { p256 } from '@noble/curves/nist.js';
import { credentialSigner } from '../credential/credential.ts';
import { fromBase64Url } from '../primitives/bytes.ts';
import type { Authorities, HealthAuthority } from './authorities.ts';
import { isKnownApp, mayCertify, verifyCertificate } from './certificate.ts';

const NOW = 1_795_700_000;
const [ONE, OTHER] = [7, 9].map((byte) => pkcs8PemFromScalar(new Uint8Array(32).fill(byte))) as [string, string];
const spkiOf = (pem: string): string => toBase64(signerFromPkcs8Pem(pem).publicKeySpki);
const TEKMAC = new Uint8Array(32).fill(0xfb);

const AUTHORITY: HealthAuthority = {
  id: 'one',
  name: 'One',
  issuer: 'https://one.example',
  audience: 'exposure-notifications-server',
  keys: [
    { kid: 'v1', publicKey: spkiOf(ONE), from: NOW - 1000, until: null },
    { kid: 'old', publicKey: spkiOf(ONE), from: 0, until: NOW },
    { kid: 'next', publicKey: spkiOf(ONE), from: NOW + 1, until: null },
  ],
  regions: ['DE'],
  apps: ['org.example.App'],
  reportTypes: ['confirmed', 'likely'],
};
const SECOND: HealthAuthority = {
  ...AUTHORITY,
  id: 'two',
  issuer: 'https://two.example',
  apps: ['org.example.two'],
  keys: [{ kid: 'v2', publicKey: spkiOf(OTHER), from: 0, until: null }],
};
const AUTHORITIES: Authorities = { version: 3, authorities: [AUTHORITY, SECOND] };

const CLAIMS: JWTPayload = {
  iss: AUTHORITY.issuer,
  aud: AUTHORITY.audience,
  iat: NOW - 5,
  nbf: NOW - 5,
  exp: NOW + 900,
  reportType: 'confirmed',
  symptomOnsetInterval: 2_650_000,
  tekmac: toBase64(TEKMAC),
};

let key: CryptoKey;
let otherKey: CryptoKey;
beforeAll(async () => {
  key = (await credentialSigner(ONE, '')).key;
  otherKey = (await credentialSigner(OTHER, '')).key;
});

/** Signed by the authority, with other claims or another header. */
const made = (claims: object = {}, header: object = {}, by = key): Promise<string> =>
  new SignJWT({ ...CLAIMS, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'v1', typ: 'JWT', ...header })
    .sign(by, { crit: { x: true } });
const part = (value: unknown): string => toBase64Url(utf8(JSON.stringify(value)));
const verified = (jwt: string, now = NOW) => verifyCertificate(jwt, AUTHORITIES, now);

describe('a certificate', () => {
  it('says which keys, which report and which onset, and by what it is known', async ({ expect }) => {
    const jwt = await made();
    expect(await verified(jwt)).toEqual({
      authority: AUTHORITY,
      certificate: {
        authorityId: 'one',
        reportType: 'confirmed',
        symptomOnsetInterval: 2_650_000,
        tekmac: TEKMAC,
        hash: toHex(sha256(utf8(jwt.split('.').slice(0, 2).join('.')))),
        expiresAt: NOW + 900,
      },
    });
  });

  it('is known by the same hash with the second signature that anybody can make of an ECDSA one', async ({
    expect,
  }) => {
    const jwt = await made();
    const signature = p256.Signature.fromBytes(fromBase64Url(jwt.split('.')[2] ?? ''));
    const { r, s } = signature;
    const flipped = new p256.Signature(r, p256.Point.Fn.ORDER - s).toBytes('compact');
    const second = `${jwt.slice(0, jwt.lastIndexOf('.'))}.${toBase64Url(flipped)}`;
    expect(second).not.toBe(jwt);
    expect((await verified(second))?.certificate.hash).toBe((await verified(jwt))?.certificate.hash);
  });

  it.for([
    { name: 'without iat and nbf', claims: { iat: undefined, nbf: undefined } },
    { name: 'whose tekmac is base64url without padding', claims: { tekmac: toBase64Url(TEKMAC) } },
    { name: 'with claims that nobody knows here', claims: { trisk: [], jti: 'x' } },
    { name: 'whose authority’s clock is 5 s ahead', claims: { iat: NOW + 5, nbf: NOW + 5 } },
    { name: 'that ended 4 s ago', claims: { exp: NOW - 4 } },
    { name: 'of fractional times, as RFC 7519 allows', claims: { exp: NOW + 10.5 } },
  ])('$name is taken', async ({ claims }, { expect }) => {
    expect(await verified(await made(claims))).not.toBeNull();
  });

  it.for([{ symptomOnsetInterval: undefined }, { symptomOnsetInterval: 0 }])(
    '%o says no onset',
    async (claims, { expect }) => {
      expect((await verified(await made(claims)))?.certificate.symptomOnsetInterval).toBeNull();
    },
  );

  it.for([
    { name: 'of another issuer', claims: { iss: 'https://three.example' } },
    { name: 'of no issuer', claims: { iss: undefined } },
    { name: 'for another audience', claims: { aud: 'another' } },
    { name: 'for an array of audiences, ours among them', claims: { aud: [AUTHORITY.audience] } },
    { name: 'for no audience', claims: { aud: undefined } },
    { name: 'without an end', claims: { exp: undefined } },
    { name: 'whose end is a text', claims: { exp: String(NOW + 900) } },
    { name: 'that ended 5 s ago', claims: { exp: NOW - 5 } },
    { name: 'for longer than a TAN lives', claims: { exp: NOW + 14 * 86_400 + 1 } },
    { name: 'whose authority’s clock is 5 minutes ahead', claims: { iat: NOW + 295, nbf: NOW + 295, exp: NOW + 1200 } },
    { name: 'not good for another 6 s', claims: { nbf: NOW + 6 } },
    { name: 'issued in 6 s', claims: { iat: NOW + 6 } },
    { name: 'whose nbf is a text', claims: { nbf: String(NOW) } },
    { name: 'of no report type', claims: { reportType: undefined } },
    { name: 'of a report type that nobody has', claims: { reportType: 'revoked' } },
    { name: 'of a report type that its authority may not certify', claims: { reportType: 'negative' } },
    { name: 'without tekmac', claims: { tekmac: undefined } },
    { name: 'with a tekmac of 31 bytes', claims: { tekmac: toBase64(new Uint8Array(31)) } },
    { name: 'with a tekmac that is no base64', claims: { tekmac: '*'.repeat(44) } },
    { name: 'with an onset that is no interval', claims: { symptomOnsetInterval: -1 } },
    { name: 'with an onset that is a text', claims: { symptomOnsetInterval: '1' } },
  ])('$name is refused', async ({ claims }, { expect }) => {
    expect(await verified(await made(claims))).toBeNull();
  });

  it.for([
    { name: 'by a key that has ended', header: { kid: 'old' } },
    { name: 'by a key that hasn’t begun', header: { kid: 'next' } },
    { name: 'by a key of another authority', header: { kid: 'v2' } },
    { name: 'by a key that nobody has', header: { kid: 'v9' } },
    { name: 'by no key', header: { kid: undefined } },
    { name: 'with an extension that must be understood', header: { crit: ['x'], x: 1 } },
  ])('$name is refused', async ({ header }, { expect }) => {
    expect(await verified(await made({}, header))).toBeNull();
  });

  it('of a clock that is five minutes behind is refused when it has ended by ours', async ({ expect }) => {
    const jwt = await made({ iat: NOW, nbf: NOW, exp: NOW + 240 });
    expect(await verified(jwt, NOW + 300)).toBeNull();
  });

  it('by another authority’s key in this one’s name is refused, in whosever name the key is called', async ({
    expect,
  }) => {
    expect(await verified(await made({}, {}, otherKey))).toBeNull();
    expect(await verified(await made({}, { kid: 'v2' }, otherKey))).toBeNull();
    expect(await verified(await made({ iss: SECOND.issuer }, { kid: 'v2' }, otherKey))).not.toBeNull();
  });

  it.for([
    { name: 'all zero', change: () => new Uint8Array(64) },
    { name: 'r zero', change: (rs: Uint8Array) => rs.slice().fill(0, 0, 32) },
    { name: 's zero', change: (rs: Uint8Array) => rs.slice().fill(0, 32) },
    { name: 'above the order of the curve', change: () => new Uint8Array(64).fill(255) },
    { name: 'in DER', change: (rs: Uint8Array) => p256.Signature.fromBytes(rs).toBytes('der') },
    { name: 'a byte short', change: (rs: Uint8Array) => rs.subarray(1) },
    { name: 'a byte long', change: (rs: Uint8Array) => Uint8Array.of(...rs, 0) },
  ])('with a signature $name is refused, without a throw', async ({ change }, { expect }) => {
    const jwt = await made();
    const signed = jwt.slice(0, jwt.lastIndexOf('.') + 1);
    const rs = fromBase64Url(jwt.slice(signed.length));
    expect(await verified(`${signed}${toBase64Url(rs)}`)).not.toBeNull();
    expect(await verified(`${signed}${toBase64Url(change(rs))}`)).toBeNull();
    for (const form of [`${toBase64Url(rs)}==`, ` ${toBase64Url(rs)}`, `${toBase64Url(rs)}\n`, toBase64(rs)])
      expect(await verified(`${signed}${form}`)).toBeNull();
  });

  it('without a signature is refused, and so is one whose key stands in for nobody’s', async ({ expect }) => {
    const claims = part(CLAIMS);
    const none = `${part({ alg: 'none', kid: 'v1' })}.${claims}`;
    for (const jwt of [`${none}.`, `${none}.AA`]) expect(await verified(jwt)).toBeNull();
    const one = new Uint8Array(32);
    one[31] = 1;
    const generator = (await credentialSigner(pkcs8PemFromScalar(one), '')).key;
    expect(await verified(await made({}, { kid: 'v9' }, generator))).toBeNull();
    expect(await verified(await made({ iss: 'https://three.example' }, {}, generator))).toBeNull();
  });

  it.for([
    ['its text', () => utf8(spkiOf(ONE))],
    ['its bytes', () => signerFromPkcs8Pem(ONE).publicKeySpki],
  ] as const)('of HS256 with the public key as secret, %s, is refused', async ([, secret], { expect }) => {
    const jwt = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256', kid: 'v1' }).sign(secret());
    expect(await verified(jwt)).toBeNull();
    // With the header of a good one in its place, the signature is none of it.
    expect(await verified([part({ alg: 'ES256', kid: 'v1' }), ...jwt.split('.').slice(1)].join('.'))).toBeNull();
  });

  it.for(['', 'x', 'a.b', 'a.b.c', 'a.b.c.d', `${'a'.repeat(5000)}.b.c`, '..'])(
    '%s is none',
    async (text, { expect }) => {
      expect(await verified(text)).toBeNull();
    },
  );
});

describe('apps', () => {
  it('may use the certificates of who has them, in any case of letters', ({ expect }) => {
    expect([mayCertify(AUTHORITY, 'ORG.example.app'), mayCertify(AUTHORITY, 'org.example.two')]).toEqual([true, false]);
    expect(['org.example.TWO', 'org.example', ''].map((app) => isKnownApp(AUTHORITIES, app))).toEqual([
      true,
      false,
      false,
    ]);
  });
});
