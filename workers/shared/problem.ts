/**
 * @module Errors as RFC 9457 problem documents, for the routes of operators, staff and readers. Texts are fixed: input is
 * never reflected, no exception's message reaches a client, no cache keeps them.
 */

/** Media type of RFC 9457 §3. */
const PROBLEM_TYPE = 'application/problem+json';

/**
 * @param status HTTP status
 * @param title what is wrong, a fixed text
 * @param detail what to do about it, a fixed text
 * @returns the answer: never cached, never sniffed
 */
export function problem(status: number, title: string, detail?: string): Response {
  return new Response(JSON.stringify({ type: 'about:blank', title, status, ...(detail !== undefined && { detail }) }), {
    status,
    headers: { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
  });
}
