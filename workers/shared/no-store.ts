/**
 * @module Nothing dynamic is ever cached (docs/spec/platform.md §1.4: without a header Workers Cache keeps a 404 three minutes).
 */
import type { MiddlewareHandler } from 'hono';

/** @returns middleware that marks every answer `no-store` unless a handler decided otherwise */
export const noStore = (): MiddlewareHandler => async (c, next) => {
  await next();
  if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
};
