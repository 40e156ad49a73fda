/**
 * @module A bucket of R2 in a bucket of S3: each call that workerd makes, by the mapping of `mapping.ts`.
 *
 * Durable writes: a put is one PutObject, a deletion one DeleteObjects. A crash, or a store that ends in the middle of an answer, leaves the put done or
 * not done, and the Worker an error: as with R2, whoever puts looks what lies there when it comes again.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadBucketCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import {
  contentRange,
  getConditions,
  meets,
  putInput,
  r2Name,
  type R2Object,
  r2Object,
  rangeHeader,
  s3Key,
} from './mapping.ts';
import { R2_CODES, type R2CallOf, R2Failure } from './r2-call.ts';
import { type Store, storeDate, storeError } from './s3.ts';

/** An object as it is sent. */
export interface Got {
  readonly object: R2Object;
  /** Null where the call's condition isn't met. */
  readonly body: Uint8Array | Readable | null;
  /** Bytes of the body. */
  readonly length: number;
}

/** Objects up to this are in memory before the first byte goes on, so that half a body is an error and no half answer: a chunk has 2 MB at most. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;
/** How often a read begins anew: half a body, or an object that changed between its condition and its head. */
const ATTEMPTS = 3;
/** Objects of a listing are asked for their metadata this many at a time. */
const AT_A_TIME = 16;
/** R2's, and S3's. */
const MAX_LISTED = 1_000;
/** workerd takes a megabyte of listing; with 2 KB of metadata each these are half of it. */
const MAX_LISTED_WITH_METADATA = 250;

/** How many times a put is sent that the store refused for others that came at the same moment: 409 says that it did nothing. */
const PUT_TURNS = 5;

/** What a store answered. */
type Tried<T> = { readonly ok: true; readonly output: T } | { readonly ok: false; readonly why: WhyNot };
/** Not there, a condition that isn't met, or others that came at the same moment. */
type WhyNot = 'absent' | 'unmet' | 'conflict';
const WHY_NOT: Readonly<Record<number, WhyNot>> = { 304: 'unmet', 404: 'absent', 409: 'conflict', 412: 'unmet' };

/** A bucket. */
export class Bucket {
  readonly name: string;
  readonly #store: Store;

  constructor(store: Store, name: string) {
    this.#store = store;
    this.name = name;
  }

  /** @returns Unix milliseconds by the store's clock @throws R2Failure when the bucket isn't there or the store tells no time */
  async clock(): Promise<number> {
    const command = new HeadBucketCommand({ Bucket: this.name });
    const output = await this.#found('clock', () => this.#store.reader.send(command));
    const date = output === null ? null : storeDate(output);
    if (date === null) throw new R2Failure(500, R2_CODES.internal, output === null ? 'no such bucket' : 'no Date');
    return date;
  }

  async head(key: string): Promise<R2Object | null> {
    const command = new HeadObjectCommand({ Bucket: this.name, Key: s3Key(key), ChecksumMode: 'ENABLED' });
    const output = await this.#found('head', () => this.#store.reader.send(command));
    return output === null ? null : r2Object(key, told(output, output.ContentLength ?? 0));
  }

  async get(call: R2CallOf<'get'>): Promise<Got | null> {
    const range = rangeHeader(call.range);
    const command = new GetObjectCommand({
      Bucket: this.name,
      Key: s3Key(call.object),
      ChecksumMode: 'ENABLED',
      ...getConditions(call.onlyIf),
      ...(range === null ? {} : { Range: range }),
    });
    for (let attempt = 1; ; attempt += 1) {
      const tried = await this.#try('get', () => this.#store.reader.send(command));
      if (!tried.ok && tried.why === 'absent') return null;
      if (!tried.ok) {
        const object = await this.head(call.object);
        if (object === null || !meets(object.etag, call.onlyIf)) return object && { object, body: null, length: 0 };
        // Another object by now, which the condition lets through.
        if (attempt < ATTEMPTS) continue;
        throw new R2Failure(500, R2_CODES.internal, 'the object changed while it was read');
      }
      const got = this.#opened(call, tried.output);
      if (got.length > MAX_HELD_BYTES) return got;
      const bytes = await held(got.body as Readable, got.length);
      if (bytes !== null) return { ...got, body: bytes };
      if (attempt === ATTEMPTS) throw new R2Failure(500, R2_CODES.internal, 'the store ended in the middle of a body');
    }
  }

  /** @returns null when the condition fails */
  async put(call: R2CallOf<'put'>, value: Uint8Array): Promise<R2Object | null> {
    const sha256 = createHash('sha256').update(value).digest();
    if (call.sha256 !== undefined && call.sha256.toLowerCase() !== sha256.toString('hex')) {
      throw new R2Failure(400, R2_CODES.badDigest, 'the SHA-256 is another than that of what came');
    }
    const input = putInput(call);
    const command = new PutObjectCommand({
      Bucket: this.name,
      Key: s3Key(call.object),
      Body: value,
      ContentLength: value.length,
      // The store verifies it, and tells it ever after.
      ChecksumSHA256: sha256.toString('base64'),
      ...input,
    });
    for (let turn = 1; ; turn += 1) {
      const tried = await this.#try('put', () => this.#store.writer.send(command));
      if (!tried.ok && tried.why === 'conflict') {
        if (turn < PUT_TURNS) continue;
        throw new R2Failure(500, R2_CODES.internal, 'put: others came at the same moment each time');
      }
      // Absent: the ETag that should be replaced is of an object that has gone.
      if (!tried.ok) return null;
      const { output } = tried;
      const uploaded = storeDate(output);
      if (uploaded === null) throw new R2Failure(500, R2_CODES.internal, 'the store told no Date');
      return r2Object(call.object, {
        etag: output.ETag,
        size: value.length,
        uploaded,
        versionId: output.VersionId,
        contentType: input.ContentType,
        contentLanguage: input.ContentLanguage,
        contentDisposition: input.ContentDisposition,
        contentEncoding: input.ContentEncoding,
        cacheControl: input.CacheControl,
        expires: input.Expires?.toUTCString(),
        metadata: input.Metadata,
        checksumSha256: sha256.toString('base64'),
      });
    }
  }

  async list(call: R2CallOf<'list'>): Promise<{ objects: R2Object[]; truncated: boolean; cursor?: string }> {
    const most = call.include.length > 0 ? MAX_LISTED_WITH_METADATA : MAX_LISTED;
    const command = new ListObjectsV2Command({
      Bucket: this.name,
      Prefix: call.prefix,
      MaxKeys: Math.min(call.limit ?? most, most),
      ...(call.cursor === undefined ? {} : { ContinuationToken: call.cursor }),
    });
    const output = await this.#found('list', () => this.#store.reader.send(command));
    if (output === null) throw new R2Failure(500, R2_CODES.internal, 'no such bucket');
    // What somebody else has put there under another name isn't one of R2's.
    const entries = (output.Contents ?? []).flatMap((entry) => {
      const name = r2Name(entry.Key ?? '');
      return name === null ? [] : [{ ...entry, name }];
    });
    const objects: R2Object[] = [];
    for (let i = 0; i < entries.length; i += AT_A_TIME) {
      const part = entries.slice(i, i + AT_A_TIME).map(async (entry) => {
        const { name, ETag: etag, Size: size = 0, LastModified: at } = entry;
        if (call.include.length > 0) return this.head(name);
        const {
          httpFields: _http,
          customFields: _custom,
          ...bare
        } = r2Object(name, { etag, size, uploaded: at?.getTime() ?? 0 });
        return bare;
      });
      // One that has gone since is none of the bucket's any more.
      objects.push(...(await Promise.all(part)).filter((object) => object !== null));
    }
    const cursor = output.IsTruncated === true ? output.NextContinuationToken : undefined;
    return { objects, truncated: cursor !== undefined, ...(cursor === undefined ? {} : { cursor }) };
  }

  /** Removes objects; that one isn't there is no error. */
  async delete(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const command = new DeleteObjectsCommand({
      Bucket: this.name,
      Delete: { Objects: keys.map((name) => ({ Key: s3Key(name) })), Quiet: true },
    });
    const output = await this.#found('delete', () => this.#store.reader.send(command));
    if (output === null) throw new R2Failure(500, R2_CODES.internal, 'no such bucket');
    const failed = output.Errors?.filter(({ Code }) => Code !== 'NoSuchKey') ?? [];
    if (failed.length > 0) {
      const why = failed[0]?.Code ?? 'unknown';
      throw new R2Failure(500, R2_CODES.internal, `the store kept ${failed.length} of ${keys.length} objects: ${why}`);
    }
  }

  /** @throws R2Failure for any answer that is none of these, and for no answer */
  async #try<T>(what: string, send: () => Promise<T>): Promise<Tried<T>> {
    try {
      return { ok: true, output: await send() };
    } catch (error) {
      const { name, status } = storeError(error);
      if (name === 'NoSuchBucket') throw new R2Failure(500, R2_CODES.internal, `${what}: no such bucket`);
      if (status === 416) throw new R2Failure(416, R2_CODES.invalidRange, 'the range begins behind the end');
      const why = status === null ? undefined : WHY_NOT[status];
      if (why !== undefined) return { ok: false, why };
      throw new R2Failure(500, R2_CODES.internal, `${what}: the store answered ${status ?? 'nothing'} (${name})`);
    }
  }

  /** For calls without a condition. @returns null for what isn't there */
  async #found<T>(what: string, send: () => Promise<T>): Promise<T | null> {
    const tried = await this.#try(what, send);
    if (tried.ok) return tried.output;
    if (tried.why === 'absent') return null;
    throw new R2Failure(
      500,
      R2_CODES.internal,
      `${what}: the store answered ${tried.why} to a call without a condition`,
    );
  }

  #opened(call: R2CallOf<'get'>, output: GetObjectCommandOutput): Got {
    const length = output.ContentLength ?? 0;
    const part = contentRange(output.ContentRange);
    const object = told(output, part?.size ?? length);
    const range = part === null ? undefined : { offset: part.offset, length: part.length };
    return { object: r2Object(call.object, object, range), body: output.Body as Readable, length };
  }
}

/** @returns the fields of an answer under the mapping's names */
function told(output: HeadObjectCommandOutput | GetObjectCommandOutput, size: number) {
  return {
    etag: output.ETag,
    size,
    uploaded: output.LastModified?.getTime() ?? 0,
    versionId: output.VersionId,
    contentType: output.ContentType,
    contentLanguage: output.ContentLanguage,
    contentDisposition: output.ContentDisposition,
    contentEncoding: output.ContentEncoding,
    cacheControl: output.CacheControl,
    expires: output.ExpiresString,
    metadata: output.Metadata,
    checksumSha256: output.ChecksumSHA256,
  };
}

/** @returns all of a body, or null when it ended before its length */
async function held(body: Readable, length: number): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of body as AsyncIterable<Uint8Array>) parts.push(part);
  } catch {
    return null;
  }
  const bytes = Buffer.concat(parts);
  return bytes.length === length ? bytes : null;
}
