/**
 * @module Accepts or refuses an export file as a phone would before it matches anything (docs/spec/gaen.md §4).
 */
import {
  describeExportError,
  type ExportError,
  type ExportFile,
  type PinnedKey,
  readExportZip,
} from '../../protocol/export/export-reader.ts';

/** What to verify against. Null: each id or version that export.sig names is tried against this public key (docs/spec/gaen.md §4.3). */
export interface VerifyWith {
  /** SubjectPublicKeyInfo of a P-256 key, 91 bytes. */
  readonly publicKeySpki: Uint8Array;
  /** verification_key_id, for example `262`. */
  readonly keyId: string | null;
  /** verification_key_version, for example `v1`. */
  readonly keyVersion: string | null;
}

export type Verdict =
  | {
      readonly accepted: true;
      readonly exportFile: ExportFile;
      readonly pinned: PinnedKey;
      /** Which of the file's signatures it was, from 1: Android takes any, iOS the first alone, microG all (docs/spec/gaen.md §4.3). */
      readonly signature: number;
      readonly signatures: number;
    }
  | { readonly accepted: false; readonly error: ExportError; readonly reason: string };

/**
 * @param zip the whole file
 * @param key see {@link VerifyWith}
 * @returns the content, or why a phone refuses the file
 * @throws {TypeError} when the public key itself is none
 */
export function verifyFile(zip: Uint8Array, key: VerifyWith): Verdict {
  const { publicKeySpki, keyId, keyVersion } = key;
  if (keyId !== null && keyVersion !== null) return verdictOf(zip, { publicKeySpki, keyId, keyVersion });
  // Read once without a key, only to learn the names; nothing else of this reading is used.
  const unverified = readExportZip(zip, null);
  if (!unverified.ok) return refused(unverified.error);
  // Android finds a key's signature by the names in export.sig, and compares nothing else of the infos in export.bin.
  const candidates = new Map<string, PinnedKey>();
  for (const name of unverified.signedBy) {
    const pinned = { publicKeySpki, keyId: keyId ?? name.keyId, keyVersion: keyVersion ?? name.keyVersion };
    candidates.set(`${pinned.keyId}-${pinned.keyVersion}`, pinned);
  }
  let first: Verdict | null = null;
  for (const pinned of candidates.values()) {
    const verdict = verdictOf(zip, pinned);
    if (verdict.accepted) return verdict;
    first ??= verdict;
  }
  return first ?? refused({ kind: 'no-signature' });
}

function verdictOf(zip: Uint8Array, pinned: PinnedKey): Verdict {
  const read = readExportZip(zip, pinned);
  if (!read.ok) return refused(read.error);
  const { exportFile, signedBy, signature } = read;
  return { accepted: true, exportFile, pinned, signature: (signature ?? 0) + 1, signatures: signedBy.length };
}

function refused(error: ExportError): Verdict {
  return { accepted: false, error, reason: describeExportError(error) };
}
