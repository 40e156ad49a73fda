/** @module The directory at the paths of phones: a log of the test authority in a real bucket, read as phones and strangers read it. */
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, it } from 'vitest';
import { loadDirectory } from '../../protocol/directory/load.ts';
import { readDirectory } from '../../protocol/directory/read.ts';
import { DIRECTORY_PREFIX } from '../../protocol/directory/tiles.ts';
import {
  entryLeaf,
  entryOf,
  logOf,
  makeCluster,
  makeRegion,
  makeRoot,
  makeTls,
  NOW,
  type Party,
  policyFor,
} from '../../test/support/directory-world.ts';
import type { ReadOnlyBucket } from '../shared/read-only-bucket.ts';
import { createApp } from './app.ts';

const { PUBLIC, DIRECTORY } = env as unknown as { PUBLIC: R2Bucket; DIRECTORY: R2Bucket };

let root: Party;
let leaf: Uint8Array;
beforeAll(async () => {
  root = await makeRoot();
  const eu = await makeCluster(root, 'eu');
  const region = await makeRegion(eu, 'C=DE, OU=eu, CN=DE');
  leaf = entryLeaf(region, entryOf(region, [await makeTls(eu, 'C=DE, OU=eu, CN=DE client')]));
});

let reads: string[] = [];
beforeEach(async () => {
  for (const [path, bytes] of logOf([leaf])) await DIRECTORY.put(path, bytes);
  reads = [];
});

const counting: ReadOnlyBucket = {
  get: (key, options) => {
    reads.push(key);
    return DIRECTORY.get(key, options);
  },
  head: (key) => {
    reads.push(key);
    return DIRECTORY.head(key);
  },
};
const get = async (path: string, init?: RequestInit): Promise<Response> =>
  createApp({ clock: () => NOW }).fetch(new Request(`https://keys.example/${path}`, init), {
    PUBLIC,
    DIRECTORY: counting,
    REGIONS: 'DE,EUR',
  });

describe('the directory of backends', () => {
  it('is read and verified by a phone with nothing but this address and a policy', async ({ expect }) => {
    const read = await loadDirectory(
      async (path) => {
        const response = await get(`${DIRECTORY_PREFIX}${path}`);
        return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
      },
      { tiles: true },
    );
    const { entries, problems } = readDirectory({ read, policy: policyFor(root), now: NOW, seen: null });
    expect([entries.map(({ regionId }) => regionId), problems]).toEqual([['DE'], []]);
    expect(reads).toEqual(['checkpoint', 'tile/entries/000.p/1', 'tile/0/000.p/1']);
  });

  it.for([
    ['checkpoint', 'public, max-age=60', 'text/plain; charset=utf-8'],
    ['tile/0/000.p/1', 'public, max-age=31536000, immutable', 'application/octet-stream'],
    ['tile/entries/000.p/1', 'public, max-age=31536000, immutable', 'application/octet-stream'],
  ] as const)('says how long %s may be kept, whole, in part and unchanged', async ([path, cache, type], { expect }) => {
    const whole = await get(`${DIRECTORY_PREFIX}${path}`);
    expect([whole.status, whole.headers.get('content-type')]).toEqual([200, type]);
    await whole.body?.cancel();
    const etag = whole.headers.get('etag') ?? '';
    const answers = [
      [200, await get(`${DIRECTORY_PREFIX}${path}`, { method: 'HEAD' })],
      [206, await get(`${DIRECTORY_PREFIX}${path}`, { headers: { range: 'bytes=0-1' } })],
      [304, await get(`${DIRECTORY_PREFIX}${path}`, { headers: { 'if-none-match': etag } })],
    ] as const;
    expect(whole.headers.get('cache-control')).toBe(cache);
    for (const [status, answer] of answers) {
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([status, cache]);
      await answer.body?.cancel();
    }
  });

  it('that isn’t there yet is not remembered as missing', async ({ expect }) => {
    const response = await get(`${DIRECTORY_PREFIX}tile/0/000`);
    expect([response.status, response.headers.get('cache-control')]).toEqual([404, 'no-store']);
  });

  it('costs no read where no reader would ask', async ({ expect }) => {
    await DIRECTORY.put('pending/DE-1', 'x');
    for (const path of [
      '',
      'checkpoint.proposed',
      'pending/DE-1',
      'lock',
      'tile',
      'tile/0',
      'tile/3/000',
      'tile/0/256',
      'tile/0/x001/000',
      'tile/0/0',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/01',
      'tile/entries/000/',
      'tile/entries/%30%30%30',
    ]) {
      expect((await get(`${DIRECTORY_PREFIX}${path}`)).status, path).toBe(404);
    }
    expect((await get(`${DIRECTORY_PREFIX}checkpoint?`)).status).toBe(400);
    expect((await get(`${DIRECTORY_PREFIX}checkpoint`, { method: 'PUT', body: 'x' })).status).toBe(405);
    expect(reads).toEqual([]);
  });
});
