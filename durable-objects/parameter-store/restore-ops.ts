/**
 * @module A lost ParameterStore is filled again from what is public (docs/restore.md): the version that phones have, with its documents. Versions before it
 * stay documents in the public bucket, and are no longer known to be versions: rolling back is publishing such a document again.
 *
 * Durable order: one transaction (`decide`), which says PLANNED: the next step puts the same bytes, and marks them as ours. A crash before it
 * leaves an empty object.
 */
import { type ConfigHead, configDocumentPath, documentName } from '../../protocol/parameters/config-head.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import type { BucketPort } from '../publisher/bucket.ts';
import type { ParameterRows } from './store.ts';

/**
 * @param rows of an empty object
 * @param bucket the public one
 * @param head in it, which we signed
 * @throws Error naming a document that is not there, or is another
 */
export async function restoreRows(rows: ParameterRows, bucket: BucketPort, head: ConfigHead): Promise<void> {
  const texts = new Map<string, string>();
  for (const { sha256: name, size } of head.documents) {
    const path = configDocumentPath(name);
    const bytes = await bucket.getStart(path, size + 1);
    const text = bytes === null || bytes.length !== size ? '' : fromUtf8(bytes);
    if (documentName(text) !== name) throw new Error(`${path} is named by the head and not there, or is another`);
    texts.set(name, text);
  }
  const { version, issuedAt, documents } = head;
  rows.decide({ version, action: 'publish', hour: hourOf(issuedAt), documents }, texts, issuedAt);
}
