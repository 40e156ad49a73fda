/**
 * @module A professional's client certificate as identity (docs/spec/europe.md §7: a smart card whose chain ends in a root of the
 * state). The platform ends TLS and says in `request.cf.tlsClientAuth` that the certificate was presented, verified and not
 * revoked; we check again that its chain ends in a root configured for staff, since the same zone may know other
 * authorities (laboratories), that it is valid now and that nobody revoked it here. A header is never read.
 *
 * The subject says who: `serialNumber` is the professional's id, `O` the provider, each `OU` a role.
 */
import { X509Certificate } from 'node:crypto';
import { fromBase64 } from '../../protocol/primitives/bytes.ts';
import type { Identity, IdentitySource } from './identity-source.ts';
import { type Role, rolesAmong } from './roles.ts';

/** What the platform tells, as far as we read it (docs/spec/platform.md §1.5); all strings. */
interface TlsClientAuth {
  readonly certPresented?: string;
  readonly certVerified?: string;
  readonly certRevoked?: string;
  /** The certificate as RFC 9440 has it: `:base64 of DER:`. */
  readonly certRFC9440?: string;
  readonly certRFC9440Chain?: string;
}

/** Roles a card may carry. Who runs the system is never said by an authority that registers professionals. */
const PROFESSIONAL_ROLES: readonly Role[] = ['hotline', 'health-authority', 'provider'];
/** Certificates between the professional's and the root. */
const MAX_INTERMEDIATES = 3;
const NAME = /^[^\p{C}]{1,100}$/u;

/** @returns who holds the card, or null unless every check passes */
export async function certificateIdentity({
  request,
  config,
  now,
  isRevoked,
}: IdentitySource): Promise<Identity | null> {
  const auth = (request as { cf?: { tlsClientAuth?: TlsClientAuth } }).cf?.tlsClientAuth;
  if (auth?.certPresented !== '1' || auth.certVerified !== 'SUCCESS' || auth.certRevoked !== '0') return null;
  const [certificate] = certificatesIn(auth.certRFC9440);
  if (certificate === undefined) return null;
  const intermediates = certificatesIn(auth.certRFC9440Chain).slice(0, MAX_INTERMEDIATES);
  const chain = chainToRoot(certificate, intermediates, config.staffRoots, now);
  if (chain === null) return null;
  for (const link of chain) if (await isRevoked(fingerprintOf(link))) return null;
  return identityOf(certificate);
}

/** @returns SHA-256 of the certificate, 64 lowercase hex digits */
function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

/** @returns the certificates from the leaf to below the root, or null when no chain of valid signatures leads to one */
function chainToRoot(
  leaf: X509Certificate,
  intermediates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  now: number,
): X509Certificate[] | null {
  const chain = [leaf];
  for (let current = leaf; ;) {
    if (!validAt(current, now) || (current !== leaf && !current.ca)) return null;
    const root = roots.find((candidate) => issued(candidate, current));
    if (root !== undefined) return validAt(root, now) ? chain : null;
    const next = intermediates.find((candidate) => !chain.includes(candidate) && issued(candidate, current));
    if (next === undefined) return null;
    chain.push(next);
    current = next;
  }
}

function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

const validAt = (certificate: X509Certificate, now: number): boolean =>
  Date.parse(certificate.validFrom) / 1000 <= now && now < Date.parse(certificate.validTo) / 1000;

function identityOf(certificate: X509Certificate): Identity | null {
  const [id] = subjectField(certificate, 'serialNumber');
  const [provider] = subjectField(certificate, 'O');
  const roles = rolesAmong(subjectField(certificate, 'OU')).filter((role) => PROFESSIONAL_ROLES.includes(role));
  if (id === undefined || provider === undefined || !NAME.test(id) || !NAME.test(provider)) return null;
  return { subject: `card:${id}`.slice(0, 100), roles, provider, authenticatedAt: null, signInAgain: null };
}

/** Node and workerd print a subject with one `NAME=value` a line; a line break inside a value is escaped. */
function subjectField(certificate: X509Certificate, name: string): string[] {
  return (certificate.subject ?? '')
    .split('\n')
    .filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1));
}

function certificatesIn(text: string | undefined): X509Certificate[] {
  return [...(text ?? '').matchAll(/:([A-Za-z0-9+/=]{1,20000}):/g)].flatMap(([, base64 = '']) => {
    try {
      return [new X509Certificate(fromBase64(base64))];
    } catch {
      return [];
    }
  });
}
