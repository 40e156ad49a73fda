/**
 * @module Small RFC 9457 problem bodies. They name the rule and never repeat anything the client sent, and no cache may
 * keep them: without `no-store` Workers Cache holds a 404 for three minutes (spec/platform.md §1.4), which would hide
 * an hour that has just been sealed.
 */

/** Statuses that the static readers answer with besides 200, 206 and 304. */
export type ProblemStatus = 400 | 404 | 405 | 416 | 500 | 503;

const TITLES: Readonly<Record<ProblemStatus, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  416: 'Range Not Satisfiable',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/**
 * Builds an error answer that is never stored and never sniffed.
 *
 * @param status the HTTP status
 * @param detail the rule that was broken, a constant of ours (never the client's own text)
 * @param headers more headers, such as `allow`
 * @returns `application/problem+json` with `cache-control: no-store`
 * @see RFC 9457 §3.1
 */
export function problem(
  status: ProblemStatus,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = JSON.stringify({ type: 'about:blank', title: TITLES[status], status, detail });
  return new Response(body, {
    status,
    headers: {
      ...headers,
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  });
}
