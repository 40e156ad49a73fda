/**
 * @module Configuration of the ParameterStore, parsed once from the environment of `origin`.
 */
import type { NamedSigner } from '../../protocol/export/export-file.ts';
import { type Signer, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { toBase64Url } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { formerManifestKeys, parseFormerKey } from '../publisher/former-key.ts';
import { text } from '../submission-buffer/config.ts';

export interface ParameterStoreConfig {
  /** Country in the path of CWA's v1 configuration. */
  readonly homeCountry: string;
  /** Name under which phones pinned the key of our own documents (docs/architecture.md §6: the manifest's). */
  readonly headKeyId: string;
  /** r‖s */
  readonly headSigner: Signer;
  readonly headPublicKey: Uint8Array;
  /** See {@link formerManifestKeys}. */
  readonly formerHeadKeys: Readonly<Record<string, Uint8Array>>;
  /**
   * Who signs CWA's configuration ZIPs: the export key, since CWA's iOS app verifies them and exports with one, then the
   * configuration key, which apps may have pinned (docs/architecture.md §6, decision 030), then those that are being replaced: an app takes a configuration
   * that any key it pins has signed, so nobody waits for another app to be updated (docs/rotation.md).
   */
  readonly zipSigners: readonly ZipSigner[];
}

/** A key that signs CWA's configuration ZIPs. */
export interface ZipSigner extends NamedSigner {
  readonly publicKeySpki: Uint8Array;
  /** Unix seconds: ZIPs that are written from then on are without it; null: it is no former one. */
  readonly until: number | null;
}

/** @param now Unix seconds @returns who signs what is written now */
export const zipSignersAt = ({ zipSigners }: ParameterStoreConfig, now: number): readonly ZipSigner[] =>
  zipSigners.filter(({ until }) => until === null || now < until);

/**
 * @param now Unix seconds
 * @returns names whose keys sign what is written now: when it changes, all is to be signed anew
 */
export function signersName(config: ParameterStoreConfig, now: number): string {
  const keys = [config.headPublicKey, ...zipSignersAt(config, now).map(({ publicKeySpki }) => publicKeySpki)];
  return toBase64Url(sha256(...keys.map((spki) => sha256(spki))));
}

/**
 * @param env variables and secrets of `origin`
 * @throws Error naming the field and the rule
 */
export function parseParameterStoreConfig(env: Readonly<Record<string, unknown>>): ParameterStoreConfig {
  const head = signer(env, 'MANIFEST_SIGNING_KEY');
  const present = { EXPORT: namedSigner(env, 'EXPORT'), CONFIG: namedSigner(env, 'CONFIG') };
  const former = (['EXPORT', 'CONFIG'] as const).flatMap((prefix) => {
    const key = parseFormerKey(env, present[prefix].name, prefix);
    return key === null ? [] : [key];
  });
  return {
    homeCountry: text(env, 'HOME_COUNTRY', /^[A-Z]{2}$/, 'an ISO 3166-1 alpha-2 code'),
    headKeyId: text(env, 'MANIFEST_KEY_ID', /^[A-Za-z0-9_.-]+$/, 'letters, digits, _, . and -'),
    headSigner: head.raw,
    headPublicKey: head.publicKeySpki,
    formerHeadKeys: formerManifestKeys(env),
    zipSigners: [present.EXPORT, present.CONFIG, ...former],
  };
}

function namedSigner(env: Readonly<Record<string, unknown>>, prefix: 'EXPORT' | 'CONFIG'): ZipSigner {
  const { der, publicKeySpki } = signer(env, `${prefix}_SIGNING_KEY`);
  return {
    name: {
      keyId: text(env, `${prefix}_KEY_ID`, /^[A-Za-z0-9_.]+$/, 'letters, digits, _ and .'),
      keyVersion: text(env, `${prefix}_KEY_VERSION`, /^[A-Za-z0-9_]+$/, 'letters, digits and _'),
    },
    signer: der,
    publicKeySpki,
    until: null,
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
