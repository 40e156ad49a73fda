/**
 * @module What a CDN must not get away with: swapping, withholding, rolling back (docs/architecture.md §6).
 */
import { describe, it } from 'vitest';
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { hourEnd, hourOf } from '../../protocol/gaen/intervals.ts';
import { LAST_VALID_UNTIL } from '../../protocol/index/ended.ts';
import { chunkPath } from '../../protocol/index/chunk-paths.ts';
import { headPath, MANIFEST_TYPE, pagePath } from '../../protocol/index/manifest.ts';
import { signDocument } from '../../protocol/index/signed-document.ts';
import { isManifestState, type ManifestState, syncManifest } from './download-manifest.ts';
import { describeDownloadError } from './download.ts';
import { memoryStore } from '../store.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import { EXPORT_KEY, exportSigner, MANIFEST_KEYS, manifestSigner, REGION, zipOf } from '../testing/timeline.ts';

const random = testRandom('manifest');
const HOUR = hourOf(Date.UTC(2026, 5, 15, 12) / 1000);
const NOW = hourEnd(HOUR) + 300;
const WINDOW = { startTimestamp: HOUR * 3600, endTimestamp: hourEnd(HOUR) };

/** A server of one chunk, and what may be wrong with it. */
class Edge {
  readonly objects = new Map<string, Uint8Array>();
  readonly requests: string[] = [];
  readonly zip = zipOf([testKey(random)], WINDOW);
  readonly chunk = {
    hour: HOUR,
    file: 1,
    of: 1,
    size: this.zip.length,
    keys: '1-99',
    sha256: toBase64Url(sha256(this.zip)),
  };
  readonly store = memoryStore<ManifestState>();
  keys = 0;
  now = NOW;
  /** What the server's clock says, Unix seconds; null: its answers have no Date. */
  date: number | null = null;
  /** Whether it answers 304 to whoever has an ETag. */
  isUnchanged = false;

  /** What the phone pins. */
  manifestKeys: Readonly<Record<string, Uint8Array>> = MANIFEST_KEYS;

  head(
    fields: Record<string, unknown> = {},
    signer = manifestSigner.raw,
    type = MANIFEST_TYPE,
    keyId = 'manifest-v1',
  ): string {
    const payload = {
      region: REGION,
      sequence: 5,
      previous: toBase64Url(sha256(utf8('4'))),
      issuedAt: hourEnd(HOUR),
      validUntil: hourEnd(HOUR) + 4 * 3600,
      hours: [this.chunk],
      pages: [],
      ...fields,
    };
    this.objects.set(headPath(REGION), utf8(signDocument(type, keyId, payload, signer)));
    this.objects.set(chunkPath(REGION, this.chunk.sha256), this.zip);
    return toBase64Url(sha256(utf8(JSON.stringify(payload))));
  }

  sync() {
    return syncManifest({
      fetch: (url, init) => {
        const path = new URL(url).pathname.slice(1);
        this.requests.push(path);
        const bytes = this.objects.get(path);
        const headers = new Headers({ etag: '"head"' });
        if (this.date !== null) headers.set('date', new Date(this.date * 1000).toUTCString());
        const isSame = this.isUnchanged && new Headers(init?.headers).has('if-none-match');
        if (isSame) return Promise.resolve(new Response(null, { status: 304, headers }));
        return Promise.resolve(
          bytes === undefined ? new Response(null, { status: 404 }) : new Response(new Uint8Array(bytes), { headers }),
        );
      },
      baseUrl: 'http://edge.test',
      clock: () => this.now,
      exportKey: EXPORT_KEY,
      manifestKeys: this.manifestKeys,
      region: REGION,
      store: this.store,
      onFile: ({ exportFile }) => void (this.keys += exportFile.keys.length),
    });
  }
}

describe('a manifest head that is refused', () => {
  it.for([
    { name: 'unsigned', kind: 'bad-signature', make: (edge: Edge) => edge.head({}, exportSigner.raw) },
    {
      name: 'signed for another purpose',
      kind: 'wrong-type',
      make: (e: Edge) => e.head({}, manifestSigner.raw, 'config'),
    },
    { name: 'of another region', kind: 'wrong-region', make: (edge: Edge) => edge.head({ region: 'DE' }) },
    { name: 'without a field', kind: 'bad-manifest', make: (edge: Edge) => edge.head({ pages: undefined }) },
    { name: 'no longer valid', kind: 'expired', make: (edge: Edge) => edge.head({ validUntil: NOW }) },
    {
      name: 'of a time that the phone’s clock has not reached',
      kind: 'clock',
      make: (edge: Edge) => edge.head({ issuedAt: NOW + 7201, validUntil: NOW + 9000 }),
    },
    {
      name: 'not JSON',
      kind: 'malformed-document',
      make: (edge: Edge) => edge.objects.set(headPath(REGION), Uint8Array.of(0xff)),
    },
    { name: 'absent', kind: 'status', make: () => undefined },
    {
      name: 'endless',
      kind: 'too-large',
      make: (edge: Edge) => edge.objects.set(headPath(REGION), new Uint8Array(300_000)),
    },
  ])('$name', async ({ kind, make }, { expect }) => {
    const edge = new Edge();
    make(edge);
    expect(await edge.sync()).toMatchObject({ files: 0, errors: [{ kind }] });
    expect(edge.requests).toEqual([headPath(REGION)]);
    // Nothing was kept of it.
    edge.head();
    expect(await edge.sync()).toMatchObject({ files: 1, errors: [] });
  });

  it('is still taken by a phone whose clock is slow by less than two hours', async ({ expect }) => {
    const edge = new Edge();
    edge.head();
    edge.now = hourEnd(HOUR) - 7200;
    expect(await edge.sync()).toMatchObject({ files: 1, errors: [] });
  });
});

describe('the chain of heads', () => {
  it('knows a rollback, and goes on when the newest head is back', async ({ expect }) => {
    const edge = new Edge();
    edge.head({ sequence: 9 });
    expect((await edge.sync()).errors).toEqual([]);
    edge.head({ sequence: 8 });
    expect((await edge.sync()).errors).toEqual([{ kind: 'rollback', highest: 9, offered: 8 }]);
    edge.head({ sequence: 11 });
    expect((await edge.sync()).errors).toEqual([]);
  });

  it('knows a rollback even if the newest head’s files never came', async ({ expect }) => {
    const edge = new Edge();
    edge.head({ sequence: 9 });
    edge.objects.delete(chunkPath(REGION, edge.chunk.sha256));
    expect((await edge.sync()).errors).toMatchObject([{ kind: 'status', status: 404 }]);
    edge.head({ sequence: 8 });
    expect((await edge.sync()).errors).toMatchObject([{ kind: 'rollback' }]);
  });

  it('knows two heads with one sequence', async ({ expect }) => {
    const edge = new Edge();
    edge.head();
    await edge.sync();
    edge.head({ validUntil: hourEnd(HOUR) + 5 * 3600 });
    expect((await edge.sync()).errors).toEqual([{ kind: 'fork', sequence: 5 }]);
  });

  it('knows a head that does not follow from the one before, and takes the one that does', async ({ expect }) => {
    const edge = new Edge();
    const first = edge.head();
    await edge.sync();
    edge.head({ sequence: 6 });
    expect((await edge.sync()).errors).toEqual([{ kind: 'broken-chain', sequence: 6 }]);
    edge.head({ sequence: 6, previous: first });
    expect((await edge.sync()).errors).toEqual([]);
  });

  it('goes on where the key is changed, for a phone that pins both, and keeps its highest number', async ({
    expect,
  }) => {
    const edge = new Edge();
    edge.manifestKeys = { ...MANIFEST_KEYS, 'manifest-v2': exportSigner.publicKeySpki };
    const first = edge.head();
    await edge.sync();
    const second = edge.head({ sequence: 6, previous: first }, exportSigner.raw, MANIFEST_TYPE, 'manifest-v2');
    expect((await edge.sync()).errors).toEqual([]);
    // The former key is still pinned, and what it signed is as old as ever; a key counts by its own id alone.
    edge.head();
    expect((await edge.sync()).errors).toEqual([{ kind: 'rollback', highest: 6, offered: 5 }]);
    edge.head({ sequence: 7, previous: second }, exportSigner.raw);
    expect((await edge.sync()).errors).toEqual([{ kind: 'bad-signature', key: 'manifest-v1' }]);
    edge.head({ sequence: 7, previous: first }, exportSigner.raw, MANIFEST_TYPE, 'manifest-v2');
    expect((await edge.sync()).errors).toEqual([{ kind: 'broken-chain', sequence: 7 }]);
  });

  it('a phone that pins the former key alone takes nothing and loses nothing, until it is updated', async ({
    expect,
  }) => {
    const edge = new Edge();
    const first = edge.head();
    await edge.sync();
    edge.head({ sequence: 6, previous: first }, exportSigner.raw, MANIFEST_TYPE, 'manifest-v2');
    expect(await edge.sync()).toMatchObject({ files: 0, errors: [{ kind: 'unknown-key', key: 'manifest-v2' }] });
    edge.manifestKeys = { ...MANIFEST_KEYS, 'manifest-v2': exportSigner.publicKeySpki };
    expect((await edge.sync()).errors).toEqual([]);
  });

  it('knows that newer heads are withheld when the last one has expired', async ({ expect }) => {
    const edge = new Edge();
    edge.head();
    await edge.sync();
    edge.now = hourEnd(HOUR) + 4 * 3600;
    expect((await edge.sync()).errors).toMatchObject([{ kind: 'expired' }]);
  });
});

describe('a file that is refused', () => {
  it('has other bytes than the head says, though they are validly signed', async ({ expect }) => {
    const edge = new Edge();
    edge.head();
    const path = chunkPath(REGION, edge.chunk.sha256);
    edge.objects.set(path, zipOf([testKey(random)], WINDOW));
    expect((await edge.sync()).errors).toEqual([{ kind: 'digest', path }]);
    expect(edge.keys).toBe(0);
  });

  it('is longer than the head says', async ({ expect }) => {
    const edge = new Edge();
    edge.head({ hours: [{ ...edge.chunk, size: edge.zip.length - 1 }] });
    expect((await edge.sync()).errors).toMatchObject([{ kind: 'too-large' }]);
  });

  it('is no export, and does not keep the phone from the others', async ({ expect }) => {
    const edge = new Edge();
    const rubbish = utf8('rubbish');
    const name = toBase64Url(sha256(rubbish));
    edge.objects.set(chunkPath(REGION, name), rubbish);
    const first = { ...edge.chunk, hour: HOUR - 1, size: rubbish.length, sha256: name };
    edge.head({ hours: [first, edge.chunk] });
    expect(await edge.sync()).toMatchObject({ files: 1, errors: [{ kind: 'refused' }] });
    edge.requests.length = 0;
    await edge.sync();
    expect(edge.requests).toEqual([headPath(REGION), chunkPath(REGION, name)]);
  });

  it('is a page with other bytes than the head says; the running day is fetched all the same', async ({ expect }) => {
    const edge = new Edge();
    const page = { sha256: toBase64Url(sha256(utf8('page'))), from: '2026-06-13', to: '2026-06-14' };
    edge.head({ pages: [page] });
    const path = pagePath(REGION, page.sha256);
    edge.objects.set(path, utf8('{}'));
    expect(await edge.sync()).toMatchObject({ files: 1, errors: [{ kind: 'digest', path }] });
  });
});

describe('a phone that dies', () => {
  it('before the keys were matched fetches the file again; after it, does not', async ({ expect }) => {
    const edge = new Edge();
    edge.head();
    const ports = {
      fetch: (url: string) => {
        edge.requests.push(url);
        return Promise.resolve(new Response(new Uint8Array(edge.objects.get(new URL(url).pathname.slice(1)) ?? [])));
      },
      baseUrl: 'http://edge.test',
      clock: () => NOW,
      exportKey: EXPORT_KEY,
      manifestKeys: MANIFEST_KEYS,
      region: REGION,
      store: edge.store,
      onFile: () => Promise.reject(new Error('power lost')),
    };
    await expect(syncManifest(ports)).rejects.toThrow('power lost');
    expect(await edge.sync()).toMatchObject({ files: 1, errors: [] });
    expect(await edge.sync()).toMatchObject({ files: 0, errors: [] });
  });
});

describe('a phone whose clock is wrong', () => {
  const HOURS = 3600;
  it.for([
    { name: '5 h fast, to which the head has expired', off: 5 * HOURS },
    { name: '3 h fast, to which it has not', off: 3 * HOURS },
    { name: '26 h slow', off: -26 * HOURS },
  ])('is told so, and takes nothing: $name', async ({ off }, { expect }) => {
    const edge = new Edge();
    edge.head();
    edge.date = NOW;
    edge.now = NOW + off;
    expect(await edge.sync()).toMatchObject({ files: 0, errors: [{ kind: 'clock', errorSeconds: off }] });
    expect(edge.requests).toEqual([headPath(REGION)]);
    expect(await edge.store.load()).toEqual({ ok: true, value: null });
    edge.now = NOW;
    expect(await edge.sync()).toMatchObject({ files: 1, errors: [] });
    // Nothing new, by 304: the answer has a date all the same.
    edge.isUnchanged = true;
    expect((await edge.sync()).errors).toEqual([]);
    edge.now = NOW + off;
    expect((await edge.sync()).errors).toEqual([{ kind: 'clock', errorSeconds: off }]);
  });

  it('is within two hours asked for nothing, and withheld content is still said', async ({ expect }) => {
    const edge = new Edge();
    edge.head();
    edge.date = NOW + 2 * HOURS;
    expect(await edge.sync()).toMatchObject({ files: 1, errors: [] });
    edge.date = hourEnd(HOUR) + 4 * HOURS;
    edge.now = edge.date;
    const { errors } = await edge.sync();
    expect(errors).toMatchObject([{ kind: 'expired' }]);
    expect(errors.map(describeDownloadError).join()).toContain('withheld');
  });
});

describe('a service that has ended', () => {
  it('is fetched to its end, and then asked nothing, whatever it offers', async ({ expect }) => {
    const edge = new Edge();
    edge.head({ ended: true });
    edge.objects.delete(chunkPath(REGION, edge.chunk.sha256));
    expect((await edge.sync()).errors).toMatchObject([{ kind: 'status', status: 404 }]);
    edge.head({ ended: true });
    expect(await edge.sync()).toMatchObject({ files: 1, errors: [] });
    edge.now += 400 * 86_400;
    edge.head({ sequence: 9, issuedAt: edge.now - 60, validUntil: edge.now + 60 });
    expect(await edge.sync()).toEqual({ files: 0, bytes: 0, requests: 0, errors: [] });
    const kept = await edge.store.load();
    expect(kept.ok && kept.value?.seen).toMatchObject({ sequence: 5, ended: true });
    expect(isManifestState(kept.ok ? kept.value : null)).toBe(true);
  });

  it('leaves a last head that a phone takes years later, new or not, and one that doesn’t know the field too', async ({
    expect,
  }) => {
    for (const known of [true, false]) {
      const edge = new Edge();
      if (known) {
        edge.head({ sequence: 3 });
        await edge.sync();
      }
      edge.now += 800 * 86_400;
      edge.head({ ended: true, hours: [], validUntil: LAST_VALID_UNTIL });
      expect(await edge.sync()).toMatchObject({ files: 0, errors: [] });
      expect((await edge.sync()).requests).toBe(0);
      // To a reader without the field it is a head with nothing new, and no sign of anything withheld.
      edge.head({ hours: [], validUntil: LAST_VALID_UNTIL });
      const older = new Edge();
      for (const [path, bytes] of edge.objects) older.objects.set(path, bytes);
      older.now = edge.now;
      expect(await older.sync()).toMatchObject({ files: 0, errors: [] });
    }
  });
});
