/** @module What tests of feeds ask for, and read as a peer would: the document, its batches in both formats, each answer by its signature. */
import { DEFAULT_CHUNK_POLICY, type ChunkPolicy } from '../../domain/chunk-policy.ts';
import { ROW_BYTES, rowProvenance, unpackKey, type Provenance } from '../../domain/publication/packed-keys.ts';
import type { SetRecord } from '../../domain/publication/record.ts';
import { MAX_ZIP_BYTES, readExportZip, type ExportFile } from '../../protocol/export/export-reader.ts';
import { decodeExposedList, type ExposedKey } from '../../protocol/feed/exposed-list.ts';
import { parseFeedLatest, parseGaenLatest, type FeedLatest } from '../../protocol/feed/latest.ts';
import { feedKey, feedPath, JWKS_KEY, type FeedPath } from '../../protocol/feed/names.ts';
import { verifyAnswer, type Jwk } from '../../protocol/feed/signature.ts';
import { fromUtf8, toHex } from '../../protocol/primitives/bytes.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { seal } from './taking-rig.ts';
import { FEED_URL, keysOf, objects, testEnv, type Rig } from './test-rig.ts';

const { EXPORT_SIGNING_KEY } = testEnv as unknown as { readonly EXPORT_SIGNING_KEY: string };
const PINNED = { keyId: '262', keyVersion: 'v1', publicKeySpki: signerFromPkcs8Pem(EXPORT_SIGNING_KEY).publicKeySpki };

/** One batch as a peer has read it. */
interface ReadBatch {
  readonly batch: number;
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

const keysHex = (keys: readonly { readonly keyData: Uint8Array }[]): string[] =>
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
  const found = await verifyAnswer(token, { url, body, feed: path.feed }, rig.now, { keys, subtle: crypto.subtle });
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
      exposed: [...list.value.exposed],
      keys: keysHex(keys),
      revoked: keysHex(revisedKeys),
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

/** Small minima, no hour is held, and something is set aside in each. */
export const FEED_POLICY: ChunkPolicy = {
  ...DEFAULT_CHUNK_POLICY,
  minKeys: 40,
  minUploads: 4,
  reserveUploads: 2,
  maxHoldHours: 0,
};
/** Regions of who was abroad. */
export const ABROAD: string[] = ['DE', 'FR', 'NL'];

/** @returns keys of all batches, hex */
export const fedIn = ({ batches }: ReadFeed): string[] => batches.flatMap(({ keys }) => [...keys]);

/** @returns keys of an upload, hex */
export const hexOf = (upload: number, keys: number): string[] => keysHex(keysOf(upload, keys));

/** @returns what the private records say of each published key */
export async function provenances(): Promise<Map<string, Provenance>> {
  const kept = await objects(testEnv.PRIVATE);
  const all = new Map<string, Provenance>();
  for (const [name, bytes] of kept) {
    if (!/^sets\/\d+\/set\.json$/.test(name)) continue;
    const record = JSON.parse(fromUtf8(bytes)) as SetRecord;
    for (const { day, n } of record.parts) {
      // Keys whose time is over are gone.
      const rows = kept.get(`sets/${record.hour}/${day}-${n}.bin`) ?? new Uint8Array(0);
      for (let row = 0; row < rows.length; row += ROW_BYTES) {
        all.set(toHex(unpackKey(rows, row).keyData), record.provenances[rowProvenance(rows, row)]!);
      }
    }
  }
  return all;
}

/** Seals an hour in which some came who stay, some who travel and some who refuse. */
export async function anHour(rig: Rig, first: number): Promise<void> {
  await rig.accept(`u${first}`, keysOf(first, 14));
  await rig.accept(`u${first + 1}`, keysOf(first + 1, 13), ABROAD);
  await rig.accept(`u${first + 2}`, keysOf(first + 2, 12), ['DE'], { consentToFederation: false });
  await rig.accept(`u${first + 3}`, keysOf(first + 3, 11), ABROAD, { consentToFederation: false });
  await seal(rig);
}
