/**
 * @module Answers of one size (docs/architecture.md §4.6): the same header names with values of the same length, the same body
 * length, and a pad header that makes up for the reason phrase of HTTP/1.1's status line (docs/spec/platform.md §4a: 57 to 72
 * bytes for one set of headers).
 */

/** The phrases that workerd writes (RFC 9110 §15), for every status a levelled answer may have. */
const REASON_PHRASES = {
  200: 'OK',
  201: 'Created',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  412: 'Precondition Failed',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const;

/** A status that a levelled answer may have. */
export type LevelStatus = keyof typeof REASON_PHRASES;

/** Name of the pad header. */
export const PAD_HEADER = 'x-padding';

/**
 * A body that is sent as it stands. Cloudflare encodes JSON anew for whoever accepts it, 200, 403 and 404 but not 201 or 400,
 * and leaves an answer alone that says `no-transform` (docs/spec/platform.md §1.5); RFC 9110 §7.7 binds every other proxy to it.
 * The local edge's front knows no `no-transform`, and leaves alone what names its encoding.
 */
export const AS_IT_STANDS = { 'cache-control': 'no-store, no-transform', 'content-encoding': 'identity' } as const;

const LONGEST_PHRASE = Math.max(...Object.values(REASON_PHRASES).map((phrase) => phrase.length));

/**
 * @param status HTTP status
 * @param statusLineHasPhrase false for HTTP/2 and 3, whose status is a number alone: the pad is then constant
 * @returns the value of the pad header, never empty
 */
export function padFor(status: LevelStatus, statusLineHasPhrase: boolean): string {
  const missing = statusLineHasPhrase ? LONGEST_PHRASE - REASON_PHRASES[status].length : 0;
  return '0'.repeat(1 + missing);
}

/**
 * An answer, without a body or with one that is as long as every other, never cached or encoded anew, of the same size as every other one with the same `headers`.
 *
 * @param status HTTP status
 * @param statusLineHasPhrase see {@link padFor}
 * @param headers further headers; the caller keeps their lengths equal over all its answers
 * @param body the same for it
 * @returns the answer
 */
export function levelAnswer(
  status: LevelStatus,
  statusLineHasPhrase: boolean,
  headers: Readonly<Record<string, string>> = {},
  body: Uint8Array<ArrayBuffer> | null = null,
): Response {
  return new Response(body, {
    status,
    headers: { ...headers, ...AS_IT_STANDS, [PAD_HEADER]: padFor(status, statusLineHasPhrase) },
  });
}
