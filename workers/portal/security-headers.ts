/**
 * @module Headers of every answer of the portal (docs/spec/europe.md §9.2 j): nothing inline, nothing framed, nothing from
 * elsewhere, no CORS. `no-referrer` makes browsers send `Origin: null` with a form, so forms are checked by Sec-Fetch-Site.
 */
import type { MiddlewareHandler } from 'hono';

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Header → value. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
};

/** @param more directives that a page's script needs beside the others @returns the same answer, with them */
export async function withPolicyFor(answer: Response | Promise<Response>, more: string): Promise<Response> {
  const given = await answer;
  given.headers.set('content-security-policy', `${POLICY}; ${more}`);
  return given;
}

/** @returns middleware that sets them; a route that needs another policy (the risk explorer) has set it before */
export const securityHeaders = (): MiddlewareHandler => async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  }
};
