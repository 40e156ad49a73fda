/**
 * @module The verification certificate as a verification server of Google's dialect makes it (docs/spec/google.md §5.3): an ES256 JWT (RFC 7519, RFC 7518 §3.4). The signing input follows from the claims
 * alone, so that the same claims are the same certificate, and the hash of it names the certificate (a signature can be made anew over the same input).
 */
import { toBase64Url, toHex, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import type { Signer } from '../signing.ts';

/** `ALLOWED_CLOCK_SKEW`: `iat` and `nbf` are so long ago. */
const SKEW_SECONDS = 5;
/** From the instant at which it was given. */
export const CERTIFICATE_SECONDS = 900;
const INTERVALS_PER_DAY = 144;

/** Who signs, and for whom. */
export interface CertificateHead {
  readonly kid: string;
  readonly iss: string;
  readonly aud: string;
}

/** What is vouched for. */
export interface IssuedClaims {
  readonly reportType: string;
  /** UTC day since the Unix epoch, or null: then the claim is absent, and never made of a test's date. */
  readonly symptomDay: number | null;
  /** As the phone sent it. */
  readonly tekmac: string;
  /** Unix seconds at which it is given. */
  readonly at: number;
}

/** @returns header and payload in base64url, joined by a dot */
export function certificateSigningInput(
  head: CertificateHead,
  { reportType, symptomDay, tekmac, at }: IssuedClaims,
): string {
  const { kid, iss, aud } = head;
  const onset = symptomDay === null ? {} : { symptomOnsetInterval: symptomDay * INTERVALS_PER_DAY };
  const iat = at - SKEW_SECONDS;
  const payload = { reportType, ...onset, tekmac, aud, exp: at + CERTIFICATE_SECONDS, iat, iss, nbf: iat };
  const part = (value: object): string => toBase64Url(utf8(JSON.stringify(value)));
  return `${part({ alg: 'ES256', kid, typ: 'JWT' })}.${part(payload)}`;
}

/** @returns 64 lowercase hex digits: by it a server knows the certificate again */
export const certificateHash = (signingInput: string): string => toHex(sha256(utf8(signingInput)));

/** @param signer r‖s, 64 bytes @returns the JWT; the same one each time, since signatures are deterministic (RFC 6979) */
export function signCertificate(signingInput: string, signer: Signer): string {
  return `${signingInput}.${toBase64Url(signer.sign(utf8(signingInput)))}`;
}
