/**
 * @module API keys of Google's dialect (docs/spec/google.md §5.2): `<random>.<realm>.<HMAC>`. The HMAC says that we made it, and of which kind, so that a forged one is told without any storage; whether
 * it was revoked the code store knows, by a keyed hash.
 */
import { createHmac } from 'node:crypto';
import { equalBytes, toBase64Url, toHex, utf8 } from '../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../protocol/primitives/hash.ts';
import type { RandomBytes } from './random.ts';
import type { ApiKeyKind } from './rpc-codes.ts';
import { concealed } from './verification-codes.ts';

const RANDOM_BYTES = 64;
const ID_BYTES = 16;
/** 64 bytes in base64url. */
const PART = '[A-Za-z0-9_-]{86}';
const FORM = new RegExp(`^(${PART})\\.([a-z0-9-]{1,20})\\.(${PART})$`);

function mac(random: string, realm: string, kind: ApiKeyKind, derivationKey: Uint8Array): Uint8Array {
  const key = hmacSha256(derivationKey, utf8(`exposure-edge/api-key-mac/v1\0${kind}`));
  return createHmac('sha512', key).update(`${random}.${realm}`, 'utf8').digest();
}

/** @param random source of 64 bytes @param realm 1..20 of a-z, 0-9 and hyphens @param derivationKey 32 bytes, known to `verification` alone @returns a new key */
export function makeApiKey(kind: ApiKeyKind, random: RandomBytes, realm: string, derivationKey: Uint8Array): string {
  const text = toBase64Url(random(RANDOM_BYTES));
  return `${text}.${realm}.${toBase64Url(mac(text, realm, kind, derivationKey))}`;
}

/** @param text as it came @returns whether we made it, of this kind; nothing of storage is asked */
export function isOurApiKey(text: string, kind: ApiKeyKind, realm: string, derivationKey: Uint8Array): boolean {
  const [, random, named, said] = FORM.exec(text) ?? [];
  if (random === undefined || named !== realm || said === undefined) return false;
  return equalBytes(utf8(said), utf8(toBase64Url(mac(random, realm, kind, derivationKey))));
}

/** @returns 32 lowercase hex digits under which a key is stored: a keyed hash, which leads back to nothing */
export function apiKeyId(text: string, hashKey: Uint8Array): string {
  return toHex(concealed('api-key', text, hashKey).subarray(0, ID_BYTES));
}
