/**
 * @module Certificates of the directory's tree: root → cluster → region, each with a key made here (P-256). What a certificate may do
 * is in it: authorities sign certificates, a region's signs statements (RFC 9336), a region's TLS certificate shows itself to feeds.
 */
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { DOCUMENT_SIGNING } from '../../../protocol/directory/statement.ts';

x509.cryptoProvider.set(crypto);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Levels of the tree, and how many days their certificates hold where nobody says otherwise. */
export const LEVELS = {
  root: { days: 3_650 },
  cluster: { days: 1_095 },
  region: { days: 398 },
  tls: { days: 398 },
} as const;
export type CertificateLevel = keyof typeof LEVELS;

/** A certificate and its private key. */
export interface Issued {
  /** PEM: the certificate; below a cluster the cluster's after it. */
  readonly chain: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}

export interface CertificateRequest {
  readonly level: CertificateLevel;
  /** Two letters: of a region's certificates. */
  readonly region: string | null;
  /** Of all but the root's. */
  readonly cluster: string | null;
  /** Unix seconds. */
  readonly now: number;
  readonly days: number;
  /** Null for a root, which signs itself. */
  readonly issuer: Issued | null;
}

/** @returns fields of the subject, as the directory reads them: country and cluster */
function subjectOf({ level, region, cluster }: CertificateRequest): x509.JsonName {
  const [country, unit] = [region === null ? [] : [{ C: [region] }], cluster === null ? [] : [{ OU: [cluster] }]];
  const name = {
    root: 'Root',
    cluster: `Cluster ${cluster}`,
    region: `Statements of ${region}`,
    tls: `Consumer of ${region}`,
  };
  return [...country, ...unit, { CN: [name[level]] }];
}

function extensionsOf(level: CertificateLevel): x509.Extension[] {
  const { KeyUsageFlags: usage } = x509;
  const isAuthority = level === 'root' || level === 'cluster';
  const purpose = { root: null, cluster: null, region: DOCUMENT_SIGNING, tls: x509.ExtendedKeyUsage.clientAuth }[level];
  return [
    new x509.BasicConstraintsExtension(isAuthority, level === 'cluster' ? 0 : undefined, true),
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- several flags together are none of the enum's members
    new x509.KeyUsagesExtension(isAuthority ? usage.keyCertSign | usage.cRLSign : usage.digitalSignature, true),
    ...(purpose === null ? [] : [new x509.ExtendedKeyUsageExtension([purpose])]),
  ];
}

/**
 * @param request see {@link CertificateRequest}
 * @returns a certificate with a key of its own
 * @throws Error when it would outlive its issuer
 */
export async function issueDirectoryCertificate(request: CertificateRequest): Promise<Issued> {
  const { level, issuer, now, days } = request;
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const above = issuer === null ? null : new x509.X509Certificate(firstBlock(issuer.chain));
  const notAfter = new Date((now + days * 86_400) * 1000);
  if (above !== null && notAfter > above.notAfter) {
    throw new Error(
      `--days: ${days} would outlive the issuer's certificate, which ends at ${above.notAfter.toISOString()}`,
    );
  }
  const subject = subjectOf(request);
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: above?.subject ?? subject,
    // An hour back, for readers whose clocks are behind.
    notBefore: new Date((now - 3_600) * 1000),
    notAfter,
    publicKey: keys.publicKey,
    signingKey: issuer === null ? keys.privateKey : await importKey(issuer.key),
    signingAlgorithm: ALGORITHM,
    extensions: extensionsOf(level),
  });
  const pem = `${certificate.toString('pem')}\n`;
  const needsCluster = (level === 'region' || level === 'tls') && issuer !== null;
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { chain: needsCluster ? `${pem}${firstBlock(issuer.chain)}\n` : pem, key: `${key}\n` };
}

function importKey(pem: string): Promise<CryptoKey> {
  const [der] = x509.PemConverter.decode(pem);
  if (der === undefined) throw new Error('a private key in PEM (PKCS#8) is expected');
  return crypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}

/** @param pem one certificate or more @returns the first */
function firstBlock(pem: string): string {
  const [first] = pemCertificates(pem);
  if (first === undefined) throw new Error('a certificate in PEM is expected');
  return first;
}

/** @param pem text of any kind @returns the certificates in it, PEM each */
export const pemCertificates = (pem: string): string[] =>
  pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
