/**
 * @module Certificates for a gateway on this machine: its offline trust anchor, its own for TLS, and what a member country has
 * (docs/spec/europe.md §3.7). Made anew each time; the real ones are brought by people.
 */
import 'reflect-metadata';
import { sign } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { toBase64, toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';

x509.cryptoProvider.set(crypto);

const DAY_MS = 86_400_000;
const ALGORITHMS = {
  ec: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: Uint8Array.of(1, 0, 1),
    // The least that is taken, for tests; countries were asked for 3,072.
    modulusLength: 2048,
  },
} as const;

/** A certificate and its key, as files hold them. */
export interface Issued {
  readonly certificatePem: string;
  /** PKCS #8. */
  readonly privateKeyPem: string;
  /** SHA-256 of the DER, 64 lowercase hex digits. */
  readonly thumbprint: string;
}

/** What a certificate says. */
export interface Subject {
  /** E.g. `C=DE, CN=signing`. */
  readonly name: string;
  /** Unix seconds; valid from a day before. */
  readonly now: number;
  /** Days from now; 0 and less: it has run out. */
  readonly days?: number;
  readonly algorithm?: keyof typeof ALGORITHMS;
  readonly purposes?: readonly string[];
  /** For TLS servers: names and addresses. */
  readonly hosts?: readonly { readonly type: 'dns' | 'ip'; readonly value: string }[];
  readonly authority?: boolean;
}

const pem = (label: string, bytes: ArrayBuffer): string =>
  `-----BEGIN ${label}-----\n${(toBase64(new Uint8Array(bytes)).match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;

/** @returns a self-signed certificate: the gateway knows fingerprints, not authorities */
export async function issueCertificate(subject: Subject): Promise<Issued> {
  const { name, now, days = 90, purposes = [], hosts = [], authority = false } = subject;
  const algorithm = ALGORITHMS[subject.algorithm ?? 'ec'];
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- the Workers' program reads this file too, and there it may be one key
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const flags = x509.KeyUsageFlags;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(now * 1000 - 2 * DAY_MS),
    notAfter: new Date(now * 1000 + days * DAY_MS),
    extensions: [
      new x509.BasicConstraintsExtension(authority, undefined, true),
      new x509.KeyUsagesExtension(authority ? flags.keyCertSign : flags.digitalSignature, true),
      ...(purposes.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension([...purposes])]),
      ...(hosts.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension([...hosts])]),
    ],
  });
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- the same: there it may be a JSON Web Key
  const pkcs8 = (await crypto.subtle.exportKey('pkcs8', keys.privateKey)) as ArrayBuffer;
  return {
    certificatePem: pem('CERTIFICATE', certificate.rawData),
    privateKeyPem: pem('PRIVATE KEY', pkcs8),
    thumbprint: toHex(sha256(new Uint8Array(certificate.rawData))),
  };
}

/** Types of certificate in the gateway's list. */
export type CertificateType = 'AUTHENTICATION' | 'SIGNING' | 'CALLBACK';

/** A row of the gateway's list; nobody but the anchor can make one that counts. */
export interface ListedCertificate {
  readonly thumbprint: string;
  readonly country: string;
  readonly type: CertificateType;
  readonly revoked: boolean;
  /** PEM, to the letter what was signed. */
  readonly rawData: string;
  /** Of the trust anchor over {@link rawData}, base64. */
  readonly signature: string;
}

/** The trust anchor signs what its operators hand it, on a machine without a network. */
export interface Anchor extends Issued {
  list(issued: Issued, country: string, type: CertificateType): ListedCertificate;
}

/** @param now Unix seconds @returns an anchor of its own */
export async function makeAnchor(now: number): Promise<Anchor> {
  const issued = await issueCertificate({ name: 'CN=EFGS trust anchor (local)', now, days: 3650, authority: true });
  return {
    ...issued,
    list: ({ certificatePem, thumbprint }, country, type) => ({
      thumbprint,
      country,
      type,
      revoked: false,
      rawData: certificatePem,
      signature: toBase64(sign('sha256', utf8(certificatePem), issued.privateKeyPem)),
    }),
  };
}

/** A country at the gateway. */
export interface Member {
  readonly country: string;
  readonly authentication: Issued;
  readonly signing: Issued;
  /** Both, as the gateway lists them. */
  readonly listed: readonly ListedCertificate[];
}

/** @returns a country with a certificate to call with and one to sign with */
export async function makeMember(anchor: Anchor, country: string, now: number): Promise<Member> {
  const authentication = await issueCertificate({
    name: `C=${country}, CN=authentication`,
    now,
    purposes: [x509.ExtendedKeyUsage.clientAuth],
  });
  const signing = await issueCertificate({ name: `C=${country}, CN=signing`, now });
  return {
    country,
    authentication,
    signing,
    listed: [anchor.list(authentication, country, 'AUTHENTICATION'), anchor.list(signing, country, 'SIGNING')],
  };
}

/** @param now Unix seconds @returns a certificate for TLS on this machine */
export function issueServerCertificate(now: number): Promise<Issued> {
  return issueCertificate({
    name: 'CN=127.0.0.1',
    now,
    purposes: [x509.ExtendedKeyUsage.serverAuth],
    hosts: [
      { type: 'ip', value: '127.0.0.1' },
      { type: 'dns', value: 'localhost' },
    ],
  });
}
