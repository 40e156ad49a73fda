/**
 * @module Keys of a health authority as its verification server publishes them: a JWKS, bare array or object (docs/spec/google.md §5.9, RFC 7517 §5).
 */
import { createPublicKey } from 'node:crypto';
import type { AuthorityKey } from '../../protocol/publish/authorities.ts';
import { spkiFromBase64 } from '../../protocol/directory/spki.ts';

/** Dozens of keys have a few kilobytes. */
const MAX_BYTES = 262_144;
const TIMEOUT_MS = 10_000;

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const said = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 100);

/**
 * @param jwk one key
 * @param at its name in messages
 * @returns its name and its SubjectPublicKeyInfo, base64
 * @throws Error naming the field, its value and the rule
 */
export function keyOfJwk(jwk: unknown, at: string): Pick<AuthorityKey, 'kid' | 'publicKey'> {
  const refuse = (field: string, rule: string, value: unknown): Error =>
    new Error(`${at}${field} ${said(value)}: ${rule}`);
  if (!isObject(jwk)) throw refuse('', 'must be an object', jwk);
  // Its value is said nowhere.
  if ('d' in jwk) throw new Error(`${at}.d: is a private key, which must be published nowhere`);
  const { kid, kty, crv, alg, x, y } = jwk;
  if (typeof kid !== 'string' || kid === '') throw refuse('.kid', 'must be a text', kid);
  if (kty !== 'EC') throw refuse('.kty', 'must be EC', kty);
  if (crv !== 'P-256') throw refuse('.crv', 'must be P-256', crv);
  if (alg !== undefined && alg !== 'ES256') throw refuse('.alg', 'must be ES256', alg);
  try {
    const key = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: String(x), y: String(y) }, format: 'jwk' });
    const publicKey = key.export({ type: 'spki', format: 'der' }).toString('base64');
    if (spkiFromBase64(publicKey) !== null) return { kid, publicKey };
  } catch {
    // What OpenSSL says of it helps nobody.
  }
  throw refuse('', 'must be a point of P-256', { x, y });
}

/** @param text a JWKS @param at its name in messages @returns keys for signatures, in its order @throws Error naming the field, its value and the rule */
export function readJwks(text: string, at: string): Pick<AuthorityKey, 'kid' | 'publicKey'>[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error(`${at} "${text.slice(0, 40)}": must be JSON`);
  }
  const [keys, path, whole] = isObject(parsed) ? [parsed['keys'], 'keys', 'keys'] : [parsed, '', 'the list'];
  if (!Array.isArray(keys))
    throw new Error(`${at}: ${whole} ${said(keys)}: must be a list of JWKs, or an object with such a list as "keys"`);
  const found = keys.flatMap((jwk: unknown, n) =>
    isObject(jwk) && jwk['use'] === 'enc' ? [] : [keyOfJwk(jwk, `${at}: ${path}[${n}]`)],
  );
  // A server that is being set up must not end what its authority's phones rely on.
  if (found.length === 0) throw new Error(`${at}: ${whole} ${said(keys)}: must have a key`);
  return found;
}

/** @param url of a JWKS @returns its text @throws Error naming the address and what is wrong */
export async function fetchJwks(url: string): Promise<string> {
  const { protocol, hostname } = new URL(url);
  const isLocal = hostname === '127.0.0.1' || hostname === 'localhost';
  if (protocol !== 'https:' && !(protocol === 'http:' && isLocal))
    throw new Error(`--jwks "${url}": must begin with https://, since who changes it on its way publishes keys`);
  let response: Response;
  try {
    response = await fetch(url, {
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { accept: 'application/json' },
    });
  } catch (error) {
    const reason = (error as { cause?: { message?: string } }).cause?.message ?? (error as Error).message;
    throw new Error(`--jwks "${url}": not reached (${reason})`, { cause: error });
  }
  const text = await response.text();
  if (!response.ok) throw new Error(`--jwks "${url}": answered ${response.status}`);
  if (text.length > MAX_BYTES) throw new Error(`--jwks "${url}": must have at most ${MAX_BYTES} bytes`);
  return text;
}

/**
 * What a JWKS makes of an authority's keys: those that it has, each from the beginning of time unless the authority has said otherwise of this very key;
 * those that it hasn't go at once, as Google's server lets them.
 *
 * @param known keys of the authority
 * @param published as {@link readJwks} gives them
 */
export function keysFromJwks(
  known: readonly AuthorityKey[],
  published: readonly Pick<AuthorityKey, 'kid' | 'publicKey'>[],
): AuthorityKey[] {
  return published.map(({ kid, publicKey }) => {
    const former = known.find((key) => key.kid === kid && key.publicKey === publicKey);
    return former ?? { kid, publicKey, from: 0, until: null };
  });
}
