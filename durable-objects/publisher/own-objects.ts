/**
 * @module Objects of the public bucket, where other Workers hold a binding that could write (docs/architecture.md §2): each name is the
 * one object's that publishes there, and what lies under it is compared with what was put. Something else is copied to the
 * private bucket, replaced and counted; something lost is put again and counted (docs/architecture.md §5.10, docs/decisions/027).
 *
 * Durable order: the hash of what is to be put (`intend`), then the object, then its mark (`settle`). A crash between the
 * first two leaves the former object, known by its mark; between the last two ours, known by the hash: neither is taken for
 * somebody else's. A copy is made before the replacement: a crash between them copies it again under the same name.
 */
import { toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { ObjectMeta } from '../../domain/publication/built-file.ts';
import { markOf, metaMark, type BucketPort, type StoredObject } from './bucket.ts';

/** What an object remembers of a name: null where it was put before marks were kept. */
export interface Remembered {
  /** `markOf` the last put that was answered; empty before the first. */
  readonly mark: string | null;
  /** SHA-256 of a put that was begun and not answered yet, hex. */
  readonly sha256: string | null;
}

/** The names of one publishing object, and what they need. */
export interface OwnObjects {
  readonly bucket: BucketPort;
  /** Where copies of what isn't ours go. */
  readonly privateBucket: BucketPort;
  /** Unix seconds: copies are kept by their day. */
  readonly now: number;
  /** @returns null for a name that was never put */
  remembered(key: string): Remembered | null;
  /** Keeps the hash of a put that begins. */
  intend(key: string, hash: string): void;
  /** Keeps the mark of a put that was answered; the hash goes. */
  settle(key: string, mark: string): void;
  count(alert: OwnObjectAlert): void;
}

/** @param names what is remembered of them @param counters where alerts are counted @returns the names of a bucket */
export function ownObjects(
  names: Pick<OwnObjects, 'remembered' | 'intend' | 'settle'>,
  counters: { count(alert: OwnObjectAlert): void },
  ports: Pick<OwnObjects, 'bucket' | 'privateBucket' | 'now'>,
): OwnObjects {
  return {
    ...ports,
    remembered: (key) => names.remembered(key),
    intend: (key, hash) => names.intend(key, hash),
    settle: (key, mark) => names.settle(key, mark),
    count: (alert) => counters.count(alert),
  };
}

type OwnObjectAlert = 'alert_foreign_object' | 'alert_object_lost' | 'alert_foreign_object_not_kept';

/** Copies of what others put under our names. */
const FOREIGN = 'foreign/';
/** A copy is evidence, and bounded: of longer objects the beginning, and so many until they are forgotten. */
const MAX_COPY_BYTES = 2 ** 20;
const MAX_COPIES = 100;
/** Somebody who writes in between is replaced too, so often; then the step is repeated later. */
const ATTEMPTS = 4;

/** How one name is treated. */
interface PutOptions {
  /** Called with the ETag of our own object that is about to be replaced. */
  readonly beforeReplace?: (etag: string) => void;
  /** Looks at what isn't ours before it is replaced; a throw leaves it there. */
  readonly inspect?: (key: string) => Promise<void>;
}

/**
 * Brings a name to these bytes and headers; one that has them is left alone.
 *
 * @param options see {@link PutOptions}
 * @returns the ETag of the object that holds the bytes
 * @throws Error when somebody else goes on writing in between
 */
export async function putOwn(
  own: OwnObjects,
  key: string,
  bytes: Uint8Array,
  meta: ObjectMeta,
  options: PutOptions = {},
): Promise<string> {
  const hash = toHex(sha256(bytes));
  const before = own.remembered(key);
  // Most names are new: put if absent is one call.
  let present = before?.mark === null || before?.mark ? await own.bucket.head(key) : null;
  if (present === null && before?.mark) own.count('alert_object_lost');
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (present !== null) {
      if (present.sha256 === hash && metaMark(present.meta) === metaMark(meta)) {
        own.settle(key, markOf(present.etag, present.meta));
        return present.etag;
      }
      if (isOurs(present, before)) {
        options.beforeReplace?.(present.etag);
      } else {
        await options.inspect?.(key);
        own.count('alert_foreign_object');
        await keepCopy(own, key);
        // The former object of ours is gone; readers may still have it by its ETag.
        const former = before?.mark?.split(' ')[0];
        if (former) options.beforeReplace?.(former);
      }
    }
    own.intend(key, hash);
    const written = await own.bucket.put(key, bytes, meta, present?.etag ?? null);
    if (written !== null) {
      own.settle(key, markOf(written.etag, meta));
      return written.etag;
    }
    present = await own.bucket.head(key);
  }
  throw new Error(`${key} is written by somebody else again and again`);
}

function isOurs(present: StoredObject, before: Remembered | null): boolean {
  if (before === null) return false;
  // Put before marks were kept: not known to be anybody else's.
  if (before.mark === null) return true;
  if (markOf(present.etag, present.meta) === before.mark) return true;
  return before.sha256 !== null && present.sha256 === before.sha256;
}

/** Copies what lies under a name of ours; a copy that can't be made is counted and doesn't stop the replacement. */
async function keepCopy(own: OwnObjects, key: string): Promise<void> {
  try {
    const bytes = await own.bucket.getStart(key, MAX_COPY_BYTES);
    if (bytes === null) return;
    const kept = await own.privateBucket.list(FOREIGN);
    const name = `${FOREIGN}${Math.floor(own.now / SECONDS_PER_DAY)}/${toHex(sha256(bytes))}`;
    if (kept.includes(name)) return;
    if (kept.length >= MAX_COPIES) return own.count('alert_foreign_object_not_kept');
    const custom = { 'found-under': key };
    const meta = { contentType: 'application/octet-stream', cacheControl: 'no-store', expires: null, custom };
    await own.privateBucket.put(name, bytes, meta, null);
  } catch {
    own.count('alert_foreign_object_not_kept');
  }
}

/**
 * Deletes copies that have had their time.
 *
 * @param today days since the Unix epoch
 * @param days that a copy is kept: as long as a key, since it may be an old chunk
 */
export async function forgetCopies(privateBucket: BucketPort, today: number, days: number): Promise<void> {
  const keys = await privateBucket.list(FOREIGN);
  const old = keys.filter((key) => Number(key.slice(FOREIGN.length).split('/')[0]) + days <= today);
  if (old.length > 0) await privateBucket.delete(old);
}
