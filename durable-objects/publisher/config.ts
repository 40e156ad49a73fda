/**
 * @module Configuration of the Publisher, parsed once from the environment of `origin`.
 */
import { jwkId } from '../../protocol/feed/signature.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { formerManifestKeys, parseFormerKey } from './former-key.ts';
import { parseBufferConfig, publicKey, text } from '../submission-buffer/config.ts';
import type { PublisherConfig } from './model.ts';

/**
 * @param env variables and secrets of `origin`
 * @throws Error naming the field, its value (unless secret) and the rule
 */
export function parsePublisherConfig(env: Readonly<Record<string, unknown>>): PublisherConfig {
  const { regions, unionRegion, policy, feeds } = parseBufferConfig(env);
  const exportKey = signer(env, 'EXPORT_SIGNING_KEY');
  const logKey = signer(env, 'LOG_SIGNING_KEY');
  const exportKeyId = text(
    env,
    'EXPORT_KEY_ID',
    /^[A-Za-z0-9_.]+$/,
    'letters, digits, _ and . (docs/spec/gaen.md §4.1)',
  );
  const exportKeyVersion = text(
    env,
    'EXPORT_KEY_VERSION',
    /^[A-Za-z0-9_]+$/,
    'letters, digits and _ (docs/spec/gaen.md §4.1)',
  );
  return {
    regions,
    unionRegion,
    policy,
    exportKeyId,
    exportKeyVersion,
    manifestKeyId: text(env, 'MANIFEST_KEY_ID', /^[A-Za-z0-9_.-]+$/, 'letters, digits, _, . and -'),
    exportSigner: exportKey.der,
    formerKey: parseFormerKey(env, { keyId: exportKeyId, keyVersion: exportKeyVersion }),
    manifestSigner: signer(env, 'MANIFEST_SIGNING_KEY').raw,
    formerManifestKeys: formerManifestKeys(env),
    logKeyId: text(env, 'LOG_KEY_ID', /^[A-Za-z0-9_.-]+$/, 'letters, digits, _, . and -'),
    logSigner: logKey.raw,
    logPublicKey: logKey.publicKeySpki,
    undoPublicKey: publicKey(env, 'UNDO_PUBLIC_KEY'),
    feeds,
    feedUrl:
      feeds.length === 0
        ? ''
        : text(env, 'FEED_URL', /^https?:\/\/[^/?#]+(\/[^?#]*[^/?#])?$/, 'an address without a slash at its end'),
    feedKeyId: jwkId(exportKeyId, exportKeyVersion),
    feedSigner: exportKey.raw,
    exportPublicKey: exportKey.publicKeySpki,
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
