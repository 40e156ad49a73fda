/**
 * @module A feed as a peer reads it, by nothing but its client certificate and what the directory says: the document, its batches, each answer by its signature (docs/openapi-federation.yaml). What the story
 * counts as sent is read here, from what was really served.
 */
import { readFileSync } from 'node:fs';
import { tlsFetch } from '../../../local-edge/efgs-gateway/tls-fetch.ts';
import { readExportZip } from '../../../protocol/export/export-reader.ts';
import { parseFeedLatest } from '../../../protocol/feed/latest.ts';
import { feedPath } from '../../../protocol/feed/names.ts';
import { jwkId, jwkOf, SIGNATURE_HEADER, verifyAnswer } from '../../../protocol/feed/signature.ts';
import { REPORT_TYPE } from '../../../protocol/gaen/keys.ts';
import { fromUtf8, toHex } from '../../../protocol/primitives/bytes.ts';
import { spkiFromPem } from '../../../protocol/signing.ts';
import { backendFiles } from '../../federation/plan.ts';
import type { Served } from '../../federation/served.ts';

/** All that a feed has. */
export interface Fed {
  /** Key data in hex, in the order of the batches. */
  readonly keys: readonly string[];
  /** Taken back, the same. */
  readonly revoked: readonly string[];
  readonly batches: number;
}

/** @returns a `fetch` that shows a member's client certificate to another */
function callsAs(reader: Served, producer: Served): (request: Request) => Promise<Response> {
  const client = backendFiles(reader.plan).client;
  const pem = (file: string): string => readFileSync(file, 'utf8');
  return tlsFetch({
    cert: pem(`${client}.pem`),
    key: pem(`${client}.key`),
    ca: pem(`${backendFiles(producer.plan).server}.pem`),
  });
}

/** @returns the status that a reader gets for a feed's document */
export async function statusOf(reader: Served, producer: Served, feed: string): Promise<number> {
  const path = feedPath({ feed, view: 'keys', batch: null });
  return (await callsAs(reader, producer)(new Request(`${producer.feedUrl}${path}`))).status;
}

/**
 * @param reader whose certificate is shown
 * @param producer whose feed it is
 * @param feed `a2a` or a region
 * @param now Unix seconds
 * @returns what it has; nothing before its first batch
 * @throws Error naming the answer that is wrong
 */
export async function readFeed(reader: Served, producer: Served, feed: string, now: number): Promise<Fed> {
  const call = callsAs(reader, producer);
  const { keyId, keyVersion, publicPem } = producer.verificationKey;
  const publicKeySpki = spkiFromPem(publicPem);
  const trusted = { keys: [jwkOf(jwkId(keyId, keyVersion), publicKeySpki)], subtle: crypto.subtle };
  const signed = async (batch: number | null): Promise<Uint8Array | null> => {
    const url = `${producer.feedUrl}${feedPath({ feed, view: 'keys', batch })}`;
    const answer = await call(new Request(url));
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`);
    const body = new Uint8Array(await answer.arrayBuffer());
    const verdict = await verifyAnswer(answer.headers.get(SIGNATURE_HEADER), { url, body, feed }, now, trusted);
    if (!verdict.ok) throw new Error(`${url}: ${verdict.error}`);
    return body;
  };
  const document = await signed(null);
  if (document === null) return { keys: [], revoked: [], batches: 0 };
  const latest = parseFeedLatest(fromUtf8(document));
  if (!latest.ok) throw new Error(`${feed} of ${producer.plan.id}: ${latest.error}`);
  const [keys, revoked]: [string[], string[]] = [[], []];
  const { oldestBatchId, latestBatchId } = latest.value;
  for (let batch = oldestBatchId; batch <= latestBatchId; batch += 1) {
    const zip = await signed(batch);
    const read = zip === null ? null : readExportZip(zip, { keyId, keyVersion, publicKeySpki });
    if (read === null || !read.ok) throw new Error(`batch ${batch} of ${feed} of ${producer.plan.id} can't be read`);
    keys.push(...read.exportFile.keys.map(({ keyData }) => toHex(keyData)));
    const ended = read.exportFile.revisedKeys.filter(({ reportType }) => reportType === REPORT_TYPE.REVOKED);
    revoked.push(...ended.map(({ keyData }) => toHex(keyData)));
  }
  return { keys, revoked, batches: latestBatchId - oldestBatchId + 1 };
}
