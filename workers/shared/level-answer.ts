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
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
} as const;

/** A status that a levelled answer may have. */
export type LevelStatus = keyof typeof REASON_PHRASES;

/** Name of the pad header. */
export const PAD_HEADER = 'x-padding';
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
 * An answer without a body, never cached, of the same size as every other one with the same `headers`.
 *
 * @param status HTTP status
 * @param statusLineHasPhrase see {@link padFor}
 * @param headers further headers; the caller keeps their lengths equal over all its answers
 * @returns the answer
 */
export function levelAnswer(
  status: LevelStatus,
  statusLineHasPhrase: boolean,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(null, {
    status,
    headers: { ...headers, 'cache-control': 'no-store', [PAD_HEADER]: padFor(status, statusLineHasPhrase) },
  });
}
