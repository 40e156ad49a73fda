/**
 * @module CWA's lists of hours of a deployment that has ended (docs/sunset.md). Its apps ask for each new day's list, and take a 404 for a failure of
 * their whole update; but nobody writes lists any more. So the empty list of days, which is there for good, is served in their place.
 */
import { lastListPath } from '../../protocol/index/ended.ts';
import { headPath } from '../../protocol/index/manifest.ts';
import type { ReadOnlyBucket } from '../shared/read-only-bucket.ts';

const HOUR_LIST = /\/country\/([A-Z]{2,3})\/date\/[0-9-]{10}\/hour$/;
/** A head of ours is some kilobytes; whatever else lies there isn't read. */
const MAX_HEAD_BYTES = 2 ** 16;

/**
 * @param key under which nothing lies
 * @returns the key of the list that is served instead, or null: the service goes on, or it is no list
 */
export async function listAfterTheEnd(key: string, bucket: ReadOnlyBucket): Promise<string | null> {
  const region = HOUR_LIST.exec(key)?.[1];
  if (region === undefined) return null;
  const head = await bucket.get(headPath(region));
  if (head === null || !('body' in head)) return null;
  if (head.size > MAX_HEAD_BYTES) {
    await head.body.cancel();
    return null;
  }
  return hasEnded(await head.text()) ? lastListPath(region) : null;
}

/** The signature is the phones' to look at: an empty list does no more than a 404. */
function hasEnded(document: string): boolean {
  try {
    const { payload } = JSON.parse(document) as { readonly payload: string };
    return (JSON.parse(payload) as { readonly ended?: unknown }).ended === true;
  } catch {
    return false;
  }
}
