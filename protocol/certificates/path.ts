/**
 * @module From a certificate (a professional's, a region's) to a configured root: path validation as RFC 5280 §6.1 has it, for paths in which
 * no policy is asked for. What isn't understood is refused: critical extensions that aren't listed here, name constraints,
 * weak keys and hashes. Revocation is looked up elsewhere, by what this returns. No library does all of it (decision 028).
 */
import { AsnConvert } from '@peculiar/asn1-schema';
import { BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsageFlags } from '@peculiar/asn1-x509';
import type { Certificate } from './certificate.ts';

const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const CERTIFICATE_POLICIES = '2.5.29.32';
const NAME_CONSTRAINTS = '2.5.29.30';

/** Critical extensions that may be there: the first three are checked; any policy will do, so naming some changes nothing. */
const UNDERSTOOD = new Set([BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, CERTIFICATE_POLICIES]);
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';

/** ECDSA and RSA (PKCS #1) over SHA-2, and Ed25519. SHA-1 and MD5 are not among them: their collisions make certificates. */
export const SIGNATURE_ALGORITHMS: ReadonlyMap<string, string | null> = new Map([
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.3.101.112', null],
]);
const MIN_RSA_BITS = 2048;
const CURVES: readonly unknown[] = ['prime256v1', 'secp384r1', 'secp521r1', 'P-256', 'P-384', 'P-521'];

/** Certificates between a professional's and the root; states have one or two. */
const MAX_INTERMEDIATES = 3;

/** Why a path is refused; for logs of tests, never for who asked. */
export type PathError =
  | 'algorithm'
  | 'key'
  | 'validity'
  | 'version'
  | 'extensions'
  | 'not-an-authority'
  | 'authority'
  | 'key-usage'
  | 'extended-key-usage'
  | 'path-length'
  | 'name-constraints'
  | 'no-path';

/** A certificate of a path, and the authority that issued it. */
export interface Link {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
}

export type PathResult =
  | { readonly ok: true; readonly links: readonly Link[] }
  | { readonly ok: false; readonly error: PathError };

/** What a path is looked for among. */
export interface PathSource {
  /** Object identifier of what the certificate must be for; left out: for TLS clients. */
  readonly purpose?: string;
  /** As a client sent them: anything may be among them. More than {@link MAX_INTERMEDIATES} are not looked at. */
  readonly intermediates: readonly Certificate[];
  readonly roots: readonly Certificate[];
  /** Unix seconds. */
  readonly now: number;
}

/**
 * @param leaf a certificate of no authority, for the source's purpose
 * @returns its links up to the one that a root issued, or why the path is refused
 */
export function validatePath(leaf: Certificate, source: PathSource): PathResult {
  return guarded(() => {
    const error = faultOf(leaf, source.now) ?? faultOfLeaf(leaf, purposeOf(source));
    return error === null ? pathOf(leaf, source, [], 0) : { ok: false, error };
  });
}

/**
 * @param authority an intermediate authority, or a root
 * @returns its links up to the one that a root issued (none for a root), or why it is none of ours
 */
export function validateAuthority(authority: Certificate, source: PathSource): PathResult {
  return guarded(() => {
    const error = faultOf(authority, source.now) ?? faultOfAuthority(authority, 0, purposeOf(source));
    if (error !== null) return { ok: false, error };
    const isRoot = source.roots.some(
      (root) => root.publicKey === authority.publicKey && root.subject === authority.subject,
    );
    return isRoot ? { ok: true, links: [] } : pathOf(authority, source, [], 1);
  });
}

/** An extension whose value isn't what its identifier says throws where it is read. */
function guarded(validate: () => PathResult): PathResult {
  try {
    return validate();
  } catch {
    return { ok: false, error: 'extensions' };
  }
}

/** Looks for an issuer, root first, then each intermediate that isn't in the path yet. The last error met is told. @param authorities in the path so far */
function pathOf(certificate: Certificate, source: PathSource, below: readonly Link[], authorities: number): PathResult {
  const { intermediates, roots, now } = source;
  const used = [certificate, ...below.map((link) => link.certificate)];
  let error: PathError = 'no-path';
  const candidates = [...roots, ...intermediates.slice(0, MAX_INTERMEDIATES)].filter(
    (candidate) => !used.some(({ publicKey }) => publicKey === candidate.publicKey) && issued(candidate, certificate),
  );
  for (const issuer of candidates) {
    // Self-issued certificates don't count (RFC 5280 §4.2.1.9); nobody needs them here, and counting them is stricter.
    const fault = faultOf(issuer, now) ?? faultOfAuthority(issuer, authorities, purposeOf(source));
    if (fault !== null) {
      error = fault;
      continue;
    }
    const links = [...below, { certificate, issuer }];
    if (roots.includes(issuer)) return { ok: true, links };
    const found = pathOf(issuer, source, links, authorities + 1);
    if (found.ok) return found;
    error = found.error;
  }
  return { ok: false, error };
}

/** Names byte by byte, as RFC 5280 §4.1.2.6 has an authority encode them, then the signature. */
function issued(issuer: Certificate, certificate: Certificate): boolean {
  try {
    return issuer.subject === certificate.issuer && certificate.x509.verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}

/** What no certificate of a path may have. */
function faultOf(certificate: Certificate, now: number): PathError | null {
  if (certificate.version !== 3) return 'version';
  if (certificate.extensions === null) return 'extensions';
  if ([...certificate.extensions].some(([id, { critical }]) => critical && !UNDERSTOOD.has(id))) return 'extensions';
  if (certificate.signatureAlgorithm === null || !SIGNATURE_ALGORITHMS.has(certificate.signatureAlgorithm)) {
    return 'algorithm';
  }
  if (!isStrongKey(certificate)) return 'key';
  return certificate.notBefore <= now && now < certificate.notAfter ? null : 'validity';
}

const purposeOf = ({ purpose = CLIENT_AUTHENTICATION }: PathSource): string => purpose;

function faultOfLeaf(leaf: Certificate, purpose: string): PathError | null {
  const usage = keyUsage(leaf);
  if (basicConstraints(leaf)?.cA === true || (usage !== null && (usage & KeyUsageFlags.keyCertSign) !== 0)) {
    return 'authority';
  }
  if (usage !== null && (usage & KeyUsageFlags.digitalSignature) === 0) return 'key-usage';
  // One that is for anything isn't for this: an authority of professionals says what a card is for.
  return extendedKeyUsage(leaf)?.includes(purpose) === true ? null : 'extended-key-usage';
}

/** @param below how many authorities stand between this one and the leaf */
function faultOfAuthority(authority: Certificate, below: number, purpose: string): PathError | null {
  const constraints = basicConstraints(authority);
  if (constraints?.cA !== true) return 'not-an-authority';
  const usage = keyUsage(authority);
  if (usage === null || (usage & KeyUsageFlags.keyCertSign) === 0) return 'key-usage';
  if (constraints.pathLenConstraint !== undefined && constraints.pathLenConstraint < below) return 'path-length';
  if (authority.extensions?.has(NAME_CONSTRAINTS) === true) return 'name-constraints';
  const purposes = extendedKeyUsage(authority);
  const fits = purposes === null || purposes.includes(purpose) || purposes.includes(ANY_USAGE);
  return fits ? null : 'extended-key-usage';
}

function isStrongKey({ x509 }: Certificate): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = x509.publicKey;
  if (type === 'rsa') return (details.modulusLength ?? 0) >= MIN_RSA_BITS;
  return type === 'ed25519' || (type === 'ec' && CURVES.includes(details.namedCurve));
}

function extension<T>(certificate: Certificate, id: string, syntax: new () => T): T | null {
  const found = certificate.extensions?.get(id);
  return found === undefined ? null : AsnConvert.parse(found.value, syntax);
}

const basicConstraints = (certificate: Certificate): BasicConstraints | null =>
  extension(certificate, BASIC_CONSTRAINTS, BasicConstraints);

/** @returns flags, or null where the extension is missing */
export const keyUsage = (certificate: Certificate): number | null =>
  extension(certificate, KEY_USAGE, KeyUsage)?.toNumber() ?? null;

const extendedKeyUsage = (certificate: Certificate): readonly string[] | null =>
  extension(certificate, EXTENDED_KEY_USAGE, ExtendedKeyUsage);
