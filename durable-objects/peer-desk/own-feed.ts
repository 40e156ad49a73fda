/** @module Our own feed of local keys, as the bucket of feeds has it: what peers read is what the gateway gets (domain/federation/efgs/outbox.ts). */
import type { SealedFeed } from '../../domain/federation/efgs/outbox.ts';
import { MAX_ZIP_BYTES, readExportZip } from '../../protocol/export/export-reader.ts';
import { parseFeedLatest } from '../../protocol/feed/latest.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import { ALL_TO_ALL, feedKey } from '../../protocol/feed/names.ts';

/** @param bucket of feeds, read only @returns the feed as it is now; an empty one before the first document */
export async function ownFeed(bucket: Pick<R2Bucket, 'get'>): Promise<SealedFeed> {
  const document = await bucket.get(feedKey(ALL_TO_ALL, 'keys', null));
  const latest = document === null ? null : parseFeedLatest(await document.text());
  if (latest?.ok === false) throw new Error(latest.error);
  return {
    oldest: latest?.value.oldestBatchId ?? 1,
    latest: latest?.value.latestBatchId ?? 0,
    read: async (batch) => {
      const object = await bucket.get(feedKey(ALL_TO_ALL, 'keys', batch));
      if (object === null || object.size > MAX_ZIP_BYTES) return null;
      const read = readExportZip(new Uint8Array(await object.arrayBuffer()), null);
      if (!read.ok) return null;
      const { keys, revisedKeys } = read.exportFile;
      // The gateway has a key once: what is said anew of it isn't told there.
      return [...keys, ...revisedKeys.filter(({ reportType }) => reportType === REPORT_TYPE.REVOKED)];
    },
  };
}
