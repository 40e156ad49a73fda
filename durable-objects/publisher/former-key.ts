/**
 * @module Keys before the present ones (docs/rotation.md). The former export key signs beside the new one for as long as the operator says (docs/decisions/068, docs/spec/google.md §3.9): apps,
 * Apple and Google learn of a new key at different times. The new one stands first, since iOS looks at the first signature alone.
 *
 * The former manifest key signs nothing any more. Its public half says which documents in the buckets are our own: phones have seen their numbers, so a store that was set back must not publish older
 * ones, and a lost one takes its authorities up again.
 */
import type { KeyName } from '../../protocol/export/export-file.ts';
import { isUtcDate } from '../../protocol/gaen/intervals.ts';
import { signerFromPkcs8Pem, spkiFromPem, type Signer } from '../../protocol/signing.ts';
import { publicKey, text } from '../submission-buffer/config.ts';

/** A key that signs beside the present one. */
export interface FormerKey {
  readonly name: KeyName;
  /** DER, as the export key's. */
  readonly signer: Signer;
  readonly publicKeySpki: Uint8Array;
  /** Unix seconds: files that are sealed from then on have one signature. */
  readonly until: number;
}

/**
 * @param env variables and secrets of `origin`
 * @param present name of the key that signs now
 * @param prefix whose former key: of exports, or CWA's configuration key
 * @returns the former key; null where none of its four fields is set
 * @throws Error naming the field that is missing or wrong, and never a secret's value
 */
export function parseFormerKey(
  env: Readonly<Record<string, unknown>>,
  present: KeyName,
  prefix: 'EXPORT' | 'CONFIG' = 'EXPORT',
): FormerKey | null {
  const [secret, id, version, day] = ['SIGNING_KEY', 'KEY_ID', 'KEY_VERSION', 'KEY_UNTIL'].map(
    (field) => `${prefix}_FORMER_${field}`,
  ) as [string, string, string, string];
  if ([secret, id, version, day].every((field) => env[field] === undefined || env[field] === '')) return null;
  const name = {
    keyId: text(env, id, /^[A-Za-z0-9_.]+$/, 'letters, digits, _ and .'),
    keyVersion: text(env, version, /^[A-Za-z0-9_]+$/, 'letters, digits and _'),
  };
  // Phones find a signature by this name: two keys of one name would be one.
  if (name.keyId === present.keyId && name.keyVersion === present.keyVersion) {
    throw new Error(`${version} must differ from ${prefix}_KEY_VERSION where the ids are the same`);
  }
  const until = text(env, day, /^\d{4}-\d\d-\d\d$/, 'a UTC day, YYYY-MM-DD');
  if (!isUtcDate(until)) throw new Error(`${day}=${until} must be an existing day`);
  const pem = text(env, secret, /^-----BEGIN PRIVATE KEY-----/, 'a PKCS#8 PEM', true);
  const { der, publicKeySpki } = keyOf(pem, secret);
  return { name, signer: der, publicKeySpki, until: Date.parse(`${until}T00:00:00Z`) / 1000 };
}

/**
 * @param env variables of `origin`
 * @returns the former manifest key, SPKI by its id; empty where neither of its two fields is set
 * @throws Error naming the field that is missing or wrong
 */
export function formerManifestKeys(env: Readonly<Record<string, unknown>>): Readonly<Record<string, Uint8Array>> {
  const fields = ['MANIFEST_FORMER_KEY_ID', 'MANIFEST_FORMER_PUBLIC_KEY'];
  if (fields.every((field) => env[field] === undefined || env[field] === '')) return {};
  const keyId = text(env, 'MANIFEST_FORMER_KEY_ID', /^[A-Za-z0-9_.-]+$/, 'letters, digits, _, . and -');
  // Phones find a pinned key by its id: two keys of one id would be one.
  if (keyId === env['MANIFEST_KEY_ID']) throw new Error('MANIFEST_FORMER_KEY_ID must differ from MANIFEST_KEY_ID');
  return { [keyId]: spkiFromPem(publicKey(env, 'MANIFEST_FORMER_PUBLIC_KEY')) };
}

function keyOf(pem: string, field: string): ReturnType<typeof signerFromPkcs8Pem> {
  try {
    return signerFromPkcs8Pem(pem);
  } catch {
    throw new Error(`${field} must be a PKCS#8 PEM of a P-256 key`);
  }
}
