/**
 * @module The digest that tells a repeated upload from another one (docs/architecture.md §4.4): over the key data as parsed, before
 * any rule that looks at the clock. Risk levels, onsets, regions and padding are no part of it: phones compute them anew
 * on each attempt.
 */
import { compareBytes, toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../../protocol/primitives/hash.ts';
import type { CheckedKey } from './uploaded.ts';

const LABEL = utf8('exposure-edge/upload-digest/v2\0');

/**
 * @param upload what `checkUpload` let through: keys of one length, none twice
 * @param digestKey 32 bytes, held by `upload` alone
 * @returns HMAC-SHA-256 over the keys in byte order, in lowercase hex, 64 characters
 */
export function uploadDigest(
  upload: { readonly keys: readonly Pick<CheckedKey, 'keyData'>[] },
  digestKey: Uint8Array,
): string {
  const sorted = upload.keys.map(({ keyData }) => keyData).toSorted(compareBytes);
  return toHex(hmacSha256(digestKey, LABEL, ...sorted));
}
