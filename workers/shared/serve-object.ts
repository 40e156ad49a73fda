/**
 * @module Answers a GET or HEAD with one object of the public bucket (docs/architecture.md §6). The object's own metadata makes
 * the headers, so an R2 custom domain in our place would say the same. Of the request only the method and the
 * conditional and range headers are read: who asked is of no interest to anybody (docs/architecture.md §10).
 */
import { logLine } from './log.ts';
import { onlyTag, select, type Conditions } from './preconditions.ts';
import { readError } from './read-error.ts';
import type { ReadOnlyBucket } from './read-only-bucket.ts';

/** Where an object lies, and what its answer says. */
export interface StaticObject {
  readonly bucket: ReadOnlyBucket;
  /** The object's key, already known to have an allowed shape. */
  readonly key: string;
  /** Said in place of the object's own metadata, where whoever puts objects gives them none. */
  readonly meta?: { readonly contentType: string; readonly cacheControl: string };
}

/** A phone that met a failing store should not come back within this time. */
const RETRY_AFTER_SECONDS = '60';

/**
 * Serves one object: 200, 206, 304, 404, 416, or 503 when R2 throws; never by what a header says. Costs one read of R2; a
 * range costs two (head, then the part, tied to the head by ETag so that a replaced object is never cut by its
 * predecessor's size).
 *
 * @param request GET or HEAD; only the method and `If-None-Match`, `Range`, `If-Range` are read
 * @param found where it lies
 * @param now Unix seconds, for `Date` and for the age that is left
 * @returns the answer; every error is `no-store`
 */
export async function serveObject(request: Request, found: StaticObject, now: number): Promise<Response> {
  const conditions: Conditions = {
    method: request.method === 'HEAD' ? 'HEAD' : 'GET',
    ifNoneMatch: request.headers.get('if-none-match'),
    ifRange: request.headers.get('if-range'),
    range: request.headers.get('range'),
  };
  try {
    if (conditions.method === 'HEAD' || conditions.range !== null) return await answerByHead(conditions, found, now);
    return await answerWhole(conditions, found, now);
  } catch {
    // The message may hold the key, and the key says which hour somebody asked for: log the event alone.
    logLine('a read of R2 failed');
    return readError(503, 'The store did not answer.', { 'retry-after': RETRY_AFTER_SECONDS });
  }
}

async function answerWhole(conditions: Conditions, found: StaticObject, now: number): Promise<Response> {
  const { bucket, key, meta } = found;
  const tag = onlyTag(conditions.ifNoneMatch);
  const object = await bucket.get(key, tag === null ? {} : { onlyIf: { etagDoesNotMatch: tag } });
  if (object === null) return notFound();
  const body = 'body' in object ? object.body : null;
  const selected = select({ ...conditions, range: null }, { etag: object.httpEtag, size: object.size });
  if (body === null || hasExpired(object, now) || selected.kind === 'not-modified') {
    await body?.cancel();
    return hasExpired(object, now) ? notFound() : notModified(headersOf(object, now, meta));
  }
  return whole(object, body, headersOf(object, now, meta));
}

async function answerByHead(conditions: Conditions, found: StaticObject, now: number): Promise<Response> {
  const { bucket, key, meta } = found;
  const head = await bucket.head(key);
  if (head === null || hasExpired(head, now)) return notFound();
  const selected = select(conditions, { etag: head.httpEtag, size: head.size });
  switch (selected.kind) {
    case 'not-modified':
      return notModified(headersOf(head, now, meta));
    case 'unsatisfiable':
      return readError(416, 'The range begins behind the end of the object.', {
        'content-range': `bytes */${head.size}`,
      });
    case 'whole':
      return conditions.method === 'HEAD'
        ? whole(head, null, headersOf(head, now, meta))
        : await answerWhole(conditions, found, now);
    case 'part': {
      const { offset, length } = selected.range;
      const object = await bucket.get(key, { range: selected.range, onlyIf: { etagMatches: head.etag } });
      // Replaced or removed since the head: what the client would have got without a range.
      if (object === null || !('body' in object)) return await answerWhole(conditions, found, now);
      const headers = headersOf(head, now, meta);
      headers.set('content-range', `bytes ${offset}-${offset + length - 1}/${head.size}`);
      headers.set('content-length', String(length));
      return new Response(object.body, { status: 206, headers });
    }
  }
}

function whole(object: R2Object, body: ReadableStream | null, headers: Headers): Response {
  headers.set('content-length', String(object.size));
  return new Response(body, { headers });
}

/**
 * Turns an object's metadata into the headers of its answer.
 *
 * @param object the object, whose `cacheExpiry` (if any) lies in the future
 * @param now Unix seconds
 * @param meta said in place of the object's own
 * @returns headers with exactly one strong ETag, `Date` and `Expires` by our clock
 */
function headersOf(object: R2Object, now: number, meta: StaticObject['meta']): Headers {
  const { contentType, cacheControl, cacheExpiry }: R2HTTPMetadata = meta ?? object.httpMetadata ?? {};
  // Without Cache-Control Workers Cache would keep the object for two hours on its own account.
  const caching = cacheControl === undefined ? 'no-store' : capMaxAge(cacheControl, cacheExpiry, now);
  const maxAge = /(?:^|,\s*)max-age=(\d+)/i.exec(caching)?.[1];
  return new Headers({
    'content-type': contentType ?? 'application/octet-stream',
    'cache-control': caching,
    // The same as an instant: a second cache tier that is told no Age would count max-age anew (deploy/nginx).
    ...(maxAge === undefined ? {} : { expires: new Date((now + Number(maxAge)) * 1000).toUTCString() }),
    etag: object.httpEtag,
    date: new Date(now * 1000).toUTCString(),
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
  });
}

/**
 * Shortens a `Cache-Control` so that no copy outlives the object (docs/architecture.md §5.9, "copies live no longer"). Directives
 * that let a cache serve a stale copy go, and `must-revalidate` comes: Workers Cache would otherwise serve it for as
 * long as the Worker fails (docs/spec/platform.md §1.4).
 *
 * @param cacheControl the stored value, with or without `max-age`
 * @param expiry the instant at which the object dies, or undefined when it doesn't
 * @param now Unix seconds, before `expiry`
 * @returns the value to send
 */
function capMaxAge(cacheControl: string, expiry: Date | undefined, now: number): string {
  if (expiry === undefined) return cacheControl;
  const left = Math.max(0, Math.floor(expiry.getTime() / 1000 - now));
  const directives = cacheControl
    .split(',')
    .map((directive) => directive.trim())
    .filter((directive) => !/^stale-|^must-revalidate$|^s-maxage=/i.test(directive))
    .map((directive) => {
      const age = /^max-age=(\d+)$/i.exec(directive)?.[1];
      return age === undefined ? directive : `max-age=${Math.min(Number(age), left)}`;
    });
  return [...directives, 'must-revalidate'].join(', ');
}

/** An object past its own end counts as gone even if the origin has not removed it yet. */
function hasExpired(object: R2Object, now: number): boolean {
  const expiry = object.httpMetadata?.cacheExpiry;
  return expiry !== undefined && expiry.getTime() <= now * 1000;
}

function notModified(headers: Headers): Response {
  headers.delete('content-type');
  return new Response(null, { status: 304, headers });
}

function notFound(): Response {
  return readError(404, 'There is no such object, or not yet.');
}
