/**
 * @module R2's objects as S3's, and back: the table in docs/own-hardware.md, in code. Pure; what has no exact counterpart is refused.
 */
import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import { type OnlyIf, R2_CODES, type R2CallOf, R2Failure, type R2Range } from './r2-call.ts';

/**
 * S3's name of all custom metadata of R2: names there keep their case and values may be any text, while S3's are header fields, which keep neither. JSON
 * of [name, value] pairs, base64url.
 */
export const CUSTOM_METADATA = 'r2';
/** S3 allows 2 KB of metadata of one's own, names counted (PutObject, "User-defined object metadata"). */
const MAX_CUSTOM_BYTES = 2_000;

/**
 * Behind each name in S3. CWA's tree has objects whose names are folders of others (`…/date` and `…/date/2026-11-26`); R2 and AWS take both, services on a file system
 * refuse the second one. It sorts before all that our names have, so that listings keep their order; AWS calls it safe ("Object key naming guidelines").
 */
const SUFFIX = '!';
/** What sorts behind it and is no control character. */
const NAME = /^[^\p{C}\p{Z}!"]+$/u;
const MAX_NAME_BYTES = 1_024;

/** @param name in R2 @returns in S3 @throws R2Failure for a name that it can't have there */
export function s3Key(name: string): string {
  if (!NAME.test(name)) throw refused('a name with blanks, quotes, control characters or "!"');
  const key = `${name}${SUFFIX}`;
  if (Buffer.byteLength(key) > MAX_NAME_BYTES) throw refused('a name of 1,024 bytes');
  return key;
}

/** @param key in S3 @returns the name in R2; null: it isn't one of ours */
export const r2Name = (key: string): string | null => (key.endsWith(SUFFIX) ? key.slice(0, -SUFFIX.length) : null);

/** What S3 says of an object, whether at a head, a get or a put. */
export interface S3Object {
  readonly etag: string | undefined;
  readonly size: number;
  /** Unix milliseconds. */
  readonly uploaded: number;
  readonly versionId?: string | undefined;
  readonly contentType?: string | undefined;
  readonly contentLanguage?: string | undefined;
  readonly contentDisposition?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly cacheControl?: string | undefined;
  /** As it came: an HTTP date. */
  readonly expires?: string | undefined;
  /** Names in lower case. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Base64, of the whole object; a service says `-N` behind it for one made of parts. */
  readonly checksumSha256?: string | undefined;
}

/** What workerd reads (`R2HeadResponse`). */
export interface R2Object {
  readonly name: string;
  readonly version: string;
  readonly size: number;
  readonly etag: string;
  readonly uploaded: number;
  readonly storageClass: 'Standard';
  readonly httpFields?: Readonly<Record<string, string | number>>;
  readonly customFields?: readonly { readonly k: string; readonly v: string }[];
  readonly checksums: Readonly<Record<string, string>>;
  readonly range?: { readonly offset: number; readonly length: number };
}

const refused = (what: string): R2Failure =>
  new R2Failure(501, R2_CODES.notImplemented, `${what} has no exact counterpart in S3 (docs/own-hardware.md)`);

const quoted = (etag: string): string => `"${etag}"`;
/** R2's ETags have no quotes, S3's do; a weak one is no identity. */
const bare = (etag: string | undefined): string => {
  const [, value] = /^"([^"]+)"$/.exec(etag ?? '') ?? [];
  if (value === undefined) throw new R2Failure(500, R2_CODES.internal, 'the store gave no strong ETag');
  return value;
};

/** @param onlyIf of a put @returns S3's conditions: absent, or one ETag @throws R2Failure for any other, which PutObject doesn't know */
export function putConditions(onlyIf: OnlyIf | undefined): Pick<PutObjectCommandInput, 'IfMatch' | 'IfNoneMatch'> {
  if (onlyIf === undefined) return {};
  const { etagMatches, etagDoesNotMatch } = onlyIf;
  if (etagMatches !== undefined && etagDoesNotMatch !== undefined) throw refused('a put with two conditions');
  const [one, ...others] = etagMatches ?? etagDoesNotMatch ?? [];
  if (one === undefined || others.length > 0) throw refused('a put with several ETags');
  if (etagDoesNotMatch !== undefined) {
    if (one.type !== 'wildcard') throw refused('a put if an ETag does not match');
    return { IfNoneMatch: '*' };
  }
  if (one.type !== 'strong' || one.value === undefined) throw refused('a put if any object or a weak ETag matches');
  return { IfMatch: quoted(one.value) };
}

/** @param onlyIf of a get @returns S3's conditions @throws R2Failure for weak ETags */
export function getConditions(onlyIf: OnlyIf | undefined): { IfMatch?: string; IfNoneMatch?: string } {
  const header = (etags: OnlyIf['etagMatches']): string | undefined =>
    etags
      ?.map(({ type, value }) => {
        if (type === 'weak') throw refused('a weak ETag');
        return type === 'wildcard' ? '*' : quoted(value ?? '');
      })
      .join(', ');
  const [match, none] = [header(onlyIf?.etagMatches), header(onlyIf?.etagDoesNotMatch)];
  return {
    ...(match === undefined ? {} : { IfMatch: match }),
    ...(none === undefined ? {} : { IfNoneMatch: none }),
  };
}

/** @returns whether an object meets a get's condition */
export function meets(etag: string, onlyIf: OnlyIf | undefined): boolean {
  const matches = (etags: NonNullable<OnlyIf['etagMatches']>): boolean =>
    etags.some(({ type, value }) => type === 'wildcard' || value === etag);
  const { etagMatches, etagDoesNotMatch } = onlyIf ?? {};
  return (
    (etagMatches === undefined || matches(etagMatches)) &&
    (etagDoesNotMatch === undefined || !matches(etagDoesNotMatch))
  );
}

/** @param range of a get @returns S3's header, null for the whole @throws R2Failure for a part of no bytes, which R2 refuses too */
export function rangeHeader(range: R2Range | undefined): string | null {
  if (range === undefined) return null;
  const { offset = 0, length, suffix } = range;
  if (length === 0 || suffix === 0) {
    throw new R2Failure(416, R2_CODES.invalidRange, 'a range must have a byte at least');
  }
  if (suffix !== undefined) return `bytes=-${suffix}`;
  if (length === undefined) return offset === 0 ? null : `bytes=${offset}-`;
  return `bytes=${offset}-${offset + length - 1}`;
}

/** @param header Content-Range of an answer @returns where the part lies, and the size of the whole */
export function contentRange(header: string | undefined): { offset: number; length: number; size: number } | null {
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(header ?? '') ?? [];
  if (first === undefined) return null;
  return { offset: Number(first), length: Number(last) - Number(first) + 1, size: Number(size) };
}

/**
 * @param call a put
 * @returns its metadata and condition as PutObject has them; body and checksum are the caller's
 * @throws R2Failure for what S3 can't keep exactly
 */
export function putInput({
  httpFields,
  customFields,
  onlyIf,
}: R2CallOf<'put'>): Omit<PutObjectCommandInput, 'Bucket' | 'Key'> {
  const { contentType, contentLanguage, contentDisposition, contentEncoding, cacheControl, cacheExpiry } = httpFields;
  if (cacheExpiry !== undefined && cacheExpiry % 1000 !== 0) throw refused('a cacheExpiry with a part of a second');
  const custom = Buffer.from(JSON.stringify(customFields.map(({ k, v }) => [k, v]))).toString('base64url');
  if (custom.length > MAX_CUSTOM_BYTES) {
    throw new R2Failure(400, R2_CODES.metadataTooLarge, `custom metadata is at most ${MAX_CUSTOM_BYTES} bytes in S3`);
  }
  return {
    ...putConditions(onlyIf),
    // Without one a service makes up its own.
    ContentType: contentType ?? 'application/octet-stream',
    ...(contentLanguage === undefined ? {} : { ContentLanguage: contentLanguage }),
    ...(contentDisposition === undefined ? {} : { ContentDisposition: contentDisposition }),
    ...(contentEncoding === undefined ? {} : { ContentEncoding: contentEncoding }),
    ...(cacheControl === undefined ? {} : { CacheControl: cacheControl }),
    ...(cacheExpiry === undefined ? {} : { Expires: new Date(cacheExpiry) }),
    ...(customFields.length === 0 ? {} : { Metadata: { [CUSTOM_METADATA]: custom } }),
  };
}

/** @returns what R2 would tell of it; somebody else's metadata is shown under its own names, so that our objects are told from others */
function customFieldsOf(metadata: Readonly<Record<string, string>>): { k: string; v: string }[] {
  return Object.entries(metadata).flatMap(([name, value]) => {
    const ours = name === CUSTOM_METADATA ? readCustom(value) : null;
    return ours ?? [{ k: name, v: value }];
  });
}

function readCustom(value: string): { k: string; v: string }[] | null {
  try {
    const pairs = JSON.parse(Buffer.from(value, 'base64url').toString()) as [unknown, unknown][];
    return pairs.map(([k, v]) => ({ k: String(k), v: String(v) }));
  } catch {
    // Not written here.
    return null;
  }
}

/** An HTTP date as R2 has it, milliseconds; one that is none is an instant that is long over, so that the object counts as gone. */
const expiryOf = (date: string): number => Math.max(0, Date.parse(date) || 0);

const SHA256_BYTES = 32;

/**
 * @param name the key
 * @param object as S3 told it
 * @param range which part is sent with it
 * @returns the same as R2 tells it
 * @throws R2Failure when the store gave no strong ETag
 */
export function r2Object(name: string, object: S3Object, range?: R2Object['range']): R2Object {
  const { contentType, contentLanguage, contentDisposition, contentEncoding, cacheControl, expires } = object;
  const etag = bare(object.etag);
  const digest = Buffer.from(object.checksumSha256 ?? '', 'base64');
  const isWhole = digest.length === SHA256_BYTES && !object.checksumSha256?.includes('-');
  const http = Object.entries({ contentType, contentLanguage, contentDisposition, contentEncoding, cacheControl });
  return {
    name,
    version: object.versionId ?? etag,
    size: object.size,
    etag,
    uploaded: object.uploaded,
    storageClass: 'Standard',
    httpFields: Object.fromEntries([
      ...http.filter((field): field is [string, string] => field[1] !== undefined),
      ...(expires === undefined ? [] : [['cacheExpiry', expiryOf(expires)] as const]),
    ]),
    customFields: customFieldsOf(object.metadata ?? {}),
    // The service's own word, which it verified at the put: metadata beside the bytes would be whatever its writer says.
    checksums: isWhole ? { '2': digest.toString('hex') } : {},
    ...(range === undefined ? {} : { range }),
  };
}
