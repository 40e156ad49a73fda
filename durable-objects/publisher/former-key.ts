/**
 * @module The export key before the present one, which signs beside it for as long as the operator says (docs/decisions/068, docs/spec/google.md §3.9): apps,
 * Apple and Google learn of a new key at different times. The new one stands first, since iOS looks at the first signature alone.
 */
import type { KeyName } from '../../protocol/export/export-file.ts';
import { isUtcDate } from '../../protocol/gaen/intervals.ts';
import { signerFromPkcs8Pem, type Signer } from '../../protocol/signing.ts';
import { text } from '../submission-buffer/config.ts';

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

function signerOf(pem: string): Signer {
  try {
    return signerFromPkcs8Pem(pem).der;
  } catch {
    throw new Error('EXPORT_FORMER_SIGNING_KEY must be a PKCS#8 PEM of a P-256 key');
  }
}
