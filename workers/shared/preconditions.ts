/**
 * @module The conditional and range headers that a reader of static objects looks at, as pure functions: `If-None-Match`,
 * `If-Range` and `Range` (RFC 9110 §13 and §14). One evaluator for GET, HEAD and parts: R2's own refuses what it can't
 * parse by an error, and a header that a client or a proxy got wrong is no reason to withhold an object. What is malformed
 * is as if it weren't there.
 */

/** Bytes `offset` .. `offset + length - 1` of an object. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** What a request says besides its path; null where a header is absent. Every other header is nobody's business. */
export interface Conditions {
  readonly method: 'GET' | 'HEAD';
  readonly ifNoneMatch: string | null;
  readonly ifRange: string | null;
  readonly range: string | null;
}

/** What of an object is to be sent. */
export type Selection =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly range: ByteRange }
  | { readonly kind: 'not-modified' }
  | { readonly kind: 'unsatisfiable' };

/**
 * Decides what is sent of an object, in the order of RFC 9110 §13.2.2: `If-None-Match`, then `If-Range`, then `Range`, which
 * means something with GET alone (§14.2).
 *
 * @param conditions headers of the request, of any content
 * @param object its strong entity tag, quotes included, and its size in bytes
 * @returns see {@link Selection}
 */
export function select(
  { method, ifNoneMatch, ifRange, range }: Conditions,
  object: { readonly etag: string; readonly size: number },
): Selection {
  if (matchesEntityTag(ifNoneMatch, object.etag)) return { kind: 'not-modified' };
  if (method === 'HEAD' || range === null || !rangeApplies(ifRange, object.etag)) return { kind: 'whole' };
  const part = parseRange(range, object.size);
  if (part === 'ignore') return { kind: 'whole' };
  return part === 'unsatisfiable' ? { kind: part } : { kind: 'part', range: part };
}

/**
 * Reads an `If-None-Match` of one tag, as nearly every client sends it, so that R2 need not begin a body for a 304.
 *
 * @param header value of `If-None-Match`, or null when absent
 * @returns the tag's text without quotes if it is one that R2 gives (hex, a part count for large objects), else null
 */
export function onlyTag(header: string | null): string | null {
  return /^\s*(?:W\/)?"([0-9a-f]{32}(?:-\d{1,5})?)"\s*$/.exec(header ?? '')?.[1] ?? null;
}

/**
 * Evaluates `If-None-Match` by weak comparison. A CDN that compresses on the fly turns our strong `"x"` into `W/"x"`,
 * and phones send that back.
 *
 * @param header value of `If-None-Match`, or null when absent
 * @param etag the object's strong entity tag, quotes included
 * @returns true when the answer must be 304; false for what is no list of tags
 * @see RFC 9110 §13.1.2, §8.8.3.2
 */
export function matchesEntityTag(header: string | null, etag: string): boolean {
  if (header === null) return false;
  if (header.trim() === '*') return true;
  // An entity tag may hold commas, so the list is read tag by tag and not split.
  const tag = /(?:W\/)?"[^"]*"/g;
  if (/[^\s,]/.test(header.replaceAll(tag, ''))) return false;
  return (header.match(tag) ?? []).some((one) => one.replace(/^W\//, '') === etag);
}

/**
 * Tells whether a `Range` may be honoured in the presence of `If-Range`: only the very same strong tag lets a client
 * join the part to what it has. A date never matches, since we send no `Last-Modified`.
 *
 * @param header value of `If-Range`, or null when absent
 * @param etag the object's strong entity tag, quotes included
 * @returns false when the whole object must be sent
 * @see RFC 9110 §13.1.5
 */
export function rangeApplies(header: string | null, etag: string): boolean {
  return header === null || header.trim() === etag;
}

/**
 * Reads a `Range` header against the size of the object. More than one range, another unit and anything malformed are
 * ignored, as the RFC allows: the client gets the whole object.
 *
 * @param header value of `Range`
 * @param size bytes in the object
 * @returns the range, `'unsatisfiable'` (416), or `'ignore'` (200 with everything)
 * @see RFC 9110 §14.1.2, §14.2
 */
export function parseRange(header: string, size: number): ByteRange | 'unsatisfiable' | 'ignore' {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header.trim());
  if (match === null) return 'ignore';
  const [, first = '', last = ''] = match;
  if (first === '') {
    if (last === '') return 'ignore';
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { offset: size - length, length };
  }
  const offset = Number(first);
  if (last !== '' && Number(last) < offset) return 'ignore';
  if (offset >= size) return 'unsatisfiable';
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return { offset, length: end - offset + 1 };
}
