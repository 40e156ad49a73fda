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

/** What to verify against. Null: take the id or version that the file names, and try it against this public key. */
export interface VerifyWith {
  /** SubjectPublicKeyInfo of a P-256 key, 91 bytes. */
  readonly publicKeySpki: Uint8Array;
  /** verification_key_id, for example `262`. */
  readonly keyId: string | null;
  /** verification_key_version, for example `v1`. */
  readonly keyVersion: string | null;
}

export type Verdict =
  | { readonly accepted: true; readonly exportFile: ExportFile; readonly pinned: PinnedKey }
  | { readonly accepted: false; readonly error: ExportError; readonly reason: string };

/**
 * @param zip the whole file
 * @param key see {@link VerifyWith}
 * @returns the content, or why a phone refuses the file
 * @throws {TypeError} when the public key itself is none
 */
export function verifyFile(zip: Uint8Array, key: VerifyWith): Verdict {
  let { keyId, keyVersion } = key;
  if (keyId === null || keyVersion === null) {
    // Read once without a key, only to learn the names; nothing of this reading is used.
    const unverified = readExportZip(zip, null);
    if (!unverified.ok) return refused(unverified.error);
    keyId ??= unverified.exportFile.header.keyId;
    keyVersion ??= unverified.exportFile.header.keyVersion;
  }
  const pinned: PinnedKey = { publicKeySpki: key.publicKeySpki, keyId, keyVersion };
  const read = readExportZip(zip, pinned);
  return read.ok ? { accepted: true, exportFile: read.exportFile, pinned } : refused(read.error);
}

function refused(error: ExportError): Verdict {
  return { accepted: false, error, reason: describeExportError(error) };
}
