/**
 * @module The `index` Worker: what phones read (design.md §6). It decides on the method, the query and the shape of the
 * path, and hands what is left to R2. Nothing of the client is read, kept or passed on.
 */
import { Hono } from 'hono';
import type { Clock } from '../../domain/clock.ts';
import { ConfigError, parsedOnce } from '../shared/env.ts';
import { logLine } from '../shared/log.ts';
import { readError } from '../shared/read-error.ts';
import { serveObject } from '../shared/serve-object.ts';
import { type IndexEnv, parseIndexConfig } from './bindings.ts';
import { cannotExist } from './not-yet.ts';

const configOf = parsedOnce(parseIndexConfig);

/**
 * Builds the Worker.
 *
 * @param options.clock gives the time for `Date` and for the age an object has left
 * @returns an app whose `fetch` takes a request and the bindings of `[env.index]`
 * @throws Error from the first request on when a binding is missing or absurd (answered with 500, `no-store`)
 */
export function createApp({ clock }: { readonly clock: Clock }): Hono<{ Bindings: IndexEnv }> {
  const app = new Hono<{ Bindings: IndexEnv }>();

  app.all('*', async (context) => {
    const request = context.req.raw;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return readError(405, 'Only GET and HEAD are known here.', { allow: 'GET, HEAD' });
    }
    // Not `search`, which is empty for a bare "?": each spelling would be a cache entry of its own.
    if (request.url.includes('?')) return readError(400, 'Query strings are refused.');
    const { objectKey, bucket } = configOf(context.env);
    const key = objectKey(new URL(request.url).pathname);
    if (key === null) return readError(404, 'No object has a path of this shape.');
    const now = Math.floor(await clock());
    if (cannotExist(key, now)) return readError(404, 'There is no such object, or not yet.');
    return await serveObject(request, key, bucket, now);
  });

  app.onError((error) => {
    logLine(error instanceof ConfigError ? `index is not set up: ${error.message}` : 'index failed');
    return readError(500, 'The service is not set up, or failed.');
  });

  return app;
}
