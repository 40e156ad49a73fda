/**
 * @module The digest that tells a repeated upload from another one (docs/architecture.md §4.4): over the key data as parsed, before
 * any rule that looks at the clock. Risk levels, onsets, regions and padding are no part of it: phones compute them anew
 * on each attempt.
 */
import { compareBytes, toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../../protocol/primitives/hash.ts';
import type { KeyRing } from '../../protocol/primitives/key-ring.ts';
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

/** What an upload is told by: the digest that is kept of a new one, and those under which an earlier attempt may be known (docs/rotation.md). */
export interface UploadDigests {
  /** 32 bytes in lowercase hex. */
  readonly digest: string;
  /** Under the other keys of the ring, in its order; left out: there are none. */
  readonly otherDigests?: readonly string[];
}

/** @param upload as of {@link uploadDigest} @param digestKeys held by `upload` alone @returns its digest under each key */
export function uploadDigests(
  upload: { readonly keys: readonly Pick<CheckedKey, 'keyData'>[] },
  digestKeys: KeyRing,
): UploadDigests {
  const digest = uploadDigest(upload, digestKeys.current);
  if (digestKeys.others.length === 0) return { digest };
  return { digest, otherDigests: digestKeys.others.map((key) => uploadDigest(upload, key)) };
}
