/**
 * @module The two request headers a reader of static objects may look at, as pure functions: `If-None-Match` (with
 * `If-Range`) and `Range`. RFC 9110 §13 and §14.
 */

/** Bytes `offset` .. `offset + length - 1` of an object. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * Evaluates `If-None-Match` by weak comparison. A CDN that compresses on the fly turns our strong `"x"` into `W/"x"`,
 * and phones send that back.
 *
 * @param header value of `If-None-Match`, or null when absent
 * @param etag the object's strong entity tag, quotes included
 * @returns true when the answer must be 304
 * @see RFC 9110 §13.1.2, §8.8.3.2
 */
export function matchesEntityTag(header: string | null, etag: string): boolean {
  if (header === null) return false;
  if (header.trim() === '*') return true;
  // An entity tag may hold commas, so the list is read tag by tag and not split.
  return (header.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => tag.replace(/^W\//, '') === etag);
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
