/**
 * @module Corona-Warn-App's distribution tree as its apps read it (docs/spec/cwa.md §1.4 and §7; docs/spec/gaen.md §10).
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { readExportZip } from '../../protocol/export/export-reader.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
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

const ROOT = '/version/v1/diagnosis-keys/country';
/** Hours of day one from the first upload on. */
const HOURS_OF_DAY_ONE = Array.from({ length: 14 }, (_, i) => i + 10);

let system: PublishedSystem;
beforeAll(async () => {
  system = await startPublishedSystem();
});
afterAll(async () => {
  await system.edge.dispose();
});

const get = (path: string, headers: Record<string, string> = {}): Promise<RawAnswer> => system.send(path, { headers });
const count = (answer: RawAnswer, name: string): number => answer.rawHeaders.filter(([key]) => key === name).length;

function keysIn(answer: RawAnswer): string[] {
  const pinned = { publicKeySpki: spkiFromPem(system.edge.publicPem), keyId: '262', keyVersion: 'v1' };
  const read = readExportZip(answer.body, pinned);
  if (!read.ok) throw new Error(`refused: ${JSON.stringify(read.error)}`);
  return read.exportFile.keys.map((key) => Buffer.from(key.keyData).toString('hex'));
}

describe('lists: exact JSON', () => {
  it('versions', async ({ expect }) => {
    expect(json(await get('/version'))).toEqual(['v1']);
  });

  it('countries: the home country and the union', async ({ expect }) => {
    expect(json(await get(ROOT))).toEqual(['DE', 'EUR']);
  });

  it.for(['DE', 'EUR'])('%s, days: strings, the running day left out', async (country, { expect }) => {
    expect(json(await get(`${ROOT}/${country}/date`))).toEqual([DAY_ONE]);
  });

  it.for(['DE', 'EUR'])('%s, hours: integers, the running hour left out', async (country, { expect }) => {
    const answer = await get(`${ROOT}/${country}/date/${DAY_TWO}/hour`);
    expect(new TextDecoder().decode(answer.body)).toBe('[0,1,2]');
  });

  it('are JSON, cached for five minutes, as CWA serves everything', async ({ expect }) => {
    for (const path of [ROOT, `${ROOT}/DE/date`, `${ROOT}/DE/date/${DAY_TWO}/hour`]) {
      const { headers } = await get(path);
      expect(headers.get('content-type')).toBe('application/json');
      expect(headers.get('cache-control')).toBe('public, max-age=300');
    }
  });
});

describe('packages', () => {
  it('day: what was uploaded, signed, without the keys that ended 14 days before it was cut', async ({ expect }) => {
    const kept = new Set([...system.uploaded].filter((key) => !system.oldest.has(key)));
    expect(kept.size).toBe(PATIENTS * (KEYS_PER_PATIENT - 1));
    for (const country of ['DE', 'EUR']) {
      const answer = await get(`${ROOT}/${country}/date/${DAY_ONE}`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/zip');
      expect(new Set(keysIn(answer))).toEqual(kept);
    }
  });

  it('hours: each sealed hour has one, also the empty ones', async ({ expect }) => {
    for (const hour of [0, 1, 2]) {
      const answer = await get(`${ROOT}/DE/date/${DAY_TWO}/hour/${hour}`);
      expect(answer.status).toBe(200);
      expect(keysIn(answer)).toEqual([]);
    }
  });

  it('hours of a complete day stay for the four hours in which a list may name them', async ({ expect }) => {
    const found: string[] = [];
    for (const hour of HOURS_OF_DAY_ONE) {
      const answer = await get(`${ROOT}/DE/date/${DAY_ONE}/hour/${hour}`);
      expect(answer.status).toBe(200);
      found.push(...keysIn(answer));
    }
    expect(new Set(found)).toEqual(system.uploaded);
    expect(found.length).toBe(system.uploaded.size);
  });

  it('no copy outlives what it copies', async ({ expect }) => {
    const dies = Date.UTC(2026, 10, 25, 4) / 1000;
    const { headers } = await get(`${ROOT}/DE/date/${DAY_ONE}/hour/10`);
    const age = Number(/max-age=(\d+)/.exec(headers.get('cache-control') ?? '')?.[1]);
    expect(age).toBe(dies - PUBLISHED_AT);
    expect(headers.get('cache-control')).toContain('must-revalidate');
  });
});

describe('what is not there', () => {
  const absent: readonly (readonly [name: string, path: string])[] = [
    ['the running day', `${ROOT}/DE/date/${DAY_TWO}`],
    ['the running hour', `${ROOT}/DE/date/${DAY_TWO}/hour/3`],
    ['a later hour', `${ROOT}/DE/date/${DAY_TWO}/hour/4`],
    ['an hour with a leading zero', `${ROOT}/DE/date/${DAY_TWO}/hour/02`],
    ['a day before the first', `${ROOT}/DE/date/2026-11-20`],
    ['another country', `${ROOT}/FR/date`],
    ['a country in small letters', `${ROOT}/de/date`],
    ['the country without what it has', `${ROOT}/DE`],
    ['a slash at the end', `${ROOT}/DE/date/`],
  ];
  it.for(absent)('%s: 404 that no cache keeps', async ([, path], { expect }) => {
    const { status, headers } = await get(path);
    expect(status).toBe(404);
    expect(headers.get('cache-control')).toBe('no-store');
  });
});

describe('HTTP, as the apps and a CDN need it', () => {
  const paths = [
    ROOT,
    `${ROOT}/DE/date`,
    `${ROOT}/EUR/date/${DAY_ONE}`,
    `${ROOT}/EUR/date/${DAY_TWO}/hour`,
    `${ROOT}/EUR/date/${DAY_TWO}/hour/0`,
  ];

  it.for(paths)('%s: exactly one ETag, strong; one Date, the server’s time; one length', async (path, { expect }) => {
    const answer = await get(path);
    expect(count(answer, 'etag')).toBe(1);
    expect(answer.headers.get('etag')).toMatch(/^"[0-9a-f]+"$/);
    expect(count(answer, 'date')).toBe(1);
    expect(Date.parse(answer.headers.get('date') ?? '') / 1000).toBe(PUBLISHED_AT);
    expect(count(answer, 'content-length')).toBe(1);
    expect(answer.headers.get('content-length')).toBe(String(answer.body.length));
  });

  it.for(paths)('%s: 304 for its ETag; HEAD says what GET says; a range is a part', async (path, { expect }) => {
    const whole = await get(path);
    const etag = whole.headers.get('etag') ?? '';
    const again = await get(path, { 'if-none-match': etag });
    expect(again.status).toBe(304);
    expect(count(again, 'etag')).toBe(1);
    expect(again.body.length).toBe(0);
    const head = await system.send(path, { method: 'HEAD' });
    for (const name of ['etag', 'content-length', 'content-type', 'cache-control']) {
      expect(head.headers.get(name)).toBe(whole.headers.get(name));
    }
    expect(head.body.length).toBe(0);
    const part = await get(path, { range: 'bytes=1-4' });
    expect(part.status).toBe(206);
    expect(part.body).toEqual(whole.body.slice(1, 5));
  });

  it.for(paths)('%s: a query is refused', async (path, { expect }) => {
    expect((await get(`${path}?x=1`)).status).toBe(400);
    expect((await get(`${path}?`)).status).toBe(400);
  });
});
