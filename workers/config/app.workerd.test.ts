/** @module `config` in workerd with real R2. */
import { env, exports } from 'cloudflare:workers';
import { beforeEach, describe, it } from 'vitest';
import { configDocumentPath, configHeadPath, documentName } from '../../protocol/parameters/config-head.ts';
import { cwaConfigCountryPath, cwaConfigPaths } from '../../protocol/parameters/cwa-config.ts';
import type { ReadOnlyBucket } from '../shared/read-only-bucket.ts';
import { createApp } from './app.ts';

const { PUBLIC } = env as unknown as { PUBLIC: R2Bucket };
const deployed = (exports as unknown as { default: Fetcher }).default;
const NOW = 1_781_481_600;
const DOCUMENT = configDocumentPath(documentName('{}'));

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

function get(path: string, init?: RequestInit): Promise<Response> {
  const app = createApp({ clock: () => NOW });
  const request = new Request(`https://config.example${path}`, init);
  return Promise.resolve(app.fetch(request, { PUBLIC: counting, HOME_COUNTRY: 'DE' }));
}

beforeEach(async () => {
  reads = [];
  const meta = (contentType: string, age: number) => ({
    httpMetadata: { contentType, cacheControl: `public, max-age=${age}` },
  });
  for (const path of cwaConfigPaths('DE')) await PUBLIC.put(path, `zip ${path}`, meta('application/zip', 300));
  await PUBLIC.put(cwaConfigCountryPath(), '["DE"]', meta('application/json', 300));
  await PUBLIC.put(configHeadPath(), '{"head":1}', meta('application/json', 300));
  await PUBLIC.put(DOCUMENT, '{}', meta('application/json', 31_536_000));
});

describe('what phones fetch', () => {
  it.for(['abc', '"', 'W/', 'W/abc', '"a" "b"', ''])(
    'by If-None-Match, If-Range or Range: %j is the object',
    async (value, { expect }) => {
      for (const path of [...cwaConfigPaths('DE'), cwaConfigCountryPath(), configHeadPath(), DOCUMENT]) {
        for (const name of ['if-none-match', 'if-range', 'range']) {
          for (const method of ['GET', 'HEAD']) {
            expect((await get(`/${path}`, { method, headers: { [name]: value } })).status).toBe(200);
          }
        }
      }
    },
  );

  it.for([...cwaConfigPaths('DE'), cwaConfigCountryPath(), configHeadPath(), DOCUMENT])(
    '/%s: one ETag, a Date, max-age above 0, 304',
    async (path, { expect }) => {
      const response = await get(`/${path}`);
      expect(response.status).toBe(200);
      const etag = response.headers.get('etag');
      // Exactly one: CWA's apps discard an answer with none or with two (docs/spec/gaen.md §10).
      expect(etag).toMatch(/^"[^",]+"$/);
      expect(response.headers.get('date')).toBe(new Date(NOW * 1000).toUTCString());
      expect(response.headers.get('cache-control')).toMatch(/max-age=[1-9]/);
      expect(response.headers.get('content-type')).toMatch(/^application\/(zip|json)$/);
      await response.text();
      const again = await get(`/${path}`, { headers: { 'if-none-match': etag! } });
      expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
    },
  );
});

describe('what it refuses without touching R2', () => {
  it.for([
    '/',
    '/v1/config',
    '/v1/config/head.json/',
    '/v1/config/documents/short.json',
    `/${DOCUMENT.replace('.json', '.zip')}`,
    '/v1/config/documents/..%2f..%2fhead.json',
    '/version/v1/configuration/country/FR/app_config',
    '/version/v1/app_config',
    '/version/v3/app_config_ios',
    '/version/v1/diagnosis-keys/country',
    '/v1/DE/manifest.json',
  ])('%s', async (path, { expect }) => {
    const response = await get(path);
    expect([response.status, response.headers.get('cache-control'), reads]).toEqual([404, 'no-store', []]);
  });

  it('query strings and other methods', async ({ expect }) => {
    expect((await get(`/${configHeadPath()}?x=1`)).status).toBe(400);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const response = await get(`/${configHeadPath()}`, { method });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    }
    expect(reads).toEqual([]);
  });
});

describe('before anything is published, and as deployed', () => {
  it('says 404 that nobody caches', async ({ expect }) => {
    await PUBLIC.delete(configHeadPath());
    const response = await get(`/${configHeadPath()}`);
    expect([response.status, response.headers.get('cache-control')]).toEqual([404, 'no-store']);
  });

  it('serves with the bindings of wrangler.toml', async ({ expect }) => {
    const response = await deployed.fetch(`https://config.example/${configHeadPath()}`);
    expect([response.status, await response.text()]).toEqual([200, '{"head":1}']);
  });

  it('answers 500 and nothing of its environment when it is not set up', async ({ expect }) => {
    const app = createApp({ clock: () => NOW });
    const request = new Request(`https://config.example/${configHeadPath()}`);
    const response = await app.fetch(request, { PUBLIC: counting, HOME_COUNTRY: 'Germany' });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('Germany');
  });
});
