/**
 * @module The `federation` Worker's routes (docs/spec/europe.md §2.1, §2.2): what other backends read of ours, over mTLS, on a host name of their own, and by which they say that they have something. Who is calling comes from the verified client
 * certificate alone, and by it what they may read. Of who read what, keys that a peer was given are counted by hour; requests are, of all together.
 */
import { Hono } from 'hono';
import type { Clock } from '../../domain/clock.ts';
import { feedKey, JWKS_KEY, JWKS_PATH, parseFeedPath } from '../../protocol/feed/names.ts';
import { SIGNATURE_HEADER } from '../../protocol/feed/signature.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { ConfigError, parsedOnce } from '../shared/env.ts';
import { createHourlyCounts } from '../shared/hourly-counts.ts';
import { logLine } from '../shared/log.ts';
import { problem } from '../shared/problem.ts';
import { readError } from '../shared/read-error.ts';
import type { ReadOnlyBucket } from '../shared/read-only-bucket.ts';
import { serveObject } from '../shared/serve-object.ts';
import { type FederationEnv, parseBindings } from './bindings.ts';
import { switchesOf } from './desks.ts';
import { gatewayCalls, type Heard, isGatewayPath, isHintPath, peerCalls } from './hints.ts';
import type { HeadMemory } from '../shared/directory-reader.ts';
import { directoryPeers, type Peer } from './peers.ts';

/** A peer that finds the directory in disorder comes back after this. */
const RETRY_AFTER_SECONDS = '60';

export interface FederationAppOptions {
  readonly clock: Clock;
  /** @returns SHA-256 of the verified client certificate, or null: in production `platformFingerprint`; the local edge hands in its own */
  readonly fingerprint: (request: Request) => string | null;
}

/** Builds the Worker. */
export function createApp({ clock, fingerprint }: FederationAppOptions): Hono<{ Bindings: FederationEnv }> {
  const counts = createHourlyCounts(logLine);
  const configOf = parsedOnce((env: FederationEnv) => {
    const config = parseBindings(env);
    // A stub is a request's own, what is kept here is all requests'.
    const memory: HeadMemory = {
      directoryHead: (log) => switchesOf(env).directoryHead(log),
      keepDirectoryHead: (log, from, to) => switchesOf(env).keepDirectoryHead(log, from, to),
    };
    return { ...config, peers: directoryPeers({ ...config, bucket: config.directory, memory }) };
  });
  const app = new Hono<{ Bindings: FederationEnv }>();

  app.all('*', async (c) => {
    const request = c.req.raw;
    const config = configOf(c.env);
    const now = Math.floor(await clock());
    const hour = hourOf(now);
    counts.report(hour);
    const shown = fingerprint(request);
    if (shown === null) return problem(401, 'Unauthorized', 'A verified client certificate is needed.');
    const { pathname } = new URL(request.url);
    const heard = ({ answer, taken }: Heard): Response => {
      counts.count(taken ? 'feed_hint' : 'feed_hint_refused', hour);
      return answer;
    };
    if (isGatewayPath(pathname)) return heard(await gatewayCalls(request, shown, c.env));
    const found = await config.peers.byFingerprint(shown, now);
    if (found.kind === 'refused') {
      counts.count('directory_refused', hour);
      return readError(503, 'The directory of peers can’t be relied on.', { 'retry-after': RETRY_AFTER_SECONDS });
    }
    if (found.kind === 'stranger') {
      counts.count('feed_stranger', hour);
      return problem(403, 'Forbidden', 'This certificate is no peer’s, or was revoked, or has expired.');
    }
    if (isHintPath(pathname)) return heard(await peerCalls(request, found.peer.region, c.env));
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return readError(405, 'Only GET and HEAD are known here.', { allow: 'GET, HEAD' });
    }
    if (request.url.includes('?')) return readError(400, 'Query strings are refused.');
    // The kill switch, asked at each request.
    if (await switchesOf(c.env).isReaderStopped(found.peer.region)) {
      counts.count('feed_stopped', hour);
      return problem(403, 'Forbidden', 'This peer reads nothing at the moment.');
    }
    const key = objectOf(pathname, found.peer);
    if (key === null) return readError(404, 'No object has a path of this shape.');
    if (key === 'foreign') {
      counts.count('feed_foreign', hour);
      return problem(403, 'Forbidden', 'This feed is another region’s.');
    }
    counts.count('feed_read', hour);
    const signed = withSignature(config.feeds);
    const answer = await serveObject(request, { key, bucket: signed.bucket }, now);
    const signature = signed.signature();
    if (signature !== null && answer.status < 400) answer.headers.set(SIGNATURE_HEADER, signature);
    const keys = signed.keys();
    // A part is counted as the whole: in two halves a batch would be given to nobody.
    if ((answer.status === 200 || answer.status === 206) && request.method === 'GET' && keys > 0) {
      await switchesOf(c.env).countGiven(found.peer.region, keys);
    }
    return answer;
  });

  app.onError((error) => {
    logLine(error instanceof ConfigError ? `federation is not set up: ${error.message}` : 'federation failed');
    return readError(500, 'The service is not set up, or failed.');
  });
  return app;
}

/** @returns the object behind a path; foreign: a feed that the peer may not read; null: there is none */
function objectOf(pathname: string, { feeds }: Peer): string | null {
  if (pathname === JWKS_PATH) return JWKS_KEY;
  const path = parseFeedPath(pathname);
  if (path === null) return null;
  const feed = path.feed ?? feeds[0];
  if (feed === undefined || !feeds.includes(feed)) return 'foreign';
  return feedKey(feed, path.view, path.batch);
}

/** @returns the bucket; the signature that lies beside the object that was read last, and how many keys are in it */
function withSignature(bucket: ReadOnlyBucket) {
  let signature: string | null = null;
  let keys = 0;
  const noted = <T extends R2Object | null>(object: T): T => {
    signature = object?.customMetadata?.['signature'] ?? null;
    keys = Number(object?.customMetadata?.['keys'] ?? 0);
    return object;
  };
  const noting: ReadOnlyBucket = {
    get: async (key, options) => noted(await bucket.get(key, options)),
    head: async (key) => noted(await bucket.head(key)),
  };
  return { bucket: noting, signature: () => signature, keys: () => keys };
}
