/**
 * @module Two days of a real edge, whose public bucket is then made again from the private one alone, compared, damaged and mended
 * (docs/event-log.md).
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, it } from 'vitest';
import schema from '../../domain/event-log/entry.schema.json' with { type: 'json' };
import { packUpload, type PackedUpload } from '../../domain/packed-upload.ts';
import { openBuckets, type StateBuckets } from '../../local-edge/buckets.ts';
import { startLocalEdge } from '../../local-edge/local-edge.ts';
import { ROOT } from '../../local-edge/workers.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { runChild } from '../../scripts/support/command-line/child.ts';
import { advanceUntilIdle, moveClock, setClock } from '../../scripts/support/operator.ts';
import { bucketStore, type ObjectStore } from '../../scripts/support/object-store.ts';
import { readLog } from '../../scripts/support/read-log.ts';

/** Two hours before midnight, and no more: the hours of a log are what each command reads again. */
const START = Date.UTC(2026, 10, 24, 22) / 1000;
const DAY_ONE = Math.floor(START / 86_400);
const ORIGIN = 'exposure-edge-origin';

let state: string;
let buckets: StateBuckets | null = null;

function keysOf(label: string, newestDay: number): TemporaryExposureKey[] {
  return Array.from({ length: 14 }, (_, age) => ({
    keyData: sha256(utf8(`${label}/${age}`)).slice(0, 16),
    transmissionRiskLevel: 3 + (age % 6),
    rollingStartIntervalNumber: (newestDay - age) * 144,
    rollingPeriod: 144,
    reportType: REPORT_TYPE.CONFIRMED_TEST,
    daysSinceOnsetOfSymptoms: 1,
  }));
}

/** The edge lives two days, and rests. */
beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'rebuild-test-'));
  // A small CWA_MAX_KEYS makes its tree differ from the chunks: the excess waits.
  const peers = { PEER_FEEDS: 'a2a', FEED_URL: 'https://peers.example' };
  const origin = { MIN_KEYS: '0', MIN_UPLOADS: '0', MAX_KEYS_PER_FILE: '20', CWA_MAX_KEYS: '30', ...peers };
  const edge = await startLocalEdge({ state, vars: { origin }, onLog: () => undefined });
  try {
    const namespace = await edge.miniflare.getDurableObjectNamespace('SUBMISSION_BUFFER', ORIGIN);
    const buffer = namespace.get(namespace.idFromName('buffer')) as unknown as {
      accept(uploadId: string, upload: PackedUpload): Promise<unknown>;
    };
    const upload = async (label: string, issueId: string | null, regions: string[]): Promise<void> => {
      const keys = keysOf(label, DAY_ONE - 1);
      const whole = { keys, regions, consentToFederation: true, origin: 'DE', issueId };
      await buffer.accept(label, packUpload(whole));
    };
    await setClock(edge.url, START);
    await advanceUntilIdle(edge.url);
    for (const n of [1, 2, 3])
      await upload(`first ${n}`, n === 1 ? 'b1d5cf94-8f1c-4b9e-9d3b-9c8e6c0c5a11' : null, ['DE']);
    await moveClock(edge.url, START + 3600);
    await upload('second', null, ['DE', 'FR']);
    await moveClock(edge.url, START + 5 * 3600);
    await upload('third', null, ['DE']);
    await moveClock(edge.url, START + 7 * 3600);
    await advanceUntilIdle(edge.url);
  } finally {
    await edge.dispose();
  }
});
afterAll(async () => {
  await buckets?.dispose();
  rmSync(state, { recursive: true, force: true });
});

/** Looks into the buckets between two commands, which have them alone. */
async function inBuckets<T>(
  look: (publicStore: ObjectStore, privateStore: ObjectStore, feedStore: ObjectStore) => Promise<T>,
): Promise<T> {
  buckets = await openBuckets(state);
  try {
    const { publicBucket, privateBucket, feedsBucket } = buckets;
    return await look(bucketStore(publicBucket), bucketStore(privateBucket), bucketStore(feedsBucket));
  } finally {
    await buckets.dispose();
    buckets = null;
  }
}

interface Outcome {
  readonly code: number | null;
  readonly stderr: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- what a command prints as JSON is looked at by its fields
  readonly result: any;
}

async function call(script: string, ...args: string[]): Promise<Outcome> {
  const command = ['scripts/run.sh', `scripts/${script}.ts`, ...args, '--state', state, '--json'];
  const { code, stdout, stderr } = await runChild('sh', command, { cwd: ROOT, output: 'kept' });
  return { code, stderr, result: stdout === '' ? null : JSON.parse(stdout) };
}

const entries = () =>
  inBuckets(async (_public, privateStore) => (await readLog(privateStore, [join(state, 'log-public.pem')])).entries);

describe('the log of two days', () => {
  it('is whole, and its entries are what the JSON Schema says', async ({ expect }) => {
    const { code, result } = await call('log', 'verify');
    expect([code, result.findings]).toEqual([0, []]);
    const isEntry = new Ajv2020({ strict: false }).compile(schema);
    const all = await entries();
    expect(all.length).toBe(result.entries);
    for (const { entry } of all) expect(isEntry(entry), JSON.stringify(isEntry.errors)).toBe(true);
    expect(new Set(all.map(({ entry }) => entry.event.kind))).toEqual(
      new Set(['region', 'recorded', 'written', 'cut', 'exported', 'published', 'fed', 'purge', 'checkpoint']),
    );
    expect(isEntry({ ...all[0]!.entry, person: 'x' })).toBe(false);
  });
});

describe('the public bucket', () => {
  it('is made again byte for byte, headers too, and nothing else lies there', async ({ expect }) => {
    const { code, result } = await call('rebuild', '--verify');
    expect([code, result.differences]).toEqual([0, []]);
    const names = await inBuckets(async (publicStore, _private, feedStore) => [
      ...(await publicStore.list('')),
      ...(await feedStore.list('')),
    ]);
    // Both regions' chunks, CWA's tree, pages, lists and heads; of the day before, hours in their grace.
    expect(result.objects).toBeGreaterThan(30);
    expect(result.objects).toBeLessThanOrEqual(names.length);
  });

  it('that was damaged is told apart by name, and put right by --repair --confirm alone', async ({ expect }) => {
    const [chunk, list, page, foreign] = await inBuckets(async (publicStore) => {
      const chunks = await publicStore.list('v1/EUR/chunks/');
      const last = (await namedChunks(publicStore)).find((name) => chunks.includes(name))!;
      const dates = 'version/v1/diagnosis-keys/country/DE/date';
      const [firstPage = ''] = await publicStore.list('v1/DE/days/');
      const meta = { contentType: 'application/json', cacheControl: 'no-store', expires: null };
      await publicStore.put(dates, utf8('[]'), meta);
      await publicStore.put(firstPage, (await publicStore.get(firstPage))!, meta);
      await publicStore.put('v1/DE/chunks/strange.zip', utf8('x'), meta);
      await buckets!.publicBucket.delete(last);
      return [last, dates, firstPage, 'v1/DE/chunks/strange.zip'];
    });
    const differences = [
      { name: chunk, kind: 'missing' },
      { name: foreign, kind: 'unknown' },
      { name: list, kind: 'altered' },
      { name: page, kind: 'headers' },
    ];
    const sorted = (result: { differences: { name: string }[] }) =>
      result.differences.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const expected = sorted({ differences });
    for (const args of [['--repair'], ['--repair', '--confirm']]) {
      const { code, result } = await call('rebuild', ...args);
      expect([args, code, sorted(result)]).toEqual([args, 1, expected]);
    }
    const { code, result } = await call('rebuild', '--verify');
    expect([code, result.differences]).toEqual([1, [{ name: foreign, kind: 'unknown' }]]);
    await inBuckets(() => buckets!.publicBucket.delete(foreign));
  });
});

describe('the bucket of feeds', () => {
  const EXPORTS = { contentType: 'application/zip', cacheControl: 'no-store', expires: null };

  it('that was damaged is put right: of records, or of a batch’s own file; what can’t be made is told', async ({
    expect,
  }) => {
    const before = await inBuckets(async (_public, _private, feedStore) => {
      const all = new Map<string, Uint8Array>();
      for (const name of await feedStore.list('a2a/')) all.set(name, (await feedStore.get(name))!);
      return all;
    });
    const numbers = [...before.keys()].flatMap((name) => /^a2a\/(\d+)\.zip$/.exec(name)?.[1] ?? []).map(Number);
    // Keys of the first hours have left with the midnight, none of the last.
    const [leaving, whole] = [Math.min(...numbers), Math.max(...numbers)];
    await inBuckets(async (_public, _private, feedStore) => {
      await buckets!.feedsBucket.delete(`a2a/${whole}.zip`);
      for (const name of [`a2a/${leaving}.pb`, `a2a/${whole}.pb`, 'a2a/strange']) {
        await feedStore.put(name, utf8('x'), EXPORTS);
      }
    });
    const damage = [
      { name: `a2a/${whole}.zip`, kind: 'missing' },
      { name: `a2a/${leaving}.pb`, kind: 'altered' },
      { name: `a2a/${whole}.pb`, kind: 'altered' },
      { name: 'a2a/strange', kind: 'unknown' },
    ];
    const copy = mkdtempSync(join(tmpdir(), 'rebuild-feeds-'));
    const mended = await call('rebuild', '--repair', '--confirm', '--feeds-to', copy);
    expect([mended.code, mended.result.put]).toEqual([1, 3]);
    expect(mended.result.differences).toEqual(expect.arrayContaining(damage));
    expect(mended.result.differences).toHaveLength(damage.length);
    const after = await inBuckets(async (_public, _private, feedStore) => {
      await buckets!.feedsBucket.delete('a2a/strange');
      return Promise.all([...before].map(async ([name]) => [name, await feedStore.get(name)] as const));
    });
    expect(new Map(after)).toEqual(before);

    await inBuckets(async (_public, _private, feedStore) => {
      await buckets!.feedsBucket.delete([`a2a/${leaving}.zip`]);
      await feedStore.put('a2a/latest.json', utf8('{}'), EXPORTS);
    });
    const lost = await call('rebuild', '--repair', '--confirm');
    expect([lost.code, lost.result.differences]).toEqual([
      1,
      [
        { name: `a2a/${leaving}.zip`, kind: 'lost' },
        { name: 'a2a/latest.json', kind: 'document' },
      ],
    ]);
    // Out of a copy of the bucket it is as it was.
    const kept = new Uint8Array(readFileSync(join(copy, `a2a/${leaving}.zip`)));
    expect(kept).toEqual(before.get(`a2a/${leaving}.zip`));
    await inBuckets(async (_public, _private, feedStore) => {
      await feedStore.put(`a2a/${leaving}.zip`, kept, EXPORTS);
      await feedStore.put('a2a/latest.json', before.get('a2a/latest.json')!, EXPORTS);
    });
    expect((await call('rebuild', '--repair', '--confirm')).result.differences).toEqual([
      { name: `a2a/${leaving}.zip`, kind: 'headers' },
    ]);
    expect((await call('rebuild', '--verify')).code).toBe(0);
    rmSync(copy, { recursive: true });
  });
});

/** @returns the chunks that the union's head names */
async function namedChunks(publicStore: ObjectStore): Promise<string[]> {
  const { payload } = JSON.parse(new TextDecoder().decode((await publicStore.get('v1/EUR/manifest.json'))!)) as {
    payload: string;
  };
  const { hours } = JSON.parse(payload) as { hours: { sha256: string }[] };
  return hours.map(({ sha256: name }) => `v1/EUR/chunks/${name}.zip`);
}

describe('what is refused', () => {
  it('a log whose end was cut off: the newer head stays', async ({ expect }) => {
    const all = await entries();
    const last = all.findLast(({ entry }) => entry.event.kind === 'published')!;
    const cut = all.slice(all.indexOf(last));
    const bytes = await inBuckets(async (_public, privateStore) => {
      const kept = await Promise.all(
        cut.map(async ({ object }) => [object, (await privateStore.get(object))!] as const),
      );
      await buckets!.privateBucket.delete(cut.map(({ object }) => object));
      return kept;
    });
    const { code, result } = await call('rebuild', '--repair', '--confirm');
    expect(code).toBe(1);
    expect(result.differences.map(({ kind }: { kind: string }) => kind)).toContain('newer');
    await inBuckets(async (_public, privateStore) => {
      const meta = { contentType: 'application/json', cacheControl: 'no-store', expires: null };
      for (const [name, content] of bytes) await privateStore.put(name, content, meta);
    });
    // Lists of the head before were put back meanwhile: the whole log puts them right.
    await call('rebuild', '--repair', '--confirm');
    expect((await call('rebuild', '--verify')).code).toBe(0);
  });

  it('a record that is gone, named; and a log that is not whole', async ({ expect }) => {
    const name = await inBuckets(async (_public, privateStore) => {
      const [first = ''] = await privateStore.list('sets/');
      const set = `${first.slice(0, first.lastIndexOf('/'))}/set.json`;
      await buckets!.privateBucket.delete(set);
      return set;
    });
    const made = await call('rebuild', '--verify');
    expect([made.code, made.stderr]).toEqual([1, expect.stringContaining(`${name} is recorded and not there`)]);
    const verified = await call('log', 'verify');
    expect([verified.code, verified.result.findings]).toEqual([
      1,
      [{ rule: 'object-missing', object: name, what: 'is recorded and not there' }],
    ]);
    await inBuckets(() => buckets!.privateBucket.delete('log/0000000004.json'));
    const damaged = await call('rebuild', '--verify');
    expect([damaged.code, damaged.stderr]).toEqual([
      1,
      expect.stringContaining('log/0000000004.json: is not there (missing)'),
    ]);
  });
});
