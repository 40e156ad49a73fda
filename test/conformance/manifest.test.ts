/**
 * @module The native view over HTTP (docs/architecture.md §6): signed head, page named by its hash, chunks named by theirs.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { readExportZip } from '../../protocol/export/export-reader.ts';
import {
  type ChunkEntry,
  type DayPage,
  type ManifestHead,
  parseDayPage,
  parseManifestHead,
} from '../../protocol/index/manifest.ts';
import schema from '../../protocol/index/manifest.schema.json' with { type: 'json' };
import { openDocument } from '../../protocol/index/signed-document.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import { moveClock } from '../../scripts/support/operator.ts';
import { json, type RawAnswer } from './support/http.ts';
import {
  DAY_ONE,
  DAY_TWO,
  KEYS_PER_PATIENT,
  PATIENTS,
  PUBLISHED_AT,
  type PublishedSystem,
  startPublishedSystem,
} from './support/system.ts';

const REGIONS = ['DE', 'EUR'];
const HOUR = 3600;

let system: PublishedSystem;
beforeAll(async () => {
  system = await startPublishedSystem();
});
afterAll(async () => {
  await system.edge.dispose();
});

const text = (answer: RawAnswer): string => new TextDecoder().decode(answer.body);
const hash = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('base64url');

async function head(region: string): Promise<ManifestHead> {
  const keys = { 'manifest-v1': spkiFromPem(system.edge.manifestPublicPem) };
  const opened = openDocument('manifest', text(await system.send(`/v1/${region}/manifest.json`)), keys);
  if (!opened.ok) throw new Error(`head of ${region}: ${opened.error.kind}`);
  const parsed = parseManifestHead(opened.value.payload);
  if (!parsed.ok) throw new Error(`head of ${region}: ${parsed.error.path} ${parsed.error.rule}`);
  return parsed.value;
}

async function pages(region: string): Promise<DayPage[]> {
  const found: DayPage[] = [];
  for (const { sha256 } of (await head(region)).pages) {
    const answer = await system.send(`/v1/${region}/days/${sha256}.json`);
    if (hash(answer.body) !== sha256) throw new Error(`page ${sha256} has another hash`);
    const parsed = parseDayPage(json(answer));
    if (!parsed.ok) throw new Error(`page ${sha256}: ${parsed.error.path} ${parsed.error.rule}`);
    found.push(parsed.value);
  }
  return found;
}

async function keysOf(region: string, chunk: ChunkEntry): Promise<string[]> {
  const { body } = await system.send(`/v1/${region}/chunks/${chunk.sha256}.zip`);
  if (hash(body) !== chunk.sha256 || body.length !== chunk.size)
    throw new Error(`chunk ${chunk.sha256} is not what is listed`);
  const pinned = { publicKeySpki: spkiFromPem(system.edge.publicPem), keyId: '262', keyVersion: 'v1' };
  const read = readExportZip(body, pinned);
  if (!read.ok) throw new Error(`chunk ${chunk.sha256}: ${read.error.kind}`);
  return read.exportFile.keys.map(({ keyData }) => Buffer.from(keyData).toString('hex'));
}

describe.each(REGIONS)('%s', (region) => {
  it('head: signed, as the JSON Schema says, valid for four hours from the end of the last sealed hour', async ({
    expect,
  }) => {
    const found = await head(region);
    const ajv = new Ajv2020({ strict: false });
    expect(ajv.validate(schema, found), ajv.errorsText()).toBe(true);
    expect(found.region).toBe(region);
    expect(found.issuedAt).toBe(Math.floor(PUBLISHED_AT / HOUR) * HOUR);
    expect(found.validUntil).toBe(found.issuedAt + 4 * HOUR);
    expect(found.sequence).toBeGreaterThan(1);
    expect(found.previous).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('head: the hours of the running day, and pages for the days before', async ({ expect }) => {
    const { hours, pages: listed } = await head(region);
    const midnight = Date.parse(`${DAY_TWO}T00:00:00Z`) / 1000 / HOUR;
    expect(hours.map(({ hour }) => hour)).toEqual([midnight, midnight + 1, midnight + 2]);
    expect(listed.map(({ from, to }) => [from, to])).toEqual([[DAY_ONE, DAY_ONE]]);
  });

  it('hours without keys are marked, and hold none', async ({ expect }) => {
    for (const chunk of (await head(region)).hours) {
      expect(chunk.empty).toBe(true);
      expect(await keysOf(region, chunk)).toEqual([]);
    }
  });

  it('page: the complete day, in one file, with the keys that were uploaded', async ({ expect }) => {
    const days = (await pages(region)).flatMap((page) => page.days);
    expect(days.map(({ date, cut }) => [date, cut])).toEqual([[DAY_ONE, DAY_TWO]]);
    const [chunk] = days[0]?.chunks ?? [];
    expect(chunk).toMatchObject({ file: 1, of: 1 });
    expect(chunk).not.toHaveProperty('hour');
    const keys = await keysOf(region, chunk as ChunkEntry);
    expect(keys).toHaveLength(PATIENTS * (KEYS_PER_PATIENT - 1));
    expect(new Set(keys)).toEqual(new Set([...system.uploaded].filter((key) => !system.oldest.has(key))));
  });

  it('polling costs a 304 until the next hour', async ({ expect }) => {
    const path = `/v1/${region}/manifest.json`;
    const first = await system.send(path);
    const etag = first.headers.get('etag') ?? '';
    expect((await system.send(path, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect(first.headers.get('cache-control')).toMatch(/^public, max-age=\d{1,3}$/);
    expect(gzipSync(first.body).length).toBeLessThanOrEqual(1536);
  });

  it('what is named by its hash is immutable, and cached no longer than it lives', async ({ expect }) => {
    const { hours, pages: listed } = await head(region);
    const paths = [`/v1/${region}/days/${listed[0]?.sha256}.json`, `/v1/${region}/chunks/${hours[0]?.sha256}.zip`];
    for (const path of paths) {
      const cacheControl = (await system.send(path)).headers.get('cache-control') ?? '';
      expect(cacheControl).toContain('immutable');
      const lives = Date.parse('2026-11-26T04:00:00Z') / 1000 - PUBLISHED_AT;
      expect(Number(/max-age=(\d+)/.exec(cacheControl)?.[1])).toBeLessThanOrEqual(lives);
    }
  });
});

it('each head names the one before by its hash', async ({ expect }) => {
  const payloadOf = async (region: string): Promise<string> =>
    (json(await system.send(`/v1/${region}/manifest.json`)) as { payload: string }).payload;
  const before = await Promise.all(REGIONS.map(payloadOf));
  await moveClock(system.edge.url, PUBLISHED_AT + HOUR);
  for (const [i, region] of REGIONS.entries()) {
    const { sequence } = JSON.parse(before[i] ?? '') as ManifestHead;
    expect(await head(region)).toMatchObject({ sequence: sequence + 1, previous: hash(before[i] ?? '') });
  }
});

it('both regions hold the same keys in files of their own', async ({ expect }) => {
  const names = await Promise.all(REGIONS.map(async (region) => (await pages(region))[0]?.days[0]?.chunks[0]?.sha256));
  expect(names[0]).not.toBe(names[1]);
});
