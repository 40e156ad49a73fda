/**
 * @module The app of the two Workers that only read, `index` and `config` (docs/architecture.md §6): it decides on
 * the method, the query and the shape of the path, and hands what is left to R2. Nothing of the client is read, kept or
 * passed on.
 */
import { Hono } from 'hono';
import type { Clock } from '../../domain/clock.ts';
import { ConfigError } from './env.ts';
import { logLine } from './log.ts';
import { readError } from './read-error.ts';
import type { ReadOnlyBucket } from './read-only-bucket.ts';
import { serveObject, type StaticObject } from './serve-object.ts';

/** What such a Worker reads of its environment. */
interface StaticReaderConfig {
  readonly bucket: ReadOnlyBucket;
  /** From a URL's path to the key of an object, or to null when no object can have that path. */
  readonly objectKey: (pathname: string) => string | null;
  /** Asked for paths that are no such object's. @returns what another bucket has there, or null when none can have that path */
  readonly elsewhere?: (pathname: string) => StaticObject | null;
}

export interface StaticReaderOptions<E extends object> {
  /** For the log: `index`. */
  readonly name: string;
  /** Gives the time for `Date` and for the age an object has left. */
  readonly clock: Clock;
  /** Parses the environment; what it throws is answered with 500, `no-store`. */
  readonly configOf: (env: E) => StaticReaderConfig;
  /** True for keys that are known to hold nothing at a time (Unix seconds): they cost no read of R2. */
  readonly cannotExist?: (key: string, now: number) => boolean;
  /** Asked when nothing lies under a key. @returns the key of what is served in its place, or null */
  readonly insteadOf?: (key: string, bucket: ReadOnlyBucket) => Promise<string | null>;
}

/**
 * @param options see {@link StaticReaderOptions}
 * @returns an app whose `fetch` takes a request and the Worker's bindings
 */
export function createStaticReader<E extends object>(options: StaticReaderOptions<E>): Hono<{ Bindings: E }> {
  const { name, clock, configOf, cannotExist = () => false, insteadOf = async () => null } = options;
  const app = new Hono<{ Bindings: E }>();

  app.all('*', async (context) => {
    const request = context.req.raw;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return readError(405, 'Only GET and HEAD are known here.', { allow: 'GET, HEAD' });
    }
    // Not `search`, which is empty for a bare "?": each spelling would be a cache entry of its own.
    if (request.url.includes('?')) return readError(400, 'Query strings are refused.');
    const { objectKey, bucket, elsewhere } = configOf(context.env);
    const { pathname } = new URL(request.url);
    const key = objectKey(pathname);
    const now = Math.floor(await clock());
    if (key === null) {
      const found = elsewhere?.(pathname) ?? null;
      if (found === null) return readError(404, 'No object has a path of this shape.');
      return serveObject(request, found, now);
    }
    if (cannotExist(key, now)) return readError(404, 'There is no such object, or not yet.');
    const answer = await serveObject(request, { key, bucket }, now);
    const other = answer.status === 404 ? await insteadOf(key, bucket) : null;
    return other === null ? answer : await serveObject(request, { key: other, bucket }, now);
  });

  app.onError((error) => {
    logLine(error instanceof ConfigError ? `${name} is not set up: ${error.message}` : `${name} failed`);
    return readError(500, 'The service is not set up, or failed.');
  });

  return app;
}
