/**
 * @module A test authority for professionals' cards: a root, certificates it issues, lists of what it revoked, made anew in
 * each test. In production the authority is the state's; nothing of this is deployed.
 */
import 'reflect-metadata';
import { p256 } from '@noble/curves/nist.js';
import * as x509 from '@peculiar/x509';

// From here and not from the library: what is imported above must come first.
export { Extension, ExtendedKeyUsage, KeyUsageFlags, SubjectAlternativeNameExtension } from '@peculiar/x509';

x509.cryptoProvider.set(crypto);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR_MS = 3_600_000;

/** A certificate with its private key, able to issue others if it is an authority. */
export interface TestCertificate {
  readonly certificate: x509.X509Certificate;
  readonly keys: CryptoKeyPair;
}

/** What a certificate says. */
export interface CertificateSubject {
  /** Fields with `, ` between them, e.g. `CN=Dr. A. Jansen, SERIALNUMBER=900012345, O=Practice, OU=provider`. */
  readonly name: string;
  readonly authority?: boolean;
  /** Authorities that may follow below this one. */
  readonly pathLength?: number;
  /** Unix seconds. */
  readonly notBefore: number;
  readonly notAfter?: number;
  /** Instead of clientAuth in a card and nothing in an authority; empty: no extension. */
  readonly purposes?: readonly string[];
  /** Instead of digitalSignature in a card, keyCertSign and cRLSign in an authority; null: no extension. */
  readonly usage?: number | null;
  /** Further extensions. */
  readonly more?: readonly x509.Extension[];
  readonly hash?: 'SHA-1' | 'SHA-256' | 'SHA-384';
  /** Keys to certify; made anew if left out. */
  readonly keys?: CryptoKeyPair;
}

/** The library's names of fields, with the one it has no name for. */
function nameOf(text: string): x509.JsonName {
  return text.split(', ').map((part) => {
    const [type = '', value = ''] = part.split(/=(.*)/s);
    return { [type === 'SERIALNUMBER' ? '2.5.4.5' : type]: [value] };
  });
}

function extensionsOf(subject: CertificateSubject): x509.Extension[] {
  const { authority = false, pathLength, more = [] } = subject;
  const { KeyUsageFlags: flags } = x509;
  const usual = authority ? flags.keyCertSign | flags.cRLSign : flags.digitalSignature;
  const usage = subject.usage === undefined ? usual : subject.usage;
  const purposes = subject.purposes ?? (authority ? [] : [x509.ExtendedKeyUsage.clientAuth]);
  return [
    new x509.BasicConstraintsExtension(authority, pathLength, true),
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- several flags together are none of the enum's members
    ...(usage === null ? [] : [new x509.KeyUsagesExtension(usage, true)]),
    ...(purposes.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension([...purposes])]),
    ...more,
  ];
}

async function makeKeys(): Promise<CryptoKeyPair> {
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- the Workers' program reads this file too, and there it may be one key
  return (await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as CryptoKeyPair;
}

/** @returns a pair for RSA signatures (PKCS #1) with SHA-256 */
export async function makeRsaKeys(modulusLength: number): Promise<CryptoKeyPair> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: Uint8Array.of(1, 0, 1) };
  const keys = await crypto.subtle.generateKey({ ...algorithm, modulusLength }, true, ['sign', 'verify']);
  if (!('privateKey' in keys)) throw new Error('a pair is expected');
  return keys;
}

/** @param issuer null: it signs itself @returns the certificate */
export async function issueCertificate(
  subject: CertificateSubject,
  issuer: TestCertificate | null,
): Promise<TestCertificate> {
  const keys = subject.keys ?? (await makeKeys());
  const certificate = await x509.X509CertificateGenerator.create({
    subject: nameOf(subject.name),
    issuer: issuer?.certificate.subject ?? nameOf(subject.name),
    notBefore: new Date(subject.notBefore * 1000),
    notAfter: new Date(subject.notAfter === undefined ? subject.notBefore * 1000 + HOUR_MS : subject.notAfter * 1000),
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: { ...ALGORITHM, hash: subject.hash ?? 'SHA-256' },
    extensions: extensionsOf(subject),
  });
  return { certificate, keys };
}

/** @returns DER of the same certificate under the other signature that holds as well: (r, n − s) for (r, s) */
export function withNegatedS({ certificate }: TestCertificate): Uint8Array {
  const der = new Uint8Array(certificate.rawData);
  const signature = new Uint8Array(certificate.signature);
  const { r, s } = p256.Signature.fromBytes(signature, signature.length === 64 ? 'compact' : 'der');
  const before = new p256.Signature(r, s).toBytes('der');
  const after = new p256.Signature(r, p256.Point.Fn.ORDER - s).toBytes('der');
  const at = der.length - before.length;
  // The signature is the last element: its bit string and the whole are as much longer or shorter as s is.
  const [bits, head] = [at - 3, der.subarray(4, at - 3)];
  if (der[bits] !== 0x03 || der[1] !== 0x82) throw new Error('a certificate of 256 to 65,535 bytes is expected');
  const body = [...head, 0x03, after.length + 1, 0, ...after];
  return Uint8Array.from([0x30, 0x82, body.length >> 8, body.length & 0xff, ...body]);
}

/** What a list of revoked certificates says. */
export interface RevocationSubject {
  /** Serial numbers in hex. */
  readonly revoked?: readonly string[];
  readonly number?: number;
  /** Unix seconds. */
  readonly thisUpdate: number;
  readonly nextUpdate?: number;
  readonly more?: readonly x509.Extension[];
  readonly hash?: 'SHA-1' | 'SHA-256';
}

/** @returns DER of an authority's list */
export async function issueRevocationList(subject: RevocationSubject, issuer: TestCertificate): Promise<Uint8Array> {
  const { revoked = [], number = 1, thisUpdate, nextUpdate = thisUpdate + 86_400, more = [], hash } = subject;
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.certificate.subject,
    thisUpdate: new Date(thisUpdate * 1000),
    nextUpdate: new Date(nextUpdate * 1000),
    signingAlgorithm: { ...ALGORITHM, hash: hash ?? 'SHA-256' },
    signingKey: issuer.keys.privateKey,
    entries: revoked.map((serialNumber) => ({ serialNumber, revocationDate: new Date(thisUpdate * 1000) })),
    extensions: [new x509.Extension('2.5.29.20', false, Uint8Array.of(2, 1, number)), ...more],
  });
  return new Uint8Array(list.rawData);
}

/** @returns an extension that nobody knows */
export const unknownExtension = (critical: boolean): x509.Extension =>
  new x509.Extension('1.3.6.1.4.1.99999.1', critical, Uint8Array.of(5, 0));
