/**
 * @module Configuration of the Publisher, parsed once from the environment of `origin`.
 */
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { parseBufferConfig, publicKey, text } from '../submission-buffer/config.ts';
import type { PublisherConfig } from './model.ts';

/**
 * @param env variables and secrets of `origin`
 * @throws Error naming the field, its value (unless secret) and the rule
 */
export function parsePublisherConfig(env: Readonly<Record<string, unknown>>): PublisherConfig {
  const { regions, unionRegion, policy } = parseBufferConfig(env);
  const logKey = signer(env, 'LOG_SIGNING_KEY');
  return {
    regions,
    unionRegion,
    policy,
    exportKeyId: text(env, 'EXPORT_KEY_ID', /^[A-Za-z0-9_.]+$/, 'letters, digits, _ and . (docs/spec/gaen.md §4.1)'),
    exportKeyVersion: text(
      env,
      'EXPORT_KEY_VERSION',
      /^[A-Za-z0-9_]+$/,
      'letters, digits and _ (docs/spec/gaen.md §4.1)',
    ),
    manifestKeyId: text(env, 'MANIFEST_KEY_ID', /^[A-Za-z0-9_.-]+$/, 'letters, digits, _, . and -'),
    exportSigner: signer(env, 'EXPORT_SIGNING_KEY').der,
    manifestSigner: signer(env, 'MANIFEST_SIGNING_KEY').raw,
    logKeyId: text(env, 'LOG_KEY_ID', /^[A-Za-z0-9_.-]+$/, 'letters, digits, _, . and -'),
    logSigner: logKey.raw,
    logPublicKey: logKey.publicKeySpki,
    undoPublicKey: publicKey(env, 'UNDO_PUBLIC_KEY'),
  };
}

function signer(env: Readonly<Record<string, unknown>>, field: string): ReturnType<typeof signerFromPkcs8Pem> {
  const pem = text(env, field, /^-----BEGIN PRIVATE KEY-----/, 'a PKCS#8 PEM', true);
  try {
    return signerFromPkcs8Pem(pem);
  } catch {
    throw new Error(`${field} must be a PKCS#8 PEM of a P-256 key`);
  }
}
