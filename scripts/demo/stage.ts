/**
 * @module What both demos stand on: a local edge, its pinned keys, and the chunks that came out, each
 * verified and saved to out/demo.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { DownloadPorts } from '../../phone/download/download.ts';
import { verifyFile } from '../../phone/download/verify.ts';
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import type { PinnedKey } from '../../protocol/export/export-reader.ts';
import { dateOf, hourOfDay, hourStart } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { chunkPath } from '../../protocol/index/chunk-paths.ts';
import { describeManifestError, headPath, MANIFEST_TYPE, parseManifestHead } from '../../protocol/index/manifest.ts';
import { describeDocumentError, openDocument } from '../../protocol/index/signed-document.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { readEnvironments, ROOT } from '../../local-edge/workers.ts';

/** Where the demo leaves what came out; emptied at each start. */
export const OUT = join(ROOT, 'out/demo');
/** Both hold the same keys: the home country, and the union that CWA's apps read. */
const REGIONS = ['DE', 'EUR'] as const;

/** The keys that every phone of this deployment has built in. */
export interface Pinned {
  readonly exportKey: PinnedKey;
  readonly manifestKeys: Readonly<Record<string, Uint8Array>>;
}

/** @param edge a running edge @returns what its phones pin */
export function pinnedKeys(edge: LocalEdge): Pinned {
  const vars = readEnvironments().find(({ environment }) => environment === 'origin')?.vars ?? {};
  return {
    exportKey: {
      publicKeySpki: spkiFromPem(edge.publicPem),
      keyId: vars['EXPORT_KEY_ID'] ?? '',
      keyVersion: vars['EXPORT_KEY_VERSION'] ?? '',
    },
    manifestKeys: { [vars['MANIFEST_KEY_ID'] ?? '']: spkiFromPem(edge.manifestPublicPem) },
  };
}

/** @param folder emptied, and given a place for chunks */
export function clearOut(folder = OUT): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'chunks'), { recursive: true });
}

/** A published chunk that a phone accepted. */
export interface Chunk {
  readonly region: string;
  /** Path below the repository's root. */
  readonly file: string;
  readonly bytes: number;
  readonly keys: readonly TemporaryExposureKey[];
}

/** @throws Error saying the status, if it isn't 2xx */
export async function fetchBytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`GET ${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * Reads each region's signed head, fetches every chunk of the running day, verifies it as a phone does, and saves it.
 *
 * @param edge a running edge
 * @param folder where they are saved
 * @returns the chunks, each accepted
 * @throws Error saying why a phone would refuse a head or a chunk
 */
export async function saveChunks(edge: LocalEdge, folder = OUT): Promise<Chunk[]> {
  const { exportKey, manifestKeys } = pinnedKeys(edge);
  writeFileSync(join(folder, 'public.pem'), edge.publicPem);
  const chunks: Chunk[] = [];
  for (const region of REGIONS) {
    const text = fromUtf8(await fetchBytes(`${edge.url}/${headPath(region)}`));
    const document = openDocument(MANIFEST_TYPE, text, manifestKeys);
    if (!document.ok) throw new Error(`manifest of ${region}: ${describeDocumentError(document.error)}`);
    const head = parseManifestHead(document.value.payload);
    if (!head.ok) throw new Error(`manifest of ${region}: ${describeManifestError(head.error)}`);
    for (const { hour = 0, file, of, sha256 } of head.value.hours) {
      const zip = await fetchBytes(`${edge.url}/${chunkPath(region, sha256)}`);
      const verdict = verifyFile(zip, exportKey);
      if (!verdict.accepted) throw new Error(`chunk ${sha256} of ${region}: ${verdict.reason}`);
      const time = `${dateOf(hourStart(hour))}-h${String(hourOfDay(hour)).padStart(2, '0')}`;
      const path = join(folder, 'chunks', `${region}-${time}-${file}of${of}.zip`);
      writeFileSync(path, zip);
      const name = relative(ROOT, path);
      chunks.push({ region, file: name, bytes: zip.length, keys: verdict.exportFile.keys });
    }
  }
  return chunks;
}

/**
 * @param edge a running edge
 * @param now Unix seconds on the phone
 * @param onFile takes each verified file
 * @returns what a phone downloads with
 */
export function downloadPorts(edge: LocalEdge, now: number, onFile: DownloadPorts['onFile']): DownloadPorts {
  return { fetch, baseUrl: edge.url, clock: () => now, exportKey: pinnedKeys(edge).exportKey, onFile };
}
