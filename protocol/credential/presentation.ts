/**
 * @module How a phone shows a credential to its base region: the SD-JWT with a key-binding JWT behind it (RFC 9901 §4.3), signed with the key that the credential names. It is for one audience, made now, over
 * these very bytes. The nonce is the phone's own: a challenge would cost another request, which cover traffic would have to feign (docs/decisions/025), and what it is for is held by the credential's id, which opens one
 * session alone.
 */
import { errors, importPKCS8, jwtVerify, SignJWT } from 'jose';
import { toBase64Url, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import { err, ok, type Result } from '../primitives/result.ts';
import { ALGORITHM, type HolderKey, MAX_CREDENTIAL_LENGTH } from './credential.ts';

const KEY_BINDING_TYP = 'kb+jwt';
/** With an audience of 64 characters it has 368. */
const MAX_KEY_BINDING_LENGTH = 375;
/** Of a credential with its proof. */
export const MAX_PRESENTATION_LENGTH = MAX_CREDENTIAL_LENGTH + MAX_KEY_BINDING_LENGTH;
/** A phone whose clock is further off takes no keys either (phone/timing/clock-check.ts). */
const MAX_SKEW_SECONDS = 2 * 3_600;
const NONCE_BYTES = 16;
const NONCE = /^[A-Za-z0-9_-]{22}$/;

/** What a phone shows. */
export interface Presentation {
  /** The SD-JWT, with its tilde. */
  readonly credential: string;
  readonly keyBinding: string;
}

/** proof: it isn't by the key, for this audience, or over this credential. clock: of another time. */
export type ProofError = 'proof' | 'clock';

/** What a proof is made of. */
export interface ProofInput {
  /** Origin of the base region's `verification`. */
  readonly audience: string;
  /** Unix seconds. */
  readonly now: number;
  readonly random: (length: number) => Uint8Array;
}

const hashOf = (credential: string): string => toBase64Url(sha256(utf8(credential)));

/**
 * @param credential an SD-JWT
 * @param holderPem PKCS#8 of the phone's key
 * @param proof see {@link ProofInput}
 * @returns the SD-JWT with its key binding
 * @throws Error when the key is none
 */
export async function presentCredential(
  credential: string,
  holderPem: string,
  { audience, now, random }: ProofInput,
): Promise<string> {
  const key = await importPKCS8(holderPem, ALGORITHM);
  const nonce = toBase64Url(random(NONCE_BYTES));
  const claims = { iat: now, aud: audience, nonce, sd_hash: hashOf(credential) };
  return (
    credential + (await new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, typ: KEY_BINDING_TYP }).sign(key))
  );
}

/** @param text as received @returns its two parts, or null: it has another form, or no key binding */
export function readPresentation(text: string): Presentation | null {
  if (text.length > MAX_PRESENTATION_LENGTH) return null;
  const [jwt, keyBinding, ...more] = text.split('~');
  if (!jwt || !keyBinding || more.length > 0 || keyBinding.length > MAX_KEY_BINDING_LENGTH) return null;
  return { credential: `${jwt}~`, keyBinding };
}

/**
 * @param presentation see {@link readPresentation}
 * @param holder the key that the verified credential names
 * @param audience ours
 * @param now Unix seconds
 * @returns null, or the rule that it breaks
 */
export async function verifyProof(
  { credential, keyBinding }: Presentation,
  holder: HolderKey,
  audience: string,
  now: number,
): Promise<Result<null, ProofError>> {
  let claims: Readonly<Record<string, unknown>>;
  try {
    const options = { algorithms: [ALGORITHM], typ: KEY_BINDING_TYP, audience, currentDate: new Date(now * 1000) };
    ({ payload: claims } = await jwtVerify(keyBinding, { kty: 'EC', crv: 'P-256', ...holder }, options));
  } catch (error) {
    if (error instanceof errors.JWTExpired) return err('clock');
    // A point that isn't on the curve is the platform's error, and another proof that isn't one.
    if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException) {
      return err('proof');
    }
    throw error;
  }
  const { iat, nonce, sd_hash: hash } = claims;
  if (hash !== hashOf(credential) || typeof nonce !== 'string' || !NONCE.test(nonce)) return err('proof');
  if (typeof iat !== 'number') return err('proof');
  return Math.abs(iat - now) <= MAX_SKEW_SECONDS ? ok(null) : err('clock');
}
