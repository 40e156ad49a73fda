/**
 * @module SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104). From node:crypto, which Node and workerd both do natively:
 * an export of 1,000,000 keys is 34 MB, and each of its bytes is hashed.
 */
import { createHash, createHmac } from 'node:crypto';
import { concatBytes } from './bytes.ts';

/** So much is joined before it is hashed: a call into the runtime costs more than copying it. */
const MOST_JOINED_BYTES = 4_096;

/**
 * @param parts hashed one after the other
 * @returns 32 bytes
 */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of joined(parts)) hash.update(part);
  return plain(hash.digest());
}

/**
 * @param key any length
 * @param parts authenticated one after the other
 * @returns 32 bytes
 */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', key);
  for (const part of joined(parts)) hmac.update(part);
  return plain(hmac.digest());
}

function joined(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  if (parts.length < 2) return parts;
  let length = 0;
  for (const part of parts) length += part.length;
  return length > MOST_JOINED_BYTES ? parts : [concatBytes(...parts)];
}

/** A Buffer's bytes, not copied: an upload makes thirty digests, and each copy is memory that V8 has to find again. */
function plain({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
