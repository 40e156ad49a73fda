/**
 * @module How each secret of a Worker is drawn, by its name: one place for a local edge, which keeps them beside its state, and for stages, which seal them (scripts/stage/secrets). A
 * name that ends with SIGNING_KEY or PRIVATE_KEY is a P-256 key in PEM (PKCS#8), PUBLIC_KEY the other half of one, any other 32 bytes in base64.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { keyRing, MAX_RING_KEYS } from '../protocol/primitives/key-ring.ts';

const SECRET_BYTES = 32;

/** @returns a new P-256 private key, PKCS#8 PEM */
export const drawKeyPair = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** @param name of a secret that isn't a public key @returns a new one */
export const drawSecret = (name: string): string =>
  isSigningKey(name) ? drawKeyPair() : randomBytes(SECRET_BYTES).toString('base64');

/** @param name of a secret @returns whether it is a private key */
export const isSigningKey = (name: string): boolean => /(SIGNING|PRIVATE)_KEY$/.test(name);

/** @param name of a secret @returns whether it is the public half that a Worker is given of a key that no Worker holds */
export const isPublicKey = (name: string): boolean => name.endsWith('PUBLIC_KEY');

/** @param name of a public key that a Worker is given @returns of its other half, kept by the operator who signs, restores or rolls back */
export const otherHalfOf = (name: string): string =>
  name.replace(/PUBLIC_KEY$/, /^(RESTORE|UNDO)/.test(name) ? 'PRIVATE_KEY' : 'SIGNING_KEY');

/** @param pem a private key in PKCS#8 PEM @returns its public key, SPKI PEM */
export function publicPem(pem: string): string {
  return createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();
}

/** @param name of a secret @param value what stands for it @returns the rule that it breaks, or null; never the value */
export function secretFault(name: string, value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a text';
  if (isPublicKey(name))
    return isP256(() => createPublicKey(value)) ? null : 'must be a P-256 public key in PEM (SPKI)';
  if (isSigningKey(name)) {
    return isP256(() => createPrivateKey(value)) ? null : 'must be a P-256 private key in PEM (PKCS#8)';
  }
  try {
    keyRing(value, name);
    return null;
  } catch {
    return `must be ${SECRET_BYTES} bytes in base64, or up to ${MAX_RING_KEYS} such keys that differ, comma separated (docs/rotation.md)`;
  }
}

function isP256(read: () => { readonly asymmetricKeyDetails?: { readonly namedCurve?: string } }): boolean {
  try {
    return read().asymmetricKeyDetails?.namedCurve === 'prime256v1';
  } catch {
    // What OpenSSL says of it helps nobody.
    return false;
  }
}
