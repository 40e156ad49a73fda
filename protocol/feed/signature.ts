/**
 * @module The header `Signature` of an answer of a feed: a JWT (RFC 7519) over the hash of its body, the URL that was asked for and when it expires (docs/spec/europe.md §2.1), so that nothing
 * signed answers for another path or day. Ours says whose feed it is, too: DP-3T's paths are the same for each region, and whoever stands between could answer one with another's. Keys are JWKs (RFC 7517).
 *
 * We sign with the key of the public exports, as ES256 and deterministically (RFC 6979): a repeated step puts the same bytes, which WebCrypto can't. DP-3T's draft has RS256,
 * which is verified here as well. The algorithm follows from the key, never from the token (RFC 8725 §3.1).
 */
import { createPublicKey } from 'node:crypto';
import { fromBase64Url, toBase64, toBase64Url, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import { type Result, err, ok } from '../primitives/result.ts';
import { pointFromSpki, type Signer, spkiToPem } from '../signing.ts';

/** Name of the header. */
export const SIGNATURE_HEADER = 'signature';
const ISSUER = 'dp3t';
const HASH_ALGORITHM = 'sha-256';
/** A token of ours has some 400 characters. */
const MAX_TOKEN = 4096;
const MIN_RSA_BYTES = 256;
const SCALAR_BYTES = 32;

/** A public key. */
export interface Jwk {
  readonly kid: string;
  readonly kty: string;
  readonly [field: string]: unknown;
}

/** What a reader verifies with. */
export interface TrustedKeys {
  readonly keys: readonly Jwk[];
  /** `crypto.subtle` of the platform. */
  readonly subtle: SubtleCrypto;
}

/** What an answer is bound to. */
export interface SignedAnswer {
  /** As the reader asked for it, whole. */
  readonly url: string;
  readonly body: Uint8Array;
  /** Whose feed: a2a, or a region's. Left out, or not told by the peer's backend: not compared. */
  readonly feed?: string;
}

export type SignatureError =
  | 'malformed'
  | 'algorithm'
  | 'unknown-key'
  | 'bad-signature'
  | 'url'
  | 'feed'
  | 'hash'
  | 'expired';

/** @param keyId, keyVersion of the export key @returns its name in JWTs and JWKS */
export function jwkId(keyId: string, keyVersion: string): string {
  return `${keyId}-${keyVersion}`;
}

/** @param spki SubjectPublicKeyInfo of a P-256 key @throws {TypeError} for another key */
export function jwkOf(kid: string, spki: Uint8Array): Jwk {
  const point = pointFromSpki(spki);
  const [x, y] = [point.subarray(1, 1 + SCALAR_BYTES), point.subarray(1 + SCALAR_BYTES)].map(toBase64Url);
  return { kid, kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', x, y };
}

/** What a header of ours says. */
export interface AboutAnswer extends Required<SignedAnswer> {
  /** Unix seconds. */
  readonly issuedAt: number;
  readonly expires: number;
}

/**
 * A public key under the names by which a token may call it: ours, and the key's own alone, as other backends name theirs.
 *
 * @param spki SubjectPublicKeyInfo, EC or RSA
 * @returns none for bytes that are no such key
 */
export function jwksOf(keyId: string, keyVersion: string, spki: Uint8Array): Jwk[] {
  try {
    const key = createPublicKey(spkiToPem(spki)).export({ format: 'jwk' });
    const { kty, ...material } = key;
    return kty === undefined ? [] : [jwkId(keyId, keyVersion), keyId].map((kid) => ({ ...material, kty, kid }));
  } catch {
    return [];
  }
}

/**
 * @param about see {@link AboutAnswer}
 * @param key.signer r‖s
 * @returns the header's value; the same for the same input
 */
export function signAnswer(about: AboutAnswer, key: { readonly kid: string; readonly signer: Signer }): string {
  const text = answerText(about, key.kid);
  return answerToken(text, key.signer.sign(utf8(text)));
}

/** @param text that was signed @param signature r‖s @returns the header's value */
export const answerToken = (text: string, signature: Uint8Array): string => `${text}.${toBase64Url(signature)}`;

/** @returns the part of a header's value that is signed */
export function answerText({ url, body, feed, issuedAt, expires }: AboutAnswer, kid: string): string {
  const header = { alg: 'ES256', typ: 'JWT', kid };
  const claims = {
    iss: ISSUER,
    iat: issuedAt,
    exp: expires,
    'hash-alg': HASH_ALGORITHM,
    'content-hash': toBase64(sha256(body)),
    url,
    feed,
  };
  return [header, claims].map((part) => toBase64Url(utf8(JSON.stringify(part)))).join('.');
}

/**
 * @param token the header as received, null for none
 * @param answer what it must be about
 * @param now Unix seconds
 * @param trusted see {@link TrustedKeys}
 * @returns when it expires (Unix seconds), or the first rule that it breaks
 */
export async function verifyAnswer(
  token: string | null,
  { url, body, feed }: SignedAnswer,
  now: number,
  trusted: TrustedKeys,
): Promise<Result<{ readonly expires: number }, SignatureError>> {
  const [head, claimed, signature, ...rest] = (token ?? '').split('.');
  if (token === null || token.length > MAX_TOKEN || signature === undefined || rest.length > 0) return err('malformed');
  const [header, claims] = [head!, claimed!].map(json);
  const bytes = decoded(signature);
  if (!header || !claims || bytes === null) return err('malformed');
  const key = trusted.keys.find(({ kid }) => kid === header['kid']);
  if (key === undefined) return err('unknown-key');
  const scheme = schemeOf(key);
  if (scheme === null || header['alg'] !== scheme.alg) return err('algorithm');
  const isSigned = await isSignedBy(trusted, key, scheme, utf8(`${head}.${claimed}`), bytes);
  if (!isSigned) return err('bad-signature');
  if (claims['url'] !== url) return err('url');
  if (feed !== undefined && (claims['feed'] ?? feed) !== feed) return err('feed');
  if ((claims['hash-alg'] ?? HASH_ALGORITHM) !== HASH_ALGORITHM) return err('hash');
  if (claims['content-hash'] !== toBase64(sha256(body))) return err('hash');
  const expires = claims['exp'];
  if (typeof expires !== 'number' || !(expires > now)) return err('expired');
  return ok({ expires });
}

interface Scheme {
  readonly alg: 'ES256' | 'RS256';
  readonly parameters: { readonly name: string; readonly namedCurve?: string; readonly hash: string };
}

/** By which algorithm a key verifies, of those that DP-3T's backends use. */
function schemeOf({ kty, crv, n }: Jwk): Scheme | null {
  if (kty === 'EC' && crv === 'P-256') {
    return { alg: 'ES256', parameters: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } };
  }
  const modulus = kty === 'RSA' && typeof n === 'string' ? decoded(n) : null;
  if (modulus === null || modulus.length < MIN_RSA_BYTES) return null;
  return { alg: 'RS256', parameters: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } };
}

async function isSignedBy(
  { subtle }: TrustedKeys,
  { kty, crv, x, y, n, e }: Jwk,
  { parameters }: Scheme,
  signed: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  // The material alone: a JWK's own opinion of its use must not decide whether it can be read.
  const material = kty === 'EC' ? { kty, crv, x, y } : { kty, n, e };
  try {
    const key = await subtle.importKey('jwk', material as JsonWebKey, parameters, false, ['verify']);
    return await subtle.verify(parameters, key, new Uint8Array(signature), new Uint8Array(signed));
  } catch {
    return false;
  }
}

function decoded(text: string): Uint8Array | null {
  try {
    return fromBase64Url(text);
  } catch {
    return null;
  }
}

function json(text: string): Record<string, unknown> | null {
  const bytes = decoded(text);
  if (bytes === null) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
