/**
 * @module An R2 bucket as the Publisher uses it: put-if-absent for what never changes, compare-and-swap for what does,
 * identity by SHA-256. No multipart: it takes no condition (docs/spec/platform.md §1.3).
 */
import { toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';

export interface ObjectMeta {
  readonly contentType: string;
  readonly cacheControl: string;
  /** Unix seconds at which no cache may hold it any more; null: it lives as long as its name. */
  readonly expires: number | null;
  /** Identity beyond the bytes, e.g. SHA-256 of export.bin. */
  readonly custom?: Readonly<Record<string, string>>;
}

interface StoredObject {
  readonly etag: string;
  /** Hex, as R2 verified it at the put. */
  readonly sha256: string | null;
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
      let cursor: string | undefined;
      do {
        onCall();
        const found = await bucket.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
        keys.push(...found.objects.map(({ key }) => key));
        cursor = found.truncated ? found.cursor : undefined;
      } while (cursor !== undefined);
      return keys;
    },
  };
}

function stored(object: R2Object): StoredObject {
  const digest = object.checksums.sha256;
  return { etag: object.etag, sha256: digest === undefined ? null : toHex(new Uint8Array(digest)) };
}

/** Two different contents claim one immutable name: never overwritten, an operator must look. */
class ObjectConflict extends Error {
  override readonly name = 'ObjectConflict';
}

/**
 * Puts an object that never changes. Done already is as good as done now.
 *
 * @throws ObjectConflict when the name holds other bytes
 */
export async function putOnce(bucket: BucketPort, key: string, bytes: Uint8Array, meta: ObjectMeta): Promise<void> {
  if ((await bucket.put(key, bytes, meta, null)) !== null) return;
  const present = await bucket.head(key);
  if (present?.sha256 !== toHex(sha256(bytes))) throw new ObjectConflict(`${key} holds other bytes`);
}

/**
 * Brings a mutable object to these bytes by compare-and-swap; one that has them is left alone.
 *
 * @param beforeReplace called with the ETag that is about to be replaced, before the put
 * @returns the ETag of the object that holds the bytes
 * @throws Error when somebody else wrote in between; the step is repeated
 */
export async function putLatest(
  bucket: BucketPort,
  key: string,
  bytes: Uint8Array,
  meta: ObjectMeta,
  beforeReplace: (etag: string) => void = () => {},
): Promise<string> {
  const present = await bucket.head(key);
  if (present !== null && present.sha256 === toHex(sha256(bytes))) return present.etag;
  if (present !== null) beforeReplace(present.etag);
  const written = await bucket.put(key, bytes, meta, present?.etag ?? null);
  if (written === null) throw new Error(`${key} changed while it was being replaced`);
  return written.etag;
}
