/**
 * @module Secrets for tests: fixed, derived from public labels, worthless outside a test. The same values every run, so
 * that a signature or a keyed hash seen in a failure can be reproduced.
 */
import { createECDH, createHash, createPrivateKey, createPublicKey } from 'node:crypto';

const digest = (label: string): Buffer => createHash('sha256').update(`exposure-edge test ${label}`).digest();

/** A 32-byte secret as the Workers expect it. @param label names it @returns base64 of 32 bytes */
export function testSecret(label: string): string {
  return digest(label).toString('base64');
}

/** A P-256 private key. @param label names it @returns PKCS#8 PEM as openssl makes it, public point included */
export function testKeyPem(label: string): string {
  const scalar = digest(label); // below the group order with probability 1 - 2^-32; ECDH refuses it otherwise
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(scalar);
  const point = ecdh.getPublicKey();
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    d: scalar.toString('base64url'),
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33, 65).toString('base64url'),
  };
  return createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The public half of {@link testKeyPem}. @param label names it @returns SPKI PEM */
function testPublicPem(label: string): string {
  return createPublicKey(testKeyPem(label)).export({ type: 'spki', format: 'pem' }).toString();
}

/** Every secret any Worker names in wrangler.toml (`secrets.required`). */
export const TEST_SECRETS = {
  TAN_MAC_KEY: testSecret('TAN_MAC_KEY'),
  DIGEST_KEY: testSecret('DIGEST_KEY'),
  UPLOAD_ID_KEY: testSecret('UPLOAD_ID_KEY'),
  PERMIT_KEY: testSecret('PERMIT_KEY'),
  TAN_HASH_KEY: testSecret('TAN_HASH_KEY'),
  SMS_WEBHOOK_SECRET: testSecret('SMS_WEBHOOK_SECRET'),
  DERIVATION_KEY: testSecret('DERIVATION_KEY'),
  KNOWN_KEY_HASH_KEY: testSecret('KNOWN_KEY_HASH_KEY'),
  REVISION_TOKEN_KEY: testSecret('REVISION_TOKEN_KEY'),
  EXPORT_SIGNING_KEY: testKeyPem('EXPORT_SIGNING_KEY'),
  MANIFEST_SIGNING_KEY: testKeyPem('MANIFEST_SIGNING_KEY'),
  CONFIG_SIGNING_KEY: testKeyPem('CONFIG_SIGNING_KEY'),
  LOG_SIGNING_KEY: testKeyPem('LOG_SIGNING_KEY'),
  CREDENTIAL_SIGNING_KEY: testKeyPem('CREDENTIAL_SIGNING_KEY'),
  CERTIFICATE_SIGNING_KEY: testKeyPem('CERTIFICATE_SIGNING_KEY'),
  SMS_SIGNING_KEY: testKeyPem('SMS_SIGNING_KEY'),
  LABORATORY_LIST_PUBLIC_KEY: testPublicPem('LABORATORY_LIST_SIGNING_KEY'),
  RESTORE_PUBLIC_KEY: testPublicPem('RESTORE_PRIVATE_KEY'),
  UNDO_PUBLIC_KEY: testPublicPem('UNDO_PRIVATE_KEY'),
} as const;

/** The name of a secret. */
export type SecretName = keyof typeof TEST_SECRETS;

/** Which Worker holds which secret; a copy of wrangler.toml's `secrets.required`, held equal by a test. */
export const SECRETS_OF: Readonly<Record<string, readonly SecretName[]>> = {
  upload: ['TAN_MAC_KEY', 'DIGEST_KEY', 'UPLOAD_ID_KEY'],
  index: [],
  config: [],
  origin: [
    'EXPORT_SIGNING_KEY',
    'MANIFEST_SIGNING_KEY',
    'CONFIG_SIGNING_KEY',
    'LOG_SIGNING_KEY',
    'KNOWN_KEY_HASH_KEY',
    'REVISION_TOKEN_KEY',
    'PERMIT_KEY',
    'RESTORE_PUBLIC_KEY',
    'UNDO_PUBLIC_KEY',
  ],
  verification: [
    'TAN_MAC_KEY',
    'TAN_HASH_KEY',
    'DERIVATION_KEY',
    'PERMIT_KEY',
    'CREDENTIAL_SIGNING_KEY',
    'CERTIFICATE_SIGNING_KEY',
    'SMS_WEBHOOK_SECRET',
    'SMS_SIGNING_KEY',
  ],
  laboratory: ['LABORATORY_LIST_PUBLIC_KEY'],
  portal: [],
};

/** @param worker short name (`upload`) @returns its secrets as plain bindings, for `cloudflareTest({ miniflare: { bindings } })` */
export function secretsOf(worker: string): Record<string, string> {
  return Object.fromEntries((SECRETS_OF[worker] ?? []).map((name) => [name, TEST_SECRETS[name]]));
}
