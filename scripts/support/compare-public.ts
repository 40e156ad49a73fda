/**
 * @module What lies in a public bucket, or that of feeds, compared with what the records give (docs/event-log.md): each difference by name, and what puts it right.
 */
import type { RebuiltObject } from '../../domain/publication/rebuild.ts';
import { MANIFEST_TYPE, type ManifestHead } from '../../protocol/index/manifest.ts';
import { equalBytes } from '../../protocol/primitives/bytes.ts';
import type { ObjectStore } from './object-store.ts';

/** One name that is not as it must be. */
export interface Difference {
  readonly name: string;
  readonly kind: 'missing' | 'altered' | 'headers' | 'newer' | 'unknown' | 'lost' | 'document';
}

/** What each kind means, for a person. */
export const DIFFERENCES: Readonly<Record<Difference['kind'], string>> = {
  missing: 'is not there',
  altered: 'holds other bytes',
  headers: 'has other headers',
  newer: 'is a newer head than the log knows: entries were cut off its end, and it stays as it is',
  unknown: 'is named by no head of the last day, nor by a feed',
  lost: 'can’t be made again: keys of it have left, and what was sealed isn’t there (docs/event-log.md)',
  document: 'doesn’t say which batches the log has; Publisher puts it with the next hour',
};

/** Folders of what Publisher publishes; parameters are another's. */
const FOLDERS = [/^v1\/[A-Z]{2,3}\//, /^version\/v1\/diagnosis-keys\//];

/**
 * @param store the public bucket
 * @param object as it must be
 * @returns how it differs, or null
 */
export async function compareObject(store: ObjectStore, object: RebuiltObject): Promise<Difference | null> {
  const { name, bytes, meta } = object;
  const found = await store.get(name);
  if (found === null) return { name, kind: 'missing' };
  if (!equalBytes(found, bytes)) return { name, kind: isNewerHead(found, bytes) ? 'newer' : 'altered' };
  const headers = await store.headers(name);
  return headers === null || canonical(headers) === canonical(meta) ? null : { name, kind: 'headers' };
}

const canonical = ({ contentType, cacheControl, expires, custom = {} }: RebuiltObject['meta']): string =>
  JSON.stringify([contentType, cacheControl, expires, Object.entries(custom).toSorted(([a], [b]) => (a < b ? -1 : 1))]);

/** Phones have seen it and would refuse an older one. */
function isNewerHead(found: Uint8Array, own: Uint8Array): boolean {
  const [theirs, ours] = [sequenceOf(found), sequenceOf(own)];
  return theirs !== null && ours !== null && theirs > ours;
}

function sequenceOf(bytes: Uint8Array): number | null {
  try {
    const { type, payload } = JSON.parse(new TextDecoder().decode(bytes)) as { type?: unknown; payload?: unknown };
    if (type !== MANIFEST_TYPE || typeof payload !== 'string') return null;
    return (JSON.parse(payload) as ManifestHead).sequence;
  } catch {
    return null;
  }
}

/**
 * @param store the public bucket
 * @param named by the heads, now or a day ago
 * @returns what else lies there
 */
export async function unknownObjects(store: ObjectStore, named: ReadonlySet<string>): Promise<Difference[]> {
  const names = [...(await store.list('v1/')), ...(await store.list('version/'))];
  return names
    .filter((name) => FOLDERS.some((folder) => folder.test(name)) && !named.has(name))
    .map((name) => ({ name, kind: 'unknown' }));
}
