/**
 * @module Configuration of the ParameterStore, parsed once from the environment of `origin`.
 */
import type { NamedSigner } from '../../protocol/export/export-file.ts';
import { type Signer, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { formerManifestKeys } from '../publisher/former-key.ts';
import { text } from '../submission-buffer/config.ts';

export interface ParameterStoreConfig {
  /** Country in the path of CWA's v1 configuration. */
  readonly homeCountry: string;
  /** Name under which phones pinned the key of our own documents (docs/architecture.md §6: the manifest's). */
  readonly headKeyId: string;
  /** r‖s */
  readonly headSigner: Signer;
  /** See {@link formerManifestKeys}. */
  readonly formerHeadKeys: Readonly<Record<string, Uint8Array>>;
  /**
   * Who signs CWA's configuration ZIPs: the export key, since CWA's iOS app verifies them and exports with one, then the
   * configuration key, which apps may have pinned (docs/architecture.md §6, decision 030).
   */
  readonly zipSigners: readonly NamedSigner[];
}

/**
 * @param env variables and secrets of `origin`
 * @throws Error naming the field and the rule
 */
export function parseParameterStoreConfig(env: Readonly<Record<string, unknown>>): ParameterStoreConfig {
  return {
    homeCountry: text(env, 'HOME_COUNTRY', /^[A-Z]{2}$/, 'an ISO 3166-1 alpha-2 code'),
    headKeyId: text(env, 'MANIFEST_KEY_ID', /^[A-Za-z0-9_.-]+$/, 'letters, digits, _, . and -'),
    headSigner: signer(env, 'MANIFEST_SIGNING_KEY').raw,
    formerHeadKeys: formerManifestKeys(env),
    zipSigners: [namedSigner(env, 'EXPORT'), namedSigner(env, 'CONFIG')],
  };
}

function namedSigner(env: Readonly<Record<string, unknown>>, prefix: 'EXPORT' | 'CONFIG'): NamedSigner {
  return {
    name: {
      keyId: text(env, `${prefix}_KEY_ID`, /^[A-Za-z0-9_.]+$/, 'letters, digits, _ and .'),
      keyVersion: text(env, `${prefix}_KEY_VERSION`, /^[A-Za-z0-9_]+$/, 'letters, digits and _'),
    },
    signer: signer(env, `${prefix}_SIGNING_KEY`).der,
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
