/**
 * @module What lies in the public bucket of a running edge, each chunk verified as a phone would.
 */
import { readCompact } from '../../protocol/compact/compact-reader.ts';
import { equalBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { isCompactPath } from '../../protocol/index/chunk-paths.ts';
import { type ExportFile, readExportFiles, readExportZip } from '../../protocol/export/export-reader.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';

type Bucket = Awaited<ReturnType<LocalEdge['miniflare']['getR2Bucket']>>;

/** @returns every chunk of a region, which its compact form is, too @throws Error when a phone would refuse one */
async function chunksOf(edge: LocalEdge, region: string): Promise<ExportFile[]> {
  const bucket = await edge.miniflare.getR2Bucket('PUBLIC', 'exposure-edge-origin');
  const { objects } = await bucket.list({ prefix: `v1/${region}/chunks/` });
  const pinned = { publicKeySpki: spkiFromPem(edge.publicPem), keyId: '262', keyVersion: 'v1' };
  const chunks: ExportFile[] = [];
  for (const { key } of objects.filter((object) => !isCompactPath(object.key))) {
    const zip = await bytesOf(bucket, key);
    const read = readExportZip(zip, pinned);
    if (!read.ok) throw new Error(`${key}: ${JSON.stringify(read.error)}`);
    const compact = readCompact(await bytesOf(bucket, key.replace(/zip$/, 'compact')));
    const same = compact.ok ? readExportFiles(compact.value, pinned) : compact;
    if (!same.ok || !equalBytes(same.exportBin, read.exportBin)) throw new Error(`${key}: its compact form is another`);
    chunks.push(read.exportFile);
  }
  return chunks;
}

async function bytesOf(bucket: Bucket, key: string): Promise<Uint8Array> {
  const object = await bucket.get(key);
  if (object === null) throw new Error(`${key} can't be read`);
  return new Uint8Array(await object.arrayBuffer());
}

/**
 * Lists the chunks of a region and reads them.
 *
 * @param edge a running edge
 * @param region e.g. `DE`
 * @returns all keys of all chunks, a key as often as it was published
 * @throws Error when a phone would refuse a chunk
 */
export async function publishedKeys(edge: LocalEdge, region: string): Promise<TemporaryExposureKey[]> {
  return (await chunksOf(edge, region)).flatMap(({ keys }) => keys);
}

/** @returns all that chunks of a region take back, as {@link publishedKeys} */
export async function revokedKeys(edge: LocalEdge, region: string): Promise<TemporaryExposureKey[]> {
  return (await chunksOf(edge, region)).flatMap(({ revisedKeys }) =>
    revisedKeys.filter(({ reportType }) => reportType === REPORT_TYPE.REVOKED),
  );
}

/** @param keys any keys @returns their key data in hex, sorted; doubles stay */
export function names(keys: readonly { readonly keyData: Uint8Array | null }[]): string[] {
  return keys.map(({ keyData }) => toHex(keyData ?? new Uint8Array())).toSorted();
}
