/**
 * @module The list of laboratories as its operator writes it, and signed: who may post results, by certificate. Made outside the system,
 * with a key that no Worker has (docs/laboratory.md).
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LABORATORY_LIST_TYPE, type LaboratoryList, parseLaboratoryList } from '../../domain/laboratory-list.ts';
import { describeDocumentError, openDocument, signDocument } from '../../protocol/index/signed-document.ts';
import { signerFromPkcs8Pem, spkiFromPem } from '../../protocol/signing.ts';
import { fingerprintOf } from '../lab/connection.ts';

/** Under which name the deployed Worker knows the key (`LABORATORY_LIST_KEY_ID` in wrangler.toml). */
export const DEFAULT_KEY_ID = 'laboratories-v1';

/** A laboratory as it is written: files of its certificates beside, or instead of, their fingerprints. */
interface Written {
  readonly certificates?: unknown;
  readonly certificateFingerprints?: unknown;
}

/**
 * @param file JSON: `{version, laboratories: [{id, name, certificates: [FILE…], birthDate?}]}`; files are looked up beside it
 * @returns the list, with fingerprints in place of files
 * @throws Error naming the field that breaks a rule, or the file that is no certificate
 */
export async function readWrittenList(file: string): Promise<LaboratoryList> {
  const written = JSON.parse(await readFile(file, 'utf8')) as { readonly laboratories?: unknown };
  const laboratories = Array.isArray(written?.laboratories)
    ? await Promise.all(written.laboratories.map((one: unknown) => withFingerprints(one as Written, dirname(file))))
    : written?.laboratories;
  const parsed = parseLaboratoryList({ ...written, laboratories });
  if (!parsed.ok) throw new Error(`${file}: ${parsed.error}`);
  return parsed.value;
}

async function withFingerprints(written: Written, folder: string): Promise<unknown> {
  if (typeof written !== 'object' || written === null) return written;
  const { certificates = [], certificateFingerprints = [], ...laboratory } = written;
  if (!Array.isArray(certificates) || !Array.isArray(certificateFingerprints)) return written;
  const read = certificates.map(async (name: unknown) => {
    const path = resolve(folder, String(name));
    try {
      return fingerprintOf(await readFile(path, 'utf8'));
    } catch {
      throw new Error(`${path}: a certificate in PEM is expected`);
    }
  });
  return { ...laboratory, certificateFingerprints: [...certificateFingerprints, ...(await Promise.all(read))] };
}

/**
 * @param list see {@link readWrittenList}
 * @param keyPem P-256 in PKCS#8
 * @param keyId see {@link DEFAULT_KEY_ID}
 * @returns the document that the portal takes
 * @throws Error when the key is none
 */
export function signList(list: LaboratoryList, keyPem: string, keyId: string): string {
  return signDocument(LABORATORY_LIST_TYPE, keyId, list, signerFromPkcs8Pem(keyPem).raw);
}

/**
 * @param document a signed list
 * @param publicPem SPKI
 * @param keyId see {@link DEFAULT_KEY_ID}
 * @returns what it says
 * @throws Error saying why the Worker would refuse it
 */
export function openList(document: string, publicPem: string, keyId: string): LaboratoryList {
  const opened = openDocument(LABORATORY_LIST_TYPE, document.trim(), { [keyId]: spkiFromPem(publicPem) });
  if (!opened.ok) throw new Error(describeDocumentError(opened.error));
  const parsed = parseLaboratoryList(opened.value.payload);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}
