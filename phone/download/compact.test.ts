/**
 * @module A phone that is offered compact forms (docs/compact-chunk.md §1): what it takes, and that whatever a host puts in their place costs it a ZIP and nothing else.
 */
import { describe, it } from 'vitest';
import { readZip } from '../../protocol/export/zip.ts';
import { writeCompact } from '../../protocol/compact/compact-writer.ts';
import { dateOfHour, hourEnd, hourOf, hourStart } from '../../protocol/gaen/intervals.ts';
import { chunkPath, compactPath } from '../../protocol/index/chunk-paths.ts';
import { headPath, MANIFEST_TYPE, pagePath, type ChunkEntry } from '../../protocol/index/manifest.ts';
import { signDocument } from '../../protocol/index/signed-document.ts';
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { compareKeys } from '../../protocol/export/tek-order.ts';
import { memoryStore } from '../store.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import { EXPORT_KEY, MANIFEST_KEYS, manifestSigner, REGION, zipOf } from '../testing/timeline.ts';
import { type ManifestState, syncManifest } from './download-manifest.ts';

const random = testRandom('compact');
const HOUR = hourOf(Date.UTC(2026, 5, 15, 12) / 1000);
const YESTERDAY = HOUR - (HOUR % 24) - 24;
const keys = Array.from({ length: 8 }, () => testKey(random)).toSorted(compareKeys);
const hourZip = (hour: number, count = 8) =>
  zipOf(keys.slice(0, count), { startTimestamp: hourStart(hour), endTimestamp: hourEnd(hour) });
const dayZip = (count: number) =>
  zipOf(keys.slice(0, count), { startTimestamp: hourStart(YESTERDAY), endTimestamp: hourStart(YESTERDAY + 24) });

const filesOf = (zip: Uint8Array) => {
  const read = readZip(
    zip,
    new Map([
      ['export.bin', 1e6],
      ['export.sig', 1e6],
    ]),
  );
  if (!read.ok) throw new Error('no ZIP');
  return { bin: read.value.get('export.bin')!, sig: read.value.get('export.sig')! };
};
const compactOf = (zip: Uint8Array): Uint8Array => {
  const { bin, sig } = filesOf(zip);
  return writeCompact(bin, sig)!;
};

/** Of the bits that keys begin with, or of a key itself. */
const changed = (bytes: Uint8Array): Uint8Array => bytes.with(bytes.length - 20, 1);

/** What a host has: an hour of one file or of two, or a day of four keys. */
type Kind = 'hour' | 'two files' | 'day';

/** Two files of one window are told apart by seconds of its end, as Publisher names them. */
const zipsOf = (kind: Kind): Uint8Array[] => {
  if (kind === 'day') return [dayZip(4)];
  if (kind === 'hour') return [hourZip(HOUR)];
  return [1, 2].map((n) =>
    zipOf(keys.slice(4 * n - 4, 4 * n), { startTimestamp: hourStart(HOUR), endTimestamp: hourEnd(HOUR) + n }),
  );
};

/** A host of an hour's chunks, or a day's. */
class Host {
  readonly requests: string[] = [];
  readonly objects = new Map<string, Uint8Array>();
  found = 0;
  isCut = false;

  constructor(kind: Kind, compacts: readonly (Uint8Array | null)[], head: { compact?: true } = { compact: true }) {
    const zips = zipsOf(kind);
    const chunks = zips.map((zip, n): ChunkEntry => {
      const name = toBase64Url(sha256(zip));
      const own = { file: n + 1, of: zips.length, size: zip.length, keys: '1-99', sha256: name };
      const compact = compacts[n] ?? null;
      this.objects.set(chunkPath(REGION, name), zip);
      if (compact !== null) this.objects.set(compactPath(REGION, name), compact);
      return kind === 'day' ? { ...own, sig: toBase64Url(sha256(filesOf(zip).sig)) } : { hour: HOUR, ...own };
    });
    const date = dateOfHour(YESTERDAY);
    const page = JSON.stringify({ region: REGION, days: [{ date, cut: dateOfHour(HOUR), chunks }] });
    const pageName = toBase64Url(sha256(utf8(page)));
    const payload = {
      region: REGION,
      sequence: 1,
      previous: null,
      issuedAt: hourEnd(HOUR),
      validUntil: hourEnd(HOUR) + 4 * 3600,
      hours: kind === 'day' ? [] : chunks,
      pages: kind === 'day' ? [{ sha256: pageName, from: date, to: date }] : [],
      ...head,
    };
    this.objects.set(headPath(REGION), utf8(signDocument(MANIFEST_TYPE, 'manifest-v1', payload, manifestSigner.raw)));
    this.objects.set(pagePath(REGION, pageName), utf8(page));
  }

  /** @returns endings of the paths of chunks that were asked for */
  async sync(): Promise<{ asked: string[]; errors: readonly { kind: string }[] }> {
    const { errors } = await syncManifest({
      fetch: (url) => {
        const path = new URL(url).pathname.slice(1);
        this.requests.push(path);
        if (this.isCut && path.endsWith('.compact')) return Promise.reject(new TypeError('no network'));
        const bytes = this.objects.get(path);
        return Promise.resolve(
          new Response(bytes === undefined ? null : new Uint8Array(bytes), { status: bytes === undefined ? 404 : 200 }),
        );
      },
      baseUrl: 'http://edge.test',
      clock: () => hourEnd(HOUR) + 300,
      exportKey: EXPORT_KEY,
      manifestKeys: MANIFEST_KEYS,
      region: REGION,
      store: memoryStore<ManifestState>(),
      onFile: ({ exportFile }) => void (this.found += exportFile.keys.length),
    });
    return {
      asked: this.requests.filter((path) => path.includes('/chunks/')).map((path) => path.split('.')[1]!),
      errors,
    };
  }
}

describe('a chunk that is offered in its compact form', () => {
  it.for([
    { name: 'an hour', kind: 'hour', compact: compactOf(hourZip(HOUR)), found: 8 },
    { name: 'a day', kind: 'day', compact: compactOf(dayZip(4)), found: 4 },
  ] as const)('is taken so, and no ZIP is asked for: $name', async ({ kind, compact, found }, { expect }) => {
    const host = new Host(kind, [compact]);
    expect(await host.sync()).toEqual({ asked: ['compact'], errors: [] });
    expect(host.found).toBe(found);
  });

  it('is taken so of each of an hour’s files, and never one in another’s place', async ({ expect }) => {
    const compacts = zipsOf('two files').map((zip) => compactOf(zip));
    const host = new Host('two files', compacts);
    expect(await host.sync()).toEqual({ asked: ['compact', 'compact'], errors: [] });
    expect(host.found).toBe(8);
    const crossed = new Host('two files', compacts.toReversed());
    expect(await crossed.sync()).toEqual({ asked: ['compact', 'zip', 'compact', 'zip'], errors: [] });
    expect(crossed.found).toBe(8);
  });

  it('isn’t asked for where the head doesn’t offer it', async ({ expect }) => {
    const host = new Host('hour', [compactOf(hourZip(HOUR))], {});
    expect(await host.sync()).toEqual({ asked: ['zip'], errors: [] });
  });

  it.for([
    { name: 'nothing', kind: 'hour', compact: null },
    { name: 'the empty file of a chunk that has none', kind: 'hour', compact: new Uint8Array() },
    { name: 'half a body', kind: 'hour', compact: compactOf(hourZip(HOUR)).subarray(0, 200) },
    { name: 'a page of HTML', kind: 'hour', compact: utf8('<!doctype html><title>Sign in</title>') },
    { name: 'rubbish', kind: 'hour', compact: new Uint8Array(200) },
    { name: 'more bytes than the ZIP has', kind: 'hour', compact: new Uint8Array(5_000) },
    { name: 'another hour, rightly signed', kind: 'hour', compact: compactOf(hourZip(HOUR - 1)) },
    { name: 'a former cut of the day, rightly signed, with more keys', kind: 'day', compact: compactOf(dayZip(6)) },
    { name: 'a changed key', kind: 'hour', compact: changed(compactOf(hourZip(HOUR))) },
  ] as const)('gives way to the ZIP, and no key of it is taken: $name', async ({ kind, compact }, { expect }) => {
    const host = new Host(kind, [compact]);
    expect(await host.sync()).toEqual({ asked: ['compact', 'zip'], errors: [] });
    expect(host.found).toBe(kind === 'hour' ? 8 : 4);
  });

  it('ends the run where there is no network', async ({ expect }) => {
    const host = new Host('hour', [compactOf(hourZip(HOUR))]);
    host.isCut = true;
    expect(await host.sync()).toMatchObject({ asked: ['compact'], errors: [{ kind: 'network' }] });
  });
});
