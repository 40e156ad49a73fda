/**
 * @module Brings the public bucket to the decided version. Order: documents, CWA's ZIPs, head; all bytes are a function of
 * the decision, so a step that was killed is simply taken again. What a crash leaves behind: new documents that no head
 * names yet, or CWA ZIPs ahead of the head; each object is complete and signed by itself.
 */
import { fromUtf8, utf8 } from '../../protocol/primitives/bytes.ts';
import {
  CONFIG_TYPE,
  CONFIG_VALIDITY_SECONDS,
  type ConfigHead,
  configDocumentPath,
  configHeadPath,
  parseConfigHead,
} from '../../protocol/parameters/config-head.ts';
import { configZip, cwaConfigCountryPath, cwaConfigFiles } from '../../protocol/parameters/cwa-config.ts';
import { parseParameters } from '../../protocol/parameters/document.ts';
import { signDocument } from '../../protocol/index/signed-document.ts';
import { type BucketPort, type ObjectMeta, putLatest, putOnce } from '../publisher/bucket.ts';
import type { ParameterStoreConfig } from './config.ts';
import type { ParameterRows } from './store.ts';

/** Phones poll hourly; CWA's apps take max-age for the validity and reject 0 (docs/spec/cwa.md §1.4). */
const POLLED_CACHE = 'public, max-age=300';
const IMMUTABLE_CACHE = 'public, max-age=31536000, immutable';

const meta = (contentType: string, cacheControl: string): ObjectMeta => ({ contentType, cacheControl, expires: null });

/**
 * The bucket holds a higher version than we decided, or this one with other documents: our own state was set back. An
 * operator publishes anew until the version is above what phones have seen.
 */
class NewerHeadInBucket extends Error {
  override readonly name = 'NewerHeadInBucket';
}

/**
 * One attempt at everything that is missing; done already is as good as done now.
 * @throws NewerHeadInBucket, or what the bucket throws: the alarm takes it up again
 */
export async function writeHead(rows: ParameterRows, config: ParameterStoreConfig, bucket: BucketPort): Promise<void> {
  const row = rows.head();
  if (row === null || row.state === 'PUBLISHED') return;
  const version = rows.history().find((entry) => entry.version === row.version);
  if (version === undefined) throw new Error(`version ${row.version} is decided but not in the history`);
  const head: ConfigHead = {
    version: row.version,
    issuedAt: row.issuedAt,
    validUntil: row.issuedAt + CONFIG_VALIDITY_SECONDS,
    documents: [...version.documents],
  };
  await refuseToGoBack(bucket, head);
  for (const { sha256: name } of head.documents) {
    await putOnce(
      bucket,
      configDocumentPath(name),
      utf8(textOf(rows, name)),
      meta('application/json', IMMUTABLE_CACHE),
    );
  }
  await writeCwaFiles(textOf(rows, head.documents.at(-1)!.sha256), config, bucket);
  const text = signDocument(CONFIG_TYPE, config.headKeyId, head, config.headSigner);
  await putLatest(bucket, configHeadPath(), utf8(text), meta('application/json', POLLED_CACHE));
  // A newer decision may have come while we waited for the bucket; then there is more to do.
  const now = rows.head();
  if (now?.version === row.version && now.issuedAt === row.issuedAt) rows.setHead({ ...row, state: 'PUBLISHED' });
}

function textOf(rows: ParameterRows, name: string): string {
  const text = rows.document(name);
  if (text === null) throw new Error(`document ${name} is named but not kept`);
  return text;
}

/** CWA's apps know no stages: they get the document for everyone. */
async function writeCwaFiles(text: string, config: ParameterStoreConfig, bucket: BucketPort): Promise<void> {
  const parameters = parseParameters(JSON.parse(text));
  if (!parameters.ok) throw new Error('a decided document is not readable by this code');
  for (const { path, message } of cwaConfigFiles(parameters.value, config.homeCountry)) {
    const zip = configZip(message, config.zipKey, config.zipSigner);
    await putLatest(bucket, path, zip, meta('application/zip', POLLED_CACHE));
  }
  const countries = utf8(JSON.stringify([config.homeCountry]));
  await putLatest(bucket, cwaConfigCountryPath(), countries, meta('application/json', POLLED_CACHE));
}

/** Phones refuse older versions; a store that was set back must not publish what they would refuse. */
async function refuseToGoBack(bucket: BucketPort, head: ConfigHead): Promise<void> {
  const bytes = await bucket.get(configHeadPath());
  if (bytes === null) return;
  const published = parseConfigHead(payloadOf(fromUtf8(bytes)));
  if (!published.ok || published.value.version < head.version) return;
  const same = JSON.stringify(published.value.documents) === JSON.stringify(head.documents);
  if (published.value.version === head.version && same) return;
  throw new NewerHeadInBucket(`version ${published.value.version} is published, another ${head.version} was decided`);
}

function payloadOf(text: string): unknown {
  try {
    const { payload } = JSON.parse(text) as { payload: string };
    return JSON.parse(payload);
  } catch {
    return null;
  }
}
