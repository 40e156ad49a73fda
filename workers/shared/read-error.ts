/**
 * @module What the readers of static objects answer when there is no object to send. No cache may keep it: without
 * `no-store` Workers Cache holds a 404 for three minutes (docs/spec/platform.md §1.4), which would hide an hour that has just
 * been sealed.
 */
import { problem } from './problem.ts';

const TITLES = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  416: 'Range Not Satisfiable',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const;

/** Statuses that readers answer with besides 200, 206 and 304; 403 where a certificate says who is asking. */
export type ReadErrorStatus = keyof typeof TITLES;

/**
 * @param status HTTP status
 * @param detail the rule that was broken, a constant of ours (never the client's own text)
 * @param headers more headers, such as `allow`
 * @returns a small problem document (RFC 9457) that is never stored and never sniffed
 */
export function readError(
  status: ReadErrorStatus,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const response = problem(status, TITLES[status], detail);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
