/**
 * @module The directory of backends as phones and other parties read it (docs/directory.md): the checkpoint and the tiles of its log, at the
 * paths of https://c2sp.org/tlog-tiles below one prefix. Whoever brings the objects gives them no metadata, so the headers are said here.
 * Nothing is verified: readers do (`protocol/directory/read.ts`), and take nothing on our word.
 */
import { CHECKPOINT_PATH, DIRECTORY_PREFIX } from '../../protocol/directory/tiles.ts';
import type { ReadOnlyBucket } from '../shared/read-only-bucket.ts';
import type { StaticObject } from '../shared/serve-object.ts';

/** 0..255: of 65,536 leaves, beyond which every reader refuses the log (`MAX_DIRECTORY_SIZE`), there are no more full tiles. */
const INDEX = '(?:[01]\\d\\d|2[0-4]\\d|25[0-5])';
/** 1..255: what a tile holds that isn't full. */
const WIDTH = '(?:[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])';
/** Entries, and the three levels of a tree of so many leaves. */
const TILE = new RegExp(`^tile/(?:entries|[0-2])/${INDEX}(?:\\.p/${WIDTH})?$`);

/** An object of a name never changes (tlog-tiles). */
const TILE_META = { contentType: 'application/octet-stream', cacheControl: 'public, max-age=31536000, immutable' };
/** As the head of the manifest: what was revoked is known a minute later. */
const CHECKPOINT_META = { contentType: 'text/plain; charset=utf-8', cacheControl: 'public, max-age=60' };

/**
 * @param pathname of a URL, percent-encoding untouched
 * @param bucket the directory's, read only
 * @returns the object that has this path, or null when none can have it: it costs no read
 */
export function directoryObject(pathname: string, bucket: ReadOnlyBucket): StaticObject | null {
  if (!pathname.startsWith(`/${DIRECTORY_PREFIX}`)) return null;
  const key = pathname.slice(DIRECTORY_PREFIX.length + 1);
  if (key === CHECKPOINT_PATH) return { bucket, key, meta: CHECKPOINT_META };
  return TILE.test(key) ? { bucket, key, meta: TILE_META } : null;
}
