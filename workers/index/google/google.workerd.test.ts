/** @module Google's view through the deployed reader: one read an object, headers as they were put, and none for what nobody makes. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { GOOGLE_INDEX_META } from '../../../domain/publication/head.ts';
import { googleFilePath, googleIndexPath } from '../../../protocol/index/google-index.ts';
import type { ReadOnlyBucket } from '../../shared/read-only-bucket.ts';
import { createApp } from '../app.ts';

const { PUBLIC, DIRECTORY } = env as unknown as { PUBLIC: R2Bucket; DIRECTORY: R2Bucket };
const MIDNIGHT = Date.UTC(2026, 10, 25) / 1000;
const NOW = MIDNIGHT + 12.5 * 3600;
const LIST = googleIndexPath('DE');
const FILE = googleFilePath('DE', { start: MIDNIGHT + 8 * 3600, end: MIDNIGHT + 12 * 3600, n: 1 });
const { contentType, cacheControl } = GOOGLE_INDEX_META;

let reads: string[] = [];
const counting: ReadOnlyBucket = {
  get: (key, options) => {
    reads.push(key);
    return PUBLIC.get(key, options);
  },
  head: (key) => {
    reads.push(key);
    return PUBLIC.head(key);
  },
};

async function get(path: string, init?: RequestInit): Promise<Response> {
  reads = [];
  const bindings = { PUBLIC: counting, DIRECTORY, REGIONS: 'DE,EUR' };
  return createApp({ clock: () => NOW }).fetch(new Request(`https://keys.example/${path}`, init), bindings);
}

beforeEach(async () => {
  await PUBLIC.put(LIST, FILE.slice('v1/DE/'.length), { httpMetadata: { contentType, cacheControl } });
  await PUBLIC.put(FILE, 'zip', {
    httpMetadata: {
      contentType: 'application/zip',
      cacheControl: 'public, max-age=86400',
      cacheExpiry: new Date((MIDNIGHT + 28 * 3600) * 1000),
    },
  });
});
afterEach(async () => {
  await PUBLIC.delete([LIST, FILE]);
});

describe('Google’s view', () => {
  it('is a list that a cache may serve stale while it asks, and answers 304 by its strong ETag', async ({ expect }) => {
    const list = await get(LIST);
    expect([list.status, list.headers.get('content-type'), list.headers.get('cache-control')]).toEqual([
      200,
      'text/plain',
      'public, max-age=60, stale-while-revalidate=600',
    ]);
    const etag = list.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[^"]+"$/);
    expect(reads).toEqual([LIST]);
    expect(await list.text()).toBe(`exposure-keys/${FILE.split('/').at(-1)}`);
    expect((await get(LIST, { headers: { 'if-none-match': etag } })).status).toBe(304);
    // What nobody has published yet is there, and empty.
    await PUBLIC.put(LIST, new Uint8Array(0), { httpMetadata: { contentType, cacheControl } });
    const empty = await get(LIST);
    expect([empty.status, empty.headers.get('content-length'), await empty.text()]).toEqual([200, '0', '']);
  });

  it('is a file at the address that its line gives, no copy of which outlives the next cut’s grace', async ({
    expect,
  }) => {
    const file = await get(FILE);
    expect([file.status, (await file.arrayBuffer()).byteLength, reads]).toEqual([200, 3, [FILE]]);
    expect(file.headers.get('cache-control')).toBe('public, max-age=55800, must-revalidate');
  });

  it.for([
    ['a query', `${LIST}?v=1`, 400],
    ['the running window', googleFilePath('DE', { start: MIDNIGHT + 12 * 3600, end: MIDNIGHT + 16 * 3600, n: 1 }), 404],
    ['an hour', googleFilePath('DE', { start: MIDNIGHT, end: MIDNIGHT + 3600, n: 1 }), 404],
    ['a number that no window has', FILE.replace('00001', '01000'), 404],
    ['a region that isn’t published', LIST.replace('DE', 'FR'), 404],
    ['another name', LIST.replace('index.txt', 'index.html'), 404],
  ] as const)('%s costs no read of R2', async ([, path, status], { expect }) => {
    expect([(await get(path)).status, reads]).toEqual([status, []]);
  });
});
