/** @module `index` in workerd with real R2, and a bucket in between that counts what is asked of it. */
import { env, exports } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, it } from 'vitest';
import type { ReadOnlyBucket } from '../shared/read-only-bucket.ts';
import { createApp } from './app.ts';
import { parseIndexConfig } from './bindings.ts';

const { PUBLIC, DIRECTORY } = env as unknown as { PUBLIC: R2Bucket; DIRECTORY: R2Bucket };
const deployed = (exports as unknown as { default: Fetcher }).default;
const NOW = Date.UTC(2026, 10, 25, 12, 0, 0) / 1000;
const NAME = '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU';
const CHUNK = `v1/DE/chunks/${NAME}.zip`;
const HEAD = 'v1/DE/manifest.json';
const IMMUTABLE = 'public, max-age=1209600, immutable';
/** Fourteen days after `NOW`. */
const EXPIRES = 'Wed, 09 Dec 2026 12:00:00 GMT';
const BODY = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

/** Calls that reached the bucket, in order. */
let reads: string[] = [];
const counting: ReadOnlyBucket = {
  get: (key, options) => {
    reads.push(`get ${key}`);
    return PUBLIC.get(key, options);
  },
  head: (key) => {
    reads.push(`head ${key}`);
    return PUBLIC.head(key);
  },
};

function fetchWith(bucket: ReadOnlyBucket, path: string, init?: RequestInit, now = NOW): Promise<Response> {
  const app = createApp({ clock: () => now });
  return Promise.resolve(
    app.fetch(new Request(`https://keys.example${path}`, init), { PUBLIC: bucket, DIRECTORY, REGIONS: 'DE,EUR' }),
  );
}
const get = (path: string, init?: RequestInit, now?: number): Promise<Response> => fetchWith(counting, path, init, now);
const bytes = async (response: Response): Promise<Uint8Array> => new Uint8Array(await response.arrayBuffer());

let etag = '';
beforeEach(async () => {
  await PUBLIC.put(HEAD, '{"type":"manifest"}', {
    httpMetadata: { contentType: 'application/json', cacheControl: 'public, max-age=60, stale-while-revalidate=60' },
  });
  const chunk = await PUBLIC.put(CHUNK, BODY, {
    httpMetadata: { contentType: 'application/zip', cacheControl: IMMUTABLE },
  });
  etag = chunk.httpEtag;
  reads = [];
});
afterEach(async () => {
  const { objects } = await PUBLIC.list();
  await PUBLIC.delete(objects.map(({ key }) => key));
});

describe('an object', () => {
  it('is sent with its own headers, one strong ETag, Date and length', async ({ expect }) => {
    const response = await get(`/${CHUNK}`);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toEqual({
      'accept-ranges': 'bytes',
      'cache-control': IMMUTABLE,
      'content-length': '1000',
      'content-type': 'application/zip',
      date: 'Wed, 25 Nov 2026 12:00:00 GMT',
      etag,
      expires: EXPIRES,
      'x-content-type-options': 'nosniff',
    });
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect(await bytes(response)).toEqual(BODY);
    expect(reads).toEqual([`get ${CHUNK}`]);
  });

  it('is described by HEAD without being read', async ({ expect }) => {
    const response = await get(`/${CHUNK}`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('etag')).toBe(etag);
    expect(response.headers.get('content-length')).toBe('1000');
    expect(await response.text()).toBe('');
    expect(reads).toEqual([`head ${CHUNK}`]);
  });

  it('that lies there without headers of its own is not cached', async ({ expect }) => {
    await PUBLIC.put(HEAD, 'x');
    const response = await get(`/${HEAD}`);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
  });

  it('is served by the deployed entry file with the bindings of wrangler.toml', async ({ expect }) => {
    const response = await deployed.fetch(`https://keys.example/${HEAD}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ type: 'manifest' });
    expect(Math.abs(Date.parse(response.headers.get('date') ?? '') - Date.now())).toBeLessThan(10_000);
  });
});

describe('If-None-Match', () => {
  it.for([
    ['the same tag', (): string => etag],
    ['a weakened tag', (): string => `W/${etag}`],
    ['a list', (): string => `"x", ${etag}`],
    ['any', (): string => '*'],
  ] as const)('%s: 304 for GET and HEAD, with ETag and Cache-Control', async ([, header], { expect }) => {
    for (const method of ['GET', 'HEAD']) {
      const response = await get(`/${CHUNK}`, { method, headers: { 'if-none-match': header() } });
      expect(response.status).toBe(304);
      expect(response.headers.get('etag')).toBe(etag);
      expect(response.headers.get('cache-control')).toBe(IMMUTABLE);
      expect(response.headers.get('content-type')).toBeNull();
      expect(await response.text()).toBe('');
    }
    expect(reads).toHaveLength(2);
  });

  it('another tag: the object', async ({ expect }) => {
    const response = await get(`/${CHUNK}`, { headers: { 'if-none-match': '"other"' } });
    expect(response.status).toBe(200);
    expect((await bytes(response)).length).toBe(1000);
  });

  it('comes before Range', async ({ expect }) => {
    const response = await get(`/${CHUNK}`, { headers: { 'if-none-match': etag, range: 'bytes=0-1' } });
    expect(response.status).toBe(304);
  });
});

describe('Range', () => {
  it.for([
    ['bytes=0-9', 0, 10],
    ['bytes=990-', 990, 1000],
    ['bytes=-5', 995, 1000],
    ['bytes=995-5000', 995, 1000],
  ] as const)('%s: 206', async ([range, from, to], { expect }) => {
    const response = await get(`/${CHUNK}`, { headers: { range } });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/1000`);
    expect(response.headers.get('content-length')).toBe(String(to - from));
    expect(response.headers.get('etag')).toBe(etag);
    expect(await bytes(response)).toEqual(BODY.slice(from, to));
  });

  it('behind the end: 416 with the size, not stored', async ({ expect }) => {
    const response = await get(`/${CHUNK}`, { headers: { range: 'bytes=1000-' } });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe('bytes */1000');
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('several parts or nonsense: everything', async ({ expect }) => {
    for (const range of ['bytes=0-1,5-6', 'lines=1-2']) {
      expect((await get(`/${CHUNK}`, { headers: { range } })).status).toBe(200);
    }
  });

  it('If-Range with the tag: the part; with another: everything', async ({ expect }) => {
    expect((await get(`/${CHUNK}`, { headers: { range: 'bytes=0-1', 'if-range': etag } })).status).toBe(206);
    expect((await get(`/${CHUNK}`, { headers: { range: 'bytes=0-1', 'if-range': '"old"' } })).status).toBe(200);
  });

  it('of an object that is replaced between the two reads: the new one, whole', async ({ expect }) => {
    const replacing: ReadOnlyBucket = {
      get: (key, options) => PUBLIC.get(key, options),
      head: async (key) => {
        const head = await PUBLIC.head(key);
        await PUBLIC.put(key, 'new', { httpMetadata: { cacheControl: IMMUTABLE } });
        return head;
      },
    };
    const response = await fetchWith(replacing, `/${CHUNK}`, { headers: { range: 'bytes=0-1' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('etag')).not.toBe(etag);
    expect(await response.text()).toBe('new');
  });
});

describe('cacheExpiry', () => {
  const put = (secondsLeft: number, cacheControl: string): Promise<R2Object> =>
    PUBLIC.put(CHUNK, BODY, { httpMetadata: { cacheControl, cacheExpiry: new Date((NOW + secondsLeft) * 1000) } });

  it.for([
    [5000, IMMUTABLE, 'public, max-age=5000, immutable, must-revalidate'],
    [1_300_000, IMMUTABLE, 'public, max-age=1209600, immutable, must-revalidate'],
    [7, 'public, max-age=300, stale-while-revalidate=60, stale-if-error=86400', 'public, max-age=7, must-revalidate'],
  ] as const)('%d s before it, %s', async ([left, stored, want], { expect }) => {
    await put(left, stored);
    for (const init of [{}, { method: 'HEAD' }, { headers: { range: 'bytes=0-1' } }]) {
      expect((await get(`/${CHUNK}`, init)).headers.get('cache-control')).toBe(want);
    }
  });

  it('passed: the object counts as gone, whatever way it is asked for', async ({ expect }) => {
    await put(0, IMMUTABLE);
    for (const init of [
      {},
      { method: 'HEAD' },
      { headers: { range: 'bytes=0-1' } },
      { headers: { 'if-none-match': '*' } },
    ]) {
      const response = await get(`/${CHUNK}`, init);
      expect(response.status).toBe(404);
      expect(response.headers.get('cache-control')).toBe('no-store');
    }
  });
});

describe('refused without a read of R2', () => {
  it.for([
    ['/v1/DE/manifest.json?', 400],
    ['/v1/DE/manifest.json?v=1', 400],
    ['/nothing?x', 400],
    ['/', 404],
    ['/v1/FR/manifest.json', 404],
    ['/v1/DE/manifest.json/', 404],
    ['/v1/DE/manifest%2Ejson', 404],
    ['/version/v1/diagnosis-keys/country/DE/date/2026-11-25/hour/07', 404],
    ['/version/v1/diagnosis-keys', 404],
    ['/cdn-cgi/x', 404],
    ['/version/v1/diagnosis-keys/country/DE/date/2026-11-25/hour/12', 404],
    ['/version/v1/diagnosis-keys/country/DE/date/2026-11-25', 404],
    ['/version/v1/diagnosis-keys/country/DE/date/2026-10-25', 404],
  ] as const)('%s: %d', async ([path, status], { expect }) => {
    for (const method of ['GET', 'HEAD']) {
      const response = await get(path, { method });
      expect(response.status).toBe(status);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('etag')).toBeNull();
    }
    expect(reads).toEqual([]);
  });

  it.for(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s: 405', async (method, { expect }) => {
    const response = await get(`/${HEAD}`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(reads).toEqual([]);
  });
});

describe('failure', () => {
  it('an hour that is not sealed yet is not remembered as missing', async ({ expect }) => {
    const path = '/version/v1/diagnosis-keys/country/DE/date/2026-11-25/hour/11';
    const missing = await get(path);
    expect(missing.status).toBe(404);
    expect(missing.headers.get('cache-control')).toBe('no-store');
    expect(missing.headers.get('content-type')).toBe('application/problem+json');
    expect(await missing.json()).toMatchObject({
      title: 'Not Found',
      status: 404,
      detail: 'There is no such object, or not yet.',
    });
    await PUBLIC.put(path.slice(1), 'zip', {
      httpMetadata: { contentType: 'application/zip', cacheControl: IMMUTABLE },
    });
    expect((await get(path)).status).toBe(200);
  });

  it('R2 that throws: 503, not stored, without a word of the reason', async ({ expect }) => {
    const failing: ReadOnlyBucket = {
      get: () => Promise.reject(new Error('get: secret detail (10001)')),
      head: () => Promise.reject(new Error('head: secret detail (10001)')),
    };
    for (const init of [{}, { method: 'HEAD' }, { headers: { range: 'bytes=0-1' } }]) {
      const response = await fetchWith(failing, `/${CHUNK}`, init);
      expect(response.status).toBe(503);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('retry-after')).toBe('60');
      expect(await response.text()).not.toContain('secret');
    }
  });

  it.for(['', 'DE,', 'de', 'DE|EUR', 'DE,.*'])(
    'REGIONS = %j: 500 on the first request',
    async (REGIONS, { expect }) => {
      const app = createApp({ clock: () => NOW });
      const response = await app.fetch(new Request(`https://keys.example/${HEAD}`), {
        PUBLIC: counting,
        DIRECTORY,
        REGIONS,
      });
      expect(response.status).toBe(500);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(reads).toEqual([]);
    },
  );
});

describe('privilege', () => {
  it('leaves nothing but get and head of the bucket', async ({ expect }) => {
    const { bucket } = parseIndexConfig({ PUBLIC, DIRECTORY, REGIONS: 'DE' });
    expect(Reflect.ownKeys(bucket)).toEqual(['get', 'head']);
    expect(Object.getPrototypeOf(bucket)).toBe(Object.prototype);
    expect(Object.isFrozen(bucket)).toBe(true);
    for (const method of ['put', 'delete', 'list', 'createMultipartUpload', 'resumeMultipartUpload']) {
      expect((bucket as unknown as Record<string, unknown>)[method]).toBeUndefined();
    }
  });

  it('reads no header of the client but the conditional and range headers', async ({ expect }) => {
    const asked = new Set<string>();
    const request = new Request(`https://keys.example/${CHUNK}`, {
      headers: {
        'user-agent': 'phone',
        'cf-connecting-ip': '192.0.2.1',
        cookie: 'a=b',
        'accept-language': 'de',
        range: 'bytes=0-1',
      },
    });
    const headers = new Proxy(request.headers, {
      get: (target, property) => {
        if (property !== 'get' && property !== 'has') throw new Error(`headers.${String(property)} was used`);
        return (name: string) => {
          asked.add(name);
          return target[property](name);
        };
      },
    });
    const watched = new Proxy(request, {
      get: (target, property) => {
        if (property === 'headers') return headers;
        if (property === 'cf') throw new Error('request.cf was read');
        return Reflect.get(target, property, target) as unknown;
      },
    });
    const response = await createApp({ clock: () => NOW }).fetch(watched, {
      PUBLIC: counting,
      DIRECTORY,
      REGIONS: 'DE',
    });
    expect(response.status).toBe(206);
    expect([...asked].toSorted()).toEqual(['if-none-match', 'if-range', 'range']);
  });
});

describe('after the end of the service', () => {
  const list = 'version/v1/diagnosis-keys/country/DE/date';
  const lists = (day: string): string => `/${list}/${day}/hour`;
  const put = (key: string, body: string): Promise<unknown> =>
    PUBLIC.put(key, body, { httpMetadata: { contentType: 'application/json', cacheControl: 'public, max-age=300' } });
  const headWith = (fields: object): string =>
    JSON.stringify({ type: 'manifest', payload: JSON.stringify({ region: 'DE', ...fields }), signature: 'x' });

  it('every day’s list of hours is the empty list of days, with its ETag; packages stay absent', async ({ expect }) => {
    await put(list, '[]');
    await put(HEAD, headWith({ ended: true }));
    for (const day of ['2026-11-25', '2026-11-20']) {
      const answer = await get(lists(day));
      expect([answer.status, await answer.text()]).toEqual([200, '[]']);
      const tag = answer.headers.get('etag') ?? '';
      expect(tag).toMatch(/^"[^"]+"$/);
      expect((await get(lists(day), { headers: { 'if-none-match': tag } })).status).toBe(304);
    }
    expect((await get(`${lists('2026-11-25')}/3`)).status).toBe(404);
    expect((await get(`/${list}/2026-11-24`)).status).toBe(404);
    expect((await get('/version/v1/diagnosis-keys/country/EUR/date/2026-11-25/hour')).status).toBe(404);
    await put('v1/ended.json', '{}');
    expect((await get('/v1/ended.json')).status).toBe(200);
  });

  it.for([
    ['a head that goes on', headWith({})],
    ['no head of ours', 'x'],
    ['a head that is too large', ' '.repeat(70_000)],
  ])('a list that isn’t there stays a 404 with %s', async ([, head = ''], { expect }) => {
    await put(list, '[]');
    await put(HEAD, head);
    expect((await get(lists('2026-11-25'))).status).toBe(404);
  });
});
