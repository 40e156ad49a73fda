import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type CwaState, isCwaState } from './download/download-cwa.ts';
import { isManifestState, type ManifestState } from './download/download-manifest.ts';
import { fileStore, fromStateText, toStateText } from './store.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phone-store-'));
});
afterAll(() => rm(folder, { recursive: true }));

const STATE: ManifestState = {
  region: 'EUR',
  seen: { sequence: 7, sha256: 'x', validUntil: 5 },
  etag: '"a"',
  pages: {},
  had: { '2026-06-15': { complete: false, hours: [3, 4], files: ['y'] } },
};

describe('state on disk', () => {
  it('is null before the first save, and then what was saved last', async ({ expect }) => {
    const store = fileStore(join(folder, 'new', 'state.json'), isManifestState);
    expect(await store.load()).toEqual({ ok: true, value: null });
    await store.save(STATE);
    await store.save({ ...STATE, etag: null });
    expect(await store.load()).toEqual({ ok: true, value: { ...STATE, etag: null } });
    expect(await readdir(join(folder, 'new'))).toEqual(['state.json']);
  });

  it('survives a phone that died in the middle of a write', async ({ expect }) => {
    const path = join(folder, 'state.json');
    const store = fileStore(path, isManifestState);
    await store.save(STATE);
    await writeFile(`${path}.tmp`, (await readFile(path)).subarray(0, 20));
    expect(await store.load()).toEqual({ ok: true, value: STATE });
    await store.save({ ...STATE, region: 'DE' });
    expect(await store.load()).toEqual({ ok: true, value: { ...STATE, region: 'DE' } });
  });

  it('tells a damaged file and one of another shape from an absent one', async ({ expect }) => {
    const path = join(folder, 'damaged.json');
    const store = fileStore(path, isManifestState);
    for (const text of ['{"region":', '[]', '{"region":"EUR","seen":null,"etag":null,"pages":{},"had":{"x":1}}']) {
      await writeFile(path, text);
      expect(await store.load()).toEqual({ ok: false, error: { kind: 'corrupt', path } });
    }
    const error = { kind: 'unreadable', path: folder, code: 'EISDIR' };
    expect(await fileStore(folder, isManifestState).load()).toEqual({ ok: false, error });
  });

  it('of a phone that reads CWA’s tree is its own, and no manifest’s', async ({ expect }) => {
    const path = join(folder, 'tree.json');
    const state: CwaState = { country: 'EUR', had: STATE.had, pending: false };
    const store = fileStore(path, isCwaState);
    await store.save(state);
    expect(await store.load()).toEqual({ ok: true, value: state });
    await fileStore(path, isManifestState).save(STATE);
    expect(await store.load()).toEqual({ ok: false, error: { kind: 'corrupt', path } });
  });

  it('keeps bytes, also those of a Buffer', ({ expect }) => {
    const text = toStateText({ a: Uint8Array.of(1, 255), b: [Buffer.from('hi')] });
    expect(fromStateText(text)).toEqual({ a: Uint8Array.of(1, 255), b: [Uint8Array.of(104, 105)] });
  });
});
