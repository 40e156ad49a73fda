import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { keptBundle } from './bundle-cache.ts';

let root = '';
let made = 0;
const ENTRY = 'workers/x/index.ts';
const bundle = () =>
  keptBundle(ENTRY, async () => ({ text: `bundle ${(made += 1)}`, inputs: [ENTRY, 'domain/y.ts'] }), root);
const put = (path: string, text: string): void => writeFileSync(join(root, path), text);

beforeEach(() => {
  made = 0;
  root = mkdtempSync(join(tmpdir(), 'bundle-cache-'));
  for (const folder of ['workers/x', 'domain']) mkdirSync(join(root, folder), { recursive: true });
  put(ENTRY, 'x');
  put('domain/y.ts', 'y');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('a bundle', () => {
  it('is made once of the same files', async ({ expect }) => {
    expect([await bundle(), await bundle(), await bundle()]).toEqual(['bundle 1', 'bundle 1', 'bundle 1']);
    expect(readdirSync(join(root, '.cache/bundles-local'))).toEqual(['workers+x+index.ts.json']);
  });

  it.for([ENTRY, 'domain/y.ts', 'package-lock.json', 'tsconfig.base.json'])(
    'is made again when %s is another',
    async (path, { expect }) => {
      await bundle();
      put(path, 'another');
      expect([await bundle(), await bundle()]).toEqual(['bundle 2', 'bundle 2']);
      put(path, 'a third');
      expect(await bundle()).toBe('bundle 3');
    },
  );

  it('is made again when a file is gone, or the cache was cut off', async ({ expect }) => {
    await bundle();
    rmSync(join(root, 'domain/y.ts'));
    expect(await bundle()).toBe('bundle 2');
    put('.cache/bundles-local/workers+x+index.ts.json', '{"text":"bund');
    expect(await bundle()).toBe('bundle 3');
  });

  it('is made where nothing can be kept', async ({ expect }) => {
    put('.cache', 'a file');
    expect([await bundle(), await bundle()]).toEqual(['bundle 1', 'bundle 2']);
  });
});
