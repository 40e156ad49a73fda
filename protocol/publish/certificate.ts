/**
 * @module The verification certificate of Google's dialect: an ES256 JWT in which a health authority says that one set of keys, named by `tekmac`, may be
 * uploaded (docs/spec/google.md §1.5). Stricter than Google's server where a trap was: `exp` is required, a certificate of the future is none, and
 * clocks may differ by {@link LEEWAY_SECONDS}.
 *
 * Whatever is wrong, the answer is the same, and the signature is computed before anything of its claims counts, with a key that stands in where
 * none is named: neither answer nor work tells a stranger which issuer, key or claim it was.
 */
import { subtle, type webcrypto } from 'node:crypto';
import { base64url, decodeJwt, decodeProtectedHeader, importSPKI } from 'jose';
import { toHex, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import type { Authorities, AuthorityKey, HealthAuthority } from './authorities.ts';
import { decodeAnyBase64 } from './base64.ts';
import { CERTIFIED_REPORTS, type CertifiedReport } from './report-type.ts';

const ALGORITHM = 'ES256';
/** What clocks of authority and server may differ by. Google's server has none, and its verification server dates `nbf` back by as much (docs/spec/google.md §5.3). */
export const LEEWAY_SECONDS = 5;
/** As long as a TAN may live (domain/tan.ts): so long a rollback can stop what its authority vouched for. Google's verification server gives 15 minutes. */
const MAX_LIFETIME_SECONDS = 14 * 86_400;
/** Google's have some 500. */
const MAX_CHARACTERS = 4096;
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const NAME_PREFIX = 'certificate:';
const MAC_BYTES = 32;
const SIGNATURE_BYTES = 64;
const MAX_UINT32 = 0xffff_ffff;
/** The generator of P-256 as a public key (SEC 2, secp256r1): whatever it verifies is thrown away. */
const STAND_IN: AuthorityKey = {
  kid: '',
  publicKey:
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==',
  from: 0,
  until: null,
};

/** What a certificate says that was verified. */
export interface Certificate {
  readonly authorityId: string;
  readonly reportType: CertifiedReport;
  /** 10-minute intervals since the Unix epoch; null where it says none, or 0, which says none too. */
  readonly symptomOnsetInterval: number | null;
  /** HMAC-SHA-256 of the keys, 32 bytes. */
  readonly tekmac: Uint8Array;
  /** SHA-256 of what is signed (header and claims, as they came), hex: never of the signature, of which anybody can make a second one. */
  readonly hash: string;
  /** Unix seconds. */
  readonly expiresAt: number;
}

/** @param hash of a certificate @returns what the ledger's doors take in place of a TAN */
export const certificateName = (hash: string): string => `${NAME_PREFIX}${hash}`;

/** @param name of a TAN or certificate in the ledger; no TAN begins so */
export const isCertificateName = (name: string): boolean => name.startsWith(NAME_PREFIX);

/** @param healthAuthorityId as a phone sends it @returns whether an authority's certificates may be used with it */
export const mayCertify = (authority: HealthAuthority, healthAuthorityId: string): boolean =>
  authority.apps.some((app) => app.toLowerCase() === healthAuthorityId.toLowerCase());

/** @param healthAuthorityId as a phone sends it @returns whether any authority's certificates may be used with it */
export const isKnownApp = ({ authorities }: Authorities, healthAuthorityId: string): boolean =>
  authorities.some((authority) => mayCertify(authority, healthAuthorityId));

/**
 * @param jwt as it came
 * @param authorities whose certificates are good
 * @param now Unix seconds
 * @returns what it says and who says it, or null, whatever is wrong
 */
export async function verifyCertificate(
  jwt: string,
  authorities: Authorities,
  now: number,
): Promise<{ readonly certificate: Certificate; readonly authority: HealthAuthority } | null> {
  const opened = await openJwt(jwt, authorities, now);
  if (opened === null) return null;
  const { authority, claims } = opened;
  const said = { tekmac: macOf(claims['tekmac']), reportType: claims['reportType'], exp: claims['exp'] };
  const onset = claims['symptomOnsetInterval'] ?? 0;
  const holds = [
    claims['aud'] === authority.audience,
    isTime(said.exp) && said.exp > now - LEEWAY_SECONDS && said.exp <= now + MAX_LIFETIME_SECONDS,
    isPast(claims['nbf'], now),
    isPast(claims['iat'], now),
    isReport(said.reportType) && authority.reportTypes.includes(said.reportType),
    Number.isInteger(onset) && (onset as number) >= 0 && (onset as number) <= MAX_UINT32,
  ];
  if (holds.includes(false) || said.tekmac === null || !isReport(said.reportType) || !isTime(said.exp)) return null;
  const certificate: Certificate = {
    authorityId: authority.id,
    reportType: said.reportType,
    symptomOnsetInterval: onset === 0 ? null : (onset as number),
    tekmac: said.tekmac,
    hash: toHex(sha256(utf8(jwt.slice(0, jwt.lastIndexOf('.'))))),
    expiresAt: Math.floor(said.exp),
  };
  return { certificate, authority };
}

type Claims = Readonly<Record<string, unknown>>;

/**
 * @param jwt as it came
 * @param authorities whose keys are good
 * @param now Unix seconds
 * @returns what somebody says who is named by `iss` and signed by a key that is good now; null, whatever is wrong. Audience and times are the caller's to look at
 */
export async function openJwt(
  jwt: string,
  { authorities }: Authorities,
  now: number,
): Promise<{ readonly authority: HealthAuthority; readonly claims: Claims } | null> {
  const read = readJwt(jwt);
  if (read === null) return null;
  const { kid, claims, signature } = read;
  const authority = authorities.find(({ issuer }) => issuer === claims['iss']);
  const key = authority?.keys.find((one) => one.kid === kid);
  const isSigned = await isSignedBy(jwt, signature, key ?? STAND_IN);
  if (authority === undefined || key === undefined || !isSigned) return null;
  return key.from <= now && (key.until === null || now < key.until) ? { authority, claims } : null;
}

interface ReadJwt {
  readonly kid: string;
  readonly claims: Claims;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** @returns the claims and by which key, unverified, or null when it is no JWT of this algorithm */
function readJwt(jwt: string): ReadJwt | null {
  if (typeof jwt !== 'string' || jwt.length > MAX_CHARACTERS || !JWT.test(jwt)) return null;
  try {
    const { alg, kid, crit } = decodeProtectedHeader(jwt);
    // RFC 7515 §4.1.11: an extension that must be understood, and isn't.
    if (alg !== ALGORITHM || typeof kid !== 'string' || crit !== undefined) return null;
    return {
      kid,
      claims: decodeJwt(jwt),
      signature: new Uint8Array(base64url.decode(jwt.slice(jwt.lastIndexOf('.') + 1))),
    };
  } catch {
    return null;
  }
}

/**
 * By the platform itself: jose's `compactVerify` reads header and text a second time, a fifth of what a signature costs, and both Workers pay it for each
 * upload (docs/decisions/070). The form was looked at by {@link readJwt}. RFC 7518 §3.4: r and s, 32 bytes each, which is what WebCrypto takes.
 */
async function isSignedBy(jwt: string, signature: Uint8Array<ArrayBuffer>, key: AuthorityKey): Promise<boolean> {
  const publicKey = await imported(key);
  const signed = new Uint8Array(utf8(jwt.slice(0, jwt.lastIndexOf('.'))));
  const isWhole = signature.length === SIGNATURE_BYTES;
  // One of another length is computed too: nobody learns by the time that it was looked at.
  const compared = isWhole ? signature : new Uint8Array(SIGNATURE_BYTES).fill(1);
  const isGood = await subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, publicKey, compared, signed);
  return isGood && isWhole;
}

/** Keys as the platform takes them, as long as the document that names them. */
const IMPORTED = new WeakMap<AuthorityKey, webcrypto.CryptoKey>();

async function imported(key: AuthorityKey): Promise<webcrypto.CryptoKey> {
  const known = IMPORTED.get(key);
  if (known !== undefined) return known;
  const made = await importSPKI(`-----BEGIN PUBLIC KEY-----\n${key.publicKey}\n-----END PUBLIC KEY-----`, ALGORITHM);
  // The same key of the platform, by Node's name for its type.
  const named = made as webcrypto.CryptoKey;
  IMPORTED.set(key, named);
  return named;
}

const isReport = (value: unknown): value is CertifiedReport => CERTIFIED_REPORTS.some((one) => one === value);

/** RFC 7519 §2, NumericDate. */
export const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** @returns whether a claim that may be left out names an instant that has been, as far as clocks agree */
export const isPast = (value: unknown, now: number): boolean =>
  value === undefined || (isTime(value) && value <= now + LEEWAY_SECONDS);

/** @param value base64 as phones and servers write it @returns 32 bytes, or null */
function macOf(value: unknown): Uint8Array | null {
  const bytes = typeof value === 'string' ? decodeAnyBase64(value) : null;
  return bytes?.length === MAC_BYTES ? bytes : null;
}
