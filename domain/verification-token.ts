/**
 * @module The token that an app gets for a code (docs/spec/google.md §5.3). Google's is a JWT that says what it stands for; apps take it for a text, so ours is a random handle and a MAC over it: a forged
 * one is refused without storage, and the store, which has the handle, can't make the token.
 */
import { concatBytes, equalBytes, fromBase64Url, toBase64Url, utf8 } from '../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../protocol/primitives/hash.ts';

const HANDLE_BYTES = 16;
const MAC_BYTES = 16;
/** 32 bytes in base64url. */
const FORM = /^[A-Za-z0-9_-]{43}$/;

const macOf = (handle: Uint8Array, derivationKey: Uint8Array): Uint8Array =>
  hmacSha256(derivationKey, utf8('exposure-edge/verification-token/v1\0'), handle).subarray(0, MAC_BYTES);

/** @param handle 16 random bytes @param derivationKey 32 bytes, known to `verification` alone @returns 43 characters, the same each time */
export function verificationToken(handle: Uint8Array, derivationKey: Uint8Array): string {
  return toBase64Url(concatBytes(handle, macOf(handle, derivationKey)));
}

/** @param text as it came @returns the handle of a token that we made, or null */
export function handleOfToken(text: string, derivationKey: Uint8Array): Uint8Array | null {
  if (!FORM.test(text)) return null;
  let bytes: Uint8Array;
  try {
    bytes = fromBase64Url(text);
  } catch {
    return null;
  }
  const handle = bytes.slice(0, HANDLE_BYTES);
  return equalBytes(bytes.subarray(HANDLE_BYTES), macOf(handle, derivationKey)) ? handle : null;
}
