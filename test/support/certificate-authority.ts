/**
 * @module A test authority for professionals' cards: a root, certificates it issues, made anew in each test. In production
 * the authority is the state's; nothing of this is deployed.
 */
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

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
  /** Unix seconds. */
  readonly notBefore: number;
  readonly notAfter?: number;
}

/** The library's names of fields, with the one it has no name for. */
function nameOf(text: string): x509.JsonName {
  return text.split(', ').map((part) => {
    const [type = '', value = ''] = part.split(/=(.*)/s);
    return { [type === 'SERIALNUMBER' ? '2.5.4.5' : type]: [value] };
  });
}

/** @param issuer null: it signs itself @returns the certificate */
export async function issueCertificate(
  subject: CertificateSubject,
  issuer: TestCertificate | null,
): Promise<TestCertificate> {
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- the Workers' program reads this file too, and there it may be one key
  const keys = (await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: nameOf(subject.name),
    issuer: issuer?.certificate.subject ?? nameOf(subject.name),
    notBefore: new Date(subject.notBefore * 1000),
    notAfter: new Date(subject.notAfter === undefined ? subject.notBefore * 1000 + HOUR_MS : subject.notAfter * 1000),
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(subject.authority ?? false, undefined, true)],
  });
  return { certificate, keys };
}

/** @returns the certificate as the platform hands it over (RFC 9440): base64 of DER between colons */
export const rfc9440 = ({ certificate }: TestCertificate): string =>
  `:${btoa(String.fromCharCode(...new Uint8Array(certificate.rawData)))}:`;
