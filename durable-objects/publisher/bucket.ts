/**
 * @module An R2 bucket as the Publisher uses it: put-if-absent for what never changes, compare-and-swap for what does,
 * identity by SHA-256. No multipart: it takes no condition (docs/spec/platform.md §1.3).
 */
import type { ObjectMeta } from '../../domain/publication/built-file.ts';
import { toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';

export interface StoredObject {
  readonly etag: string;
  /** Hex, as R2 verified it at the put. */
  readonly sha256: string | null;
  readonly meta: ObjectMeta;
}

/** A part of an object. */
interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface BucketPort {
  head(key: string): Promise<StoredObject | null>;
  /** @returns the whole object */
  get(key: string): Promise<Uint8Array | null>;
  /** @param limit bytes: of an object that may be anybody's, no more comes into memory @returns its beginning */
  getStart(key: string, limit: number): Promise<Uint8Array | null>;
  /**
   * Reads a part of an object into memory that is used again: a million keys are 28 MB a region, and what is left to the
   * garbage collector stays for the whole sealing.
   *
   * @param range bytes
   * @param memory at least as long; it is handed over, and the caller's own view of it is dead afterwards
   * @returns the part, at the start of the same memory; null when there is no such object or it ends before
   */
  getInto(key: string, range: ByteRange, memory: Uint8Array): Promise<Uint8Array | null>;
  /** @returns null when the condition fails. @param etag the object it replaces; null: it must be absent */
  put(key: string, bytes: Uint8Array, meta: ObjectMeta, etag: string | null): Promise<StoredObject | null>;
  delete(keys: readonly string[]): Promise<void>;
  /** @returns all keys that begin with `prefix` */
  list(prefix: string): Promise<string[]>;
  /** @returns what lies under all keys that begin with `prefix`: key → mark (`markOf`); a call for 1,000 objects at most */
  marks(prefix: string): Promise<Map<string, string>>;
}

/** R2 deletes at most 1,000 keys a call. */
const DELETE_BATCH = 1_000;

/**
 * @param onCall called before each call of R2: an invocation may make 10,000 (docs/spec/platform.md §1.1)
 * @returns the port over a binding
 */
export function r2Bucket(bucket: R2Bucket, onCall: () => void = () => {}): BucketPort {
  return {
    async head(key) {
      onCall();
      const object = await bucket.head(key);
      return object === null ? null : stored(object);
    },
    async get(key) {
      onCall();
      const object = await bucket.get(key);
      return object === null ? null : new Uint8Array(await object.arrayBuffer());
    },
    async getStart(key, limit) {
      onCall();
      const found = await bucket.head(key);
      if (found === null) return null;
      const length = Math.min(found.size, limit);
      // A range of no bytes is an error.
      if (length === 0) return new Uint8Array(0);
      onCall();
      const object = await bucket.get(key, { range: { offset: 0, length } });
      return object === null ? null : new Uint8Array(await object.arrayBuffer());
    },
    async getInto(key, range, memory) {
      onCall();
      const object = await bucket.get(key, { range });
      if (object === null) return null;
      const reader = object.body.getReader({ mode: 'byob' });
      const { value } = await reader.readAtLeast(range.length, memory.subarray(0, range.length));
      return value?.length === range.length ? value : null;
    },
    async put(key, bytes, meta, etag) {
      onCall();
      const object = await bucket.put(key, bytes, {
        onlyIf: etag === null ? { etagDoesNotMatch: '*' } : { etagMatches: etag },
        sha256: sha256(bytes),
        httpMetadata: {
          contentType: meta.contentType,
          cacheControl: meta.cacheControl,
          ...(meta.expires === null ? {} : { cacheExpiry: new Date(meta.expires * 1000) }),
        },
        ...(meta.custom === undefined ? {} : { customMetadata: { ...meta.custom } }),
      });
      return object === null ? null : stored(object);
    },
    async delete(keys) {
      for (let i = 0; i < keys.length; i += DELETE_BATCH) {
        onCall();
        await bucket.delete(keys.slice(i, i + DELETE_BATCH));
      }
    },
    async list(prefix) {
      const keys: string[] = [];
      for await (const objects of pages(bucket, { prefix }, onCall)) keys.push(...objects.map(({ key }) => key));
      return keys;
    },
    async marks(prefix) {
      const marks = new Map<string, string>();
      const options: R2ListOptions = { prefix, include: ['httpMetadata', 'customMetadata'] };
      for await (const objects of pages(bucket, options, onCall)) {
        for (const object of objects) marks.set(object.key, markOf(object.etag, metaOf(object)));
      }
      return marks;
    },
  };
}

async function* pages(bucket: R2Bucket, options: R2ListOptions, onCall: () => void): AsyncGenerator<R2Object[]> {
  let cursor: string | undefined;
  do {
    onCall();
    const found = await bucket.list({ ...options, ...(cursor === undefined ? {} : { cursor }) });
    yield found.objects;
    cursor = found.truncated ? found.cursor : undefined;
  } while (cursor !== undefined);
}

function stored(object: R2Object): StoredObject {
  const digest = object.checksums.sha256;
  return {
    etag: object.etag,
    sha256: digest === undefined ? null : toHex(new Uint8Array(digest)),
    meta: metaOf(object),
  };
}

function metaOf({ httpMetadata: http = {}, customMetadata }: R2Object): ObjectMeta {
  const { contentType = '', cacheControl = '', cacheExpiry, ...others } = http;
  const strange = Object.entries(others).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  const custom = customMetadata !== undefined && Object.keys(customMetadata).length > 0 ? customMetadata : undefined;
  return {
    // We set no other header, so one that is there is somebody else's.
    contentType: [contentType, ...strange].join('; '),
    cacheControl,
    expires: cacheExpiry === undefined ? null : Math.floor(cacheExpiry.getTime() / 1000),
    ...(custom === undefined ? {} : { custom }),
  };
}

/** @returns which headers these are, 16 hex digits */
export function metaMark({ contentType, cacheControl, expires, custom = {} }: ObjectMeta): string {
  const sorted = Object.entries(custom).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return toHex(sha256(utf8(JSON.stringify([contentType, cacheControl, expires, sorted])))).slice(0, 16);
}

/** @returns what tells an object from any other under the same name, as a listing shows it: its ETag and its headers */
export function markOf(etag: string, meta: ObjectMeta): string {
  return `${etag} ${metaMark(meta)}`;
}

/** Two different contents claim one name of the private bucket, which nobody else can write: an operator must look. */
class ObjectConflict extends Error {
  override readonly name = 'ObjectConflict';
}

/**
 * Puts an object of the private bucket that never changes. Done already is as good as done now.
 *
 * @throws ObjectConflict when the name holds other bytes
 */
export async function putOnce(bucket: BucketPort, key: string, bytes: Uint8Array, meta: ObjectMeta): Promise<void> {
  if ((await bucket.put(key, bytes, meta, null)) !== null) return;
  const present = await bucket.head(key);
  if (present?.sha256 !== toHex(sha256(bytes))) throw new ObjectConflict(`${key} holds other bytes`);
}

/** Custom metadata of {@link putFirst}: what the object belongs to. */
const BELONGS_TO = 'of';

/**
 * Puts an object of the private bucket whose bytes are never the same twice, since they are sealed under a fresh key: the first one stays.
 *
 * @param of what it belongs to: a name and hash that a repeated step has again
 * @returns SHA-256 of what lies there, hex
 * @throws ObjectConflict when the name holds an object that belongs to something else
 */
export async function putFirst(
  bucket: BucketPort,
  key: string,
  seal: () => Promise<Uint8Array>,
  meta: ObjectMeta,
  of: string,
): Promise<string> {
  const before = await bucket.head(key);
  if (before === null) {
    const bytes = await seal();
    if ((await bucket.put(key, bytes, { ...meta, custom: { [BELONGS_TO]: of } }, null)) !== null)
      return toHex(sha256(bytes));
  }
  const present = before ?? (await bucket.head(key));
  if (present?.meta.custom?.[BELONGS_TO] !== of || present.sha256 === null) {
    throw new ObjectConflict(`${key} belongs to something else`);
  }
  return present.sha256;
}
