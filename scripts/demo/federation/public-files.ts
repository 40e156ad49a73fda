/** @module What phones of a backend are given, read as a phone reads it: its signed head, and each chunk verified. */
import { readExportZip } from '../../../protocol/export/export-reader.ts';
import type { TemporaryExposureKey } from '../../../protocol/gaen/keys.ts';
import { fromUtf8, toBase64Url } from '../../../protocol/primitives/bytes.ts';
import { sha256 } from '../../../protocol/primitives/hash.ts';
import {
  chunkPath,
  headPath,
  MANIFEST_TYPE,
  pagePath,
  parseDayPage,
  parseManifestHead,
} from '../../../protocol/index/manifest.ts';
import { openDocument } from '../../../protocol/index/signed-document.ts';
import { spkiFromPem } from '../../../protocol/signing.ts';
import type { Member } from '../../federation/federation.ts';

/** One file. */
export interface PublicFile {
  /** As its header says. */
  readonly region: string;
  readonly keys: readonly TemporaryExposureKey[];
}

/**
 * @param member whose
 * @param region its own, or the union's
 * @returns all files that are published now
 * @throws Error saying why a phone would refuse one
 */
export async function publicFiles(member: Member, region = member.plan.id): Promise<PublicFile[]> {
  const { url, publicPem, manifestPem, verificationKey } = member;
  const get = async (path: string): Promise<Uint8Array> => {
    const answer = await fetch(`${url}/${path}`);
    if (!answer.ok) throw new Error(`GET ${url}/${path}: ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  };
  const opened = openDocument(MANIFEST_TYPE, fromUtf8(await get(headPath(region))), {
    'manifest-v1': spkiFromPem(manifestPem),
  });
  const head = opened.ok ? parseManifestHead(opened.value.payload) : opened;
  if (!head.ok) throw new Error(`head of ${region}: ${JSON.stringify(head.error)}`);
  const chunks = [...head.value.hours];
  for (const page of head.value.pages) {
    const parsed = parseDayPage(JSON.parse(fromUtf8(await get(pagePath(region, page.sha256)))));
    if (!parsed.ok) throw new Error(`page of ${region}: ${JSON.stringify(parsed.error)}`);
    for (const day of parsed.value.days) chunks.push(...day.chunks);
  }
  const { keyId, keyVersion } = verificationKey;
  const pinned = { publicKeySpki: spkiFromPem(publicPem), keyId, keyVersion };
  const files: PublicFile[] = [];
  for (const { sha256: name } of chunks) {
    const zip = await get(chunkPath(region, name));
    const read = readExportZip(zip, pinned);
    if (toBase64Url(sha256(zip)) !== name || !read.ok)
      throw new Error(`chunk ${name} of ${region}: a phone refuses it`);
    files.push({ region: read.exportFile.header.region ?? '', keys: read.exportFile.keys });
  }
  return files;
}
