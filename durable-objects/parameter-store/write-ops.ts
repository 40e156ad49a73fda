/**
 * @module Brings the public bucket to the decided version. Order: documents, CWA's ZIPs, head; all bytes are a function of
 * the decision, so a step that was killed is simply taken again. What a crash leaves behind: new documents that no head
 * names yet, or CWA ZIPs ahead of the head; each object is complete and signed by itself.
 */
import { utf8 } from '../../protocol/primitives/bytes.ts';
import {
  CONFIG_TYPE,
  CONFIG_VALIDITY_SECONDS,
  type ConfigHead,
  configDocumentPath,
  configHeadPath,
  parseConfigHead,
} from '../../protocol/parameters/config-head.ts';
import {
  configZip,
  cwaConfigCountryPath,
  cwaConfigFiles,
  cwaConfigPaths,
} from '../../protocol/parameters/cwa-config.ts';
import { parseParameters } from '../../protocol/parameters/document.ts';
import { signDocument, signedBy } from '../../protocol/index/signed-document.ts';
import type { ObjectMeta } from '../../domain/publication/built-file.ts';
import { CONFIG_CACHE } from '../../domain/publication/head.ts';
import { type BucketPort, markOf } from '../publisher/bucket.ts';
import { type OwnObjects, putOwn } from '../publisher/own-objects.ts';
import { type ParameterStoreConfig, signersName, zipSignersAt } from './config.ts';
import { type RevokedDayPackage, withRevoked } from './packages.ts';
import type { ParameterRows } from './store.ts';

const IMMUTABLE_CACHE = 'public, max-age=31536000, immutable';

/** Ours is a few kilobytes; of what isn't ours no more is read. */
const MAX_HEAD_BYTES = 2 ** 16;

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
export async function writeHead(rows: ParameterRows, config: ParameterStoreConfig, own: OwnObjects): Promise<void> {
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
  await refuseToGoBack(own, config, head);
  for (const { sha256: name } of head.documents) {
    await putOwn(own, configDocumentPath(name), utf8(textOf(rows, name)), meta('application/json', IMMUTABLE_CACHE));
  }
  const packages = rows.revokedPackages();
  // Keys of this moment, whatever `until` passes while R2 is waited for.
  const signers = signersName(config, own.now);
  await writeCwaFiles(textOf(rows, head.documents.at(-1)!.sha256), packages, config, own);
  const text = signDocument(CONFIG_TYPE, config.headKeyId, head, config.headSigner);
  await putOwn(own, configHeadPath(), utf8(text), meta('application/json', CONFIG_CACHE));
  // A newer decision may have come while we waited for the bucket; then there is more to do.
  const now = rows.head();
  // And the packages that were revoked meanwhile.
  if (JSON.stringify(rows.revokedPackages()) !== JSON.stringify(packages)) return;
  if (now?.version === row.version && now.issuedAt === row.issuedAt) {
    rows.setHead({ ...row, state: 'PUBLISHED' });
    rows.setSigners(signers);
  }
  rows.allMarked();
}

function textOf(rows: ParameterRows, name: string): string {
  const text = rows.document(name);
  if (text === null) throw new Error(`document ${name} is named but not kept`);
  return text;
}

/** CWA's apps know no stages: they get the document for everyone. */
async function writeCwaFiles(
  text: string,
  packages: readonly RevokedDayPackage[],
  config: ParameterStoreConfig,
  own: OwnObjects,
): Promise<void> {
  const parameters = parseParameters(JSON.parse(text));
  if (!parameters.ok) throw new Error('a decided document is not readable by this code');
  for (const { path, message } of cwaConfigFiles(withRevoked(parameters.value, packages), config.homeCountry)) {
    const zip = configZip(message, zipSignersAt(config, own.now));
    await putOwn(own, path, zip, meta('application/zip', CONFIG_CACHE));
  }
  await writeCountries(own, [config.homeCountry]);
}

/** Before the first version CWA's list of countries is empty, not absent: an app takes a 404 for a failure. */
export const writeEmptyList = (own: OwnObjects): Promise<unknown> => writeCountries(own, []);

function writeCountries(own: OwnObjects, countries: readonly string[]): Promise<unknown> {
  return putOwn(own, cwaConfigCountryPath(), utf8(JSON.stringify(countries)), meta('application/json', CONFIG_CACHE));
}

/**
 * Phones refuse older versions; a store that was set back must not publish what they would refuse. Only our own signature
 * says that a head is ours: whatever else lies there is replaced.
 */
async function refuseToGoBack(own: OwnObjects, config: ParameterStoreConfig, head: ConfigHead): Promise<void> {
  const published = await publishedHead(config, own.bucket);
  if (published === null || published.version < head.version) return;
  const same = JSON.stringify(published.documents) === JSON.stringify(head.documents);
  if (published.version === head.version && same) return;
  throw new NewerHeadInBucket(`version ${published.version} is published, another ${head.version} was decided`);
}

/** @param bucket the public one @returns the head in it that we signed, or null */
export async function publishedHead(
  config: Pick<ParameterStoreConfig, 'headKeyId' | 'headSigner' | 'formerHeadKeys'>,
  bucket: BucketPort,
): Promise<ConfigHead | null> {
  const bytes = await bucket.getStart(configHeadPath(), MAX_HEAD_BYTES);
  if (bytes === null) return null;
  const text = new TextDecoder().decode(bytes);
  const published = parseConfigHead(
    signedBy(CONFIG_TYPE, config.headKeyId, text, config.headSigner, config.formerHeadKeys),
  );
  return published.ok ? published.value : null;
}

/**
 * Looks whether all that the published head stands on is there and ours; eight or nine calls of R2.
 *
 * @returns false when something was lost or isn't ours: the head is to be written again, which puts everything anew
 */
export async function isIntact(rows: ParameterRows, config: ParameterStoreConfig, own: OwnObjects): Promise<boolean> {
  const row = rows.head();
  const version = rows.history().find((entry) => entry.version === row?.version);
  if (version === undefined) return true;
  // Signed by keys that were changed since: phones that know the new ones alone wait for it (docs/rotation.md).
  if (rows.signers() !== signersName(config, own.now)) return false;
  const keys = [
    configHeadPath(),
    ...version.documents.map(({ sha256: name }) => configDocumentPath(name)),
    ...cwaConfigPaths(config.homeCountry),
    cwaConfigCountryPath(),
  ];
  for (const key of keys) {
    const [present, before] = [await own.bucket.head(key), own.remembered(key)];
    if (present === null || before?.mark !== markOf(present.etag, present.meta)) return false;
  }
  return true;
}
