/**
 * @module Answers a GET or HEAD with one object of the public bucket (docs/architecture.md §6). The object's own metadata makes
 * the headers, so an R2 custom domain in our place would say the same. Of the request only the method and the
 * conditional and range headers are read: who asked is of no interest to anybody (docs/architecture.md §10).
 */
import { logLine } from './log.ts';
import { matchesEntityTag, parseRange, rangeApplies } from './preconditions.ts';
import { readError } from './read-error.ts';
import type { ReadOnlyBucket } from './read-only-bucket.ts';

/** A phone that met a failing store should not come back within this time. */
const RETRY_AFTER_SECONDS = '60';

/**
 * Serves one object: 200, 206, 304, 404, 416, or 503 when R2 throws. Costs one read of R2; a range costs two (head,
 * then the part, tied to the head by ETag so that a replaced object is never cut by its predecessor's size).
 *
 * @param request GET or HEAD; only the method and `If-None-Match`, `Range`, `If-Range` are read
 * @param key the object's key, already known to have an allowed shape
 * @param bucket the public bucket
 * @param now Unix seconds, for `Date` and for the age that is left
 * @returns the answer; every error is `no-store`
 */
export async function serveObject(
  request: Request,
  key: string,
  bucket: ReadOnlyBucket,
  now: number,
): Promise<Response> {
  try {
    const range = request.headers.get('range');
    if (request.method === 'HEAD') return answerHead(request, await bucket.head(key), now);
    if (range !== null) return await answerRange(request, range, key, bucket, now);
    return await answerGet(request, key, bucket, now);
  } catch {
    // The message may hold the key, and the key says which hour somebody asked for: log the event alone.
    logLine('a read of R2 failed');
    return readError(503, 'The store did not answer.', { 'retry-after': RETRY_AFTER_SECONDS });
  }
}

function answerHead(request: Request, object: R2Object | null, now: number): Response {
  if (object === null || hasExpired(object, now)) return notFound();
  const headers = headersOf(object, now);
  if (matchesEntityTag(request.headers.get('if-none-match'), object.httpEtag)) return notModified(headers);
  headers.set('content-length', String(object.size));
  return new Response(null, { headers });
}

async function answerGet(request: Request, key: string, bucket: ReadOnlyBucket, now: number): Promise<Response> {
  const ifNoneMatch = request.headers.get('if-none-match');
  // R2 compares strongly; without the W/ its answer is the weak comparison that If-None-Match asks for.
  const condition = ifNoneMatch === null ? {} : { 'if-none-match': ifNoneMatch.replaceAll('W/"', '"') };
  const object = await bucket.get(key, { onlyIf: new Headers(condition) });
  if (object === null) return notFound();
  if (hasExpired(object, now)) {
    if ('body' in object) await object.body.cancel();
    return notFound();
  }
  const headers = headersOf(object, now);
  if (!('body' in object)) return notModified(headers);
  headers.set('content-length', String(object.size));
  return new Response(object.body, { headers });
}

async function answerRange(
  request: Request,
  range: string,
  key: string,
  bucket: ReadOnlyBucket,
  now: number,
): Promise<Response> {
  const head = await bucket.head(key);
  if (head === null || hasExpired(head, now)) return notFound();
  const headers = headersOf(head, now);
  if (matchesEntityTag(request.headers.get('if-none-match'), head.httpEtag)) return notModified(headers);
  const part = rangeApplies(request.headers.get('if-range'), head.httpEtag) ? parseRange(range, head.size) : 'ignore';
  if (part === 'ignore') return await answerGet(request, key, bucket, now);
  if (part === 'unsatisfiable') {
    return readError(416, 'The range begins behind the end of the object.', {
      'content-range': `bytes */${head.size}`,
    });
  }
  const object = await bucket.get(key, { range: part, onlyIf: { etagMatches: head.etag } });
  // Replaced or removed since the head: what the client would have got without a range.
  if (object === null || !('body' in object)) return await answerGet(request, key, bucket, now);
  headers.set('content-range', `bytes ${part.offset}-${part.offset + part.length - 1}/${head.size}`);
  headers.set('content-length', String(part.length));
  return new Response(object.body, { status: 206, headers });
}

/**
 * Turns an object's metadata into the headers of its answer.
 *
 * @param object the object, whose `cacheExpiry` (if any) lies in the future
 * @param now Unix seconds
 * @returns headers with exactly one strong ETag, `Date` and `Expires` by our clock
 */
function headersOf(object: R2Object, now: number): Headers {
  const { contentType, cacheControl, cacheExpiry } = object.httpMetadata ?? {};
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
