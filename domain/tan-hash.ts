/**
 * @module What `verification` keeps in place of a TAN, and in place of a digest while the TAN is reserved.
 */
import { fromHex, toHex, utf8 } from '../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../protocol/primitives/hash.ts';

const HASH_LABEL = utf8('exposure-edge/tan-hash/v1\0');
const DIGEST_LABEL = utf8('exposure-edge/kept-digest/v1\0');

/** @param tanHashKey 32 bytes, held by `verification` alone @param tan canonical spelling @returns 64 hex digits */
export function tanHash(tanHashKey: Uint8Array, tan: string): string {
  return toHex(hmacSha256(tanHashKey, HASH_LABEL, utf8(tan)));
}

/**
 * A digest is keyed by `upload`; hashed once more with a key of `verification` and the TAN, it is found again only by who
 * has both secrets. With one alone and all that is stored, a single-key upload is not found among published keys.
 *
 * @param tanHashKey 32 bytes, held by `verification` alone
 * @param tan canonical spelling
 * @param digest 64 hex digits, from `upload`
 * @returns 64 hex digits
 */
export function keptDigest(tanHashKey: Uint8Array, tan: string, digest: string): string {
  return toHex(hmacSha256(tanHashKey, DIGEST_LABEL, utf8(tan), fromHex(digest)));
}
