/** @module What tests of feeds ask for, and read as a peer would: the document, its batches in both formats, each answer by its signature. */
import { MAX_ZIP_BYTES, readExportZip, type ExportFile } from '../../protocol/export/export-reader.ts';
import { decodeExposedList, type ExposedKey } from '../../protocol/feed/exposed-list.ts';
import { parseFeedLatest, parseGaenLatest, type FeedLatest } from '../../protocol/feed/latest.ts';
import { feedKey, feedPath, JWKS_KEY, type FeedPath } from '../../protocol/feed/names.ts';
import { verifyAnswer, type Jwk } from '../../protocol/feed/signature.ts';
import { fromUtf8, toHex } from '../../protocol/primitives/bytes.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { FEED_URL, objects, testEnv, type Rig } from './test-rig.ts';

const { EXPORT_SIGNING_KEY } = testEnv as unknown as { readonly EXPORT_SIGNING_KEY: string };
const PINNED = { keyId: '262', keyVersion: 'v1', publicKeySpki: signerFromPkcs8Pem(EXPORT_SIGNING_KEY).publicKeySpki };

/** One batch as a peer has read it. */
export interface ReadBatch {
  readonly batch: number;
  /** SHA-256 of nothing: the bytes themselves. */
  readonly zip: Uint8Array;
  readonly file: ExportFile;
  readonly exposed: readonly ExposedKey[];
  /** Keys, hex. */
  readonly keys: readonly string[];
  readonly revoked: readonly string[];
}

export interface ReadFeed {
  readonly latest: FeedLatest;
  readonly batches: readonly ReadBatch[];
}

const hexOf = (keys: readonly { readonly keyData: Uint8Array }[]): string[] =>
  keys.map(({ keyData }) => toHex(keyData));

/** @returns the body of an object whose signature holds for its URL. @throws Error naming the rule that it breaks */
async function signed(rig: Rig, path: FeedPath & { readonly feed: string }): Promise<Uint8Array> {
  const key = feedKey(path.feed, path.view, path.batch);
  const object = await testEnv.FEEDS.get(key);
  const jwks = await testEnv.FEEDS.get(JWKS_KEY);
  if (object === null || jwks === null) throw new Error(`${key} is missing`);
  const body = new Uint8Array(await object.arrayBuffer());
  const { keys } = await jwks.json<{ keys: Jwk[] }>();
  const url = `${FEED_URL}${feedPath(path)}`;
  const token = object.customMetadata?.['signature'] ?? null;
  const found = await verifyAnswer(token, { url, body }, rig.now, { keys, subtle: crypto.subtle });
  if (!found.ok) throw new Error(`${key}: ${found.error}`);
  return body;
}

/** Reads a feed as a peer does that has read nothing yet. */
export async function readFeed(rig: Rig, feed: string): Promise<ReadFeed> {
  const latest = parseFeedLatest(fromUtf8(await signed(rig, { feed, view: 'keys', batch: null })));
  const gaen = parseGaenLatest(fromUtf8(await signed(rig, { feed, view: 'gaen', batch: null })));
  if (!latest.ok || !gaen.ok) throw new Error('no document');
  const { oldestBatchId, latestBatchId } = latest.value;
  if (gaen.value.latestBatchId !== latestBatchId) throw new Error('the two documents differ');
  const batches: ReadBatch[] = [];
  for (let batch = oldestBatchId; batch <= latestBatchId; batch++) {
    const zip = await signed(rig, { feed, view: 'keys', batch });
    const read = readExportZip(zip, PINNED);
    const list = decodeExposedList(await signed(rig, { feed, view: 'gaen', batch }));
    if (!read.ok || !list.ok || zip.length > MAX_ZIP_BYTES) throw new Error(`batch ${batch} of ${feed} can't be read`);
    const { keys, revisedKeys } = read.exportFile;
    batches.push({
      batch,
      zip,
      file: read.exportFile,
      exposed: list.value.exposed,
      keys: hexOf(keys),
      revoked: hexOf(revisedKeys),
    });
  }
  return { latest: latest.value, batches };
}

/** @returns all that lies in the bucket of feeds: name → bytes in hex and the header of the answer */
export async function feedObjects(): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const [name, bytes] of await objects(testEnv.FEEDS)) {
    const head = await testEnv.FEEDS.head(name);
    all.set(name, `${toHex(bytes)} ${head?.customMetadata?.['signature'] ?? ''}`);
  }
  return all;
}
