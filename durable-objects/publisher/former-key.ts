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
  /** Unix seconds: files that are sealed from then on have one signature. */
  readonly until: number;
}

const FIELDS = [
  'EXPORT_FORMER_SIGNING_KEY',
  'EXPORT_FORMER_KEY_ID',
  'EXPORT_FORMER_KEY_VERSION',
  'EXPORT_FORMER_KEY_UNTIL',
] as const;

/**
 * @param env variables and secrets of `origin`
 * @param present name of the key that signs now
 * @returns the former key; null where none of its four fields is set
 * @throws Error naming the field that is missing or wrong, and never a secret's value
 */
export function parseFormerKey(env: Readonly<Record<string, unknown>>, present: KeyName): FormerKey | null {
  if (FIELDS.every((field) => env[field] === undefined || env[field] === '')) return null;
  const name = {
    keyId: text(env, 'EXPORT_FORMER_KEY_ID', /^[A-Za-z0-9_.]+$/, 'letters, digits, _ and .'),
    keyVersion: text(env, 'EXPORT_FORMER_KEY_VERSION', /^[A-Za-z0-9_]+$/, 'letters, digits and _'),
  };
  // Phones find a signature by this name: two keys of one name would be one.
  if (name.keyId === present.keyId && name.keyVersion === present.keyVersion) {
    throw new Error('EXPORT_FORMER_KEY_VERSION must differ from EXPORT_KEY_VERSION where the ids are the same');
  }
  const until = text(env, 'EXPORT_FORMER_KEY_UNTIL', /^\d{4}-\d\d-\d\d$/, 'a UTC day, YYYY-MM-DD');
  if (!isUtcDate(until)) throw new Error(`EXPORT_FORMER_KEY_UNTIL=${until} must be an existing day`);
  const pem = text(env, 'EXPORT_FORMER_SIGNING_KEY', /^-----BEGIN PRIVATE KEY-----/, 'a PKCS#8 PEM', true);
  return { name, signer: signerOf(pem), until: Date.parse(`${until}T00:00:00Z`) / 1000 };
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

function signerOf(pem: string): Signer {
  try {
    return signerFromPkcs8Pem(pem).der;
  } catch {
    throw new Error('EXPORT_FORMER_SIGNING_KEY must be a PKCS#8 PEM of a P-256 key');
  }
}
