/**
 * The buckets that Workers see, by workerd's own binding, on a real S3 server: each call that durable-objects/ and workers/ make, and a store that fails.
 * The rows of the table in docs/own-hardware.md; without a server: mapping.test.ts.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn, type ChildProcess } from 'node:child_process';
import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { ROOT } from '../../../../local-edge/workers.ts';
import { type FaultyStore, startFaultyStore } from '../../../../test/support/faulty-store.ts';
import { freePort } from '../../free-port.ts';
import { startStoreServer, type StoreServer } from '../store-server.ts';
import { ask } from '../workerd/process.ts';
import { AT_START, testBucket } from './bucket-test.ts';
import { Bucket } from './bucket.ts';
import { BUCKET_HEADER, type Gateway, startGateway } from './gateway.ts';
import { openStore, type Store } from './s3.ts';

/** Runs a script's body with the binding `b`, and tells what came out; bytes as texts. */
const WORKER = `export default { async fetch(request, env) {
  const { calls } = await request.json();
  const out = [];
  for (const [method, ...args] of calls) {
    const revived = JSON.parse(JSON.stringify(args), (key, value) =>
      key === 'sha256' ? Uint8Array.from(value.match(/../g), (pair) => parseInt(pair, 16)) : key === 'cacheExpiry' ? new Date(value) : value);
    try {
      const found = await env.B[method](...revived);
      const body = found && 'body' in found ? await found.text() : undefined;
      const sha256 = found?.checksums?.sha256;
      const shown = (o) => o && { key: o.key, size: o.size, etag: o.etag, http: o.httpMetadata, custom: o.customMetadata, uploaded: +o.uploaded };
      out.push(method === 'list' ? { ...found, objects: found.objects.map(shown) } : found ? { ...shown(found), range: found.range, body,
        sha256: sha256 && [...new Uint8Array(sha256)].map((byte) => byte.toString(16).padStart(2, '0')).join('') } : found ?? null);
    } catch (error) { out.push({ error: String(error) }); }
  }
  return Response.json(out);
} };`;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const META = { contentType: 'application/zip', cacheControl: 'public, max-age=60', cacheExpiry: 4_102_444_800_000 };

type Answer = Readonly<Record<string, unknown>> | null;

let folder: string;
let server: StoreServer;
let faulty: FaultyStore;
let store: Store;
let gateway: Gateway;
let workerd: ChildProcess;
const failures: string[] = [];

/** Calls of the binding, in turn. */
async function calls(...made: readonly unknown[][]): Promise<Answer[]> {
  return (await ask(join(folder, 'worker.sock'), 'POST', '/', { calls: made })) as Answer[];
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-'));
  server = await startStoreServer(join(folder, 'store'), await freePort());
  faulty = await startFaultyStore(server.settings.endpoint);
  store = openStore({ ...server.settings, endpoint: faulty.endpoint });
  const socket = join(folder, 'gateway.sock');
  gateway = await startGateway(
    socket,
    new Map([['public', new Bucket(store, server.settings.buckets.public)]]),
    (line) => void failures.push(line),
  );
  writeFileSync(join(folder, 'w.js'), WORKER);
  writeFileSync(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "w", worker = .w), (name = "g", external = (address = "unix:${socket}", http = (injectRequestHeaders = [(name = "${BUCKET_HEADER}", value = "public")])))],
  sockets = [(name = "s", address = "unix:${join(folder, 'worker.sock')}", http = (), service = "w")]);
const w :Workerd.Worker = (modules = [(name = "w.js", esModule = embed "w.js")], compatibilityDate = "2026-11-01", bindings = [(name = "B", r2Bucket = "g")]);`,
  );
  workerd = spawn(join(ROOT, 'node_modules/workerd/bin/workerd'), ['serve', join(folder, 'config.capnp')], {
    stdio: 'ignore',
  });
  for (let tries = 0; tries < 200; tries += 1) {
    if (
      await calls().then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('workerd does not answer');
});

afterAll(async () => {
  workerd.kill('SIGKILL');
  await gateway.close();
  store.dispose();
  await faulty.stop();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a service that compares and swaps', () => {
  it('passes every row, and nothing of the test is left', async ({ expect }) => {
    const rows = await testBucket(store, server.settings.buckets.private);
    expect(rows.filter(({ fault }) => fault !== null)).toEqual([]);
    expect(rows.length).toBeGreaterThan(12);
    const left = await new Bucket(store, server.settings.buckets.private).list({
      version: 1,
      method: 'list',
      newRuntime: true,
      prefix: '',
      include: [],
    });
    expect(left.objects).toEqual([]);
  });

  it('one that takes conditions without a word fails the rows of them, and no other', async ({ expect }) => {
    const deaf = openStore(server.settings);
    deaf.writer.middlewareStack.add(
      (next) => (args) => {
        const { IfMatch: _match, IfNoneMatch: _none, ...input } = args.input as PutObjectCommandInput;
        return next({ ...args, input });
      },
      { step: 'initialize' },
    );
    const rows = await testBucket(deaf, server.settings.buckets.private);
    deaf.dispose();
    expect(rows.filter(({ fault }) => fault !== null).map(({ name }) => name)).toEqual([...AT_START]);
  });

  it('a bucket that is not there is named in each row', async ({ expect }) => {
    const rows = await testBucket(store, 'no-such-bucket');
    expect(new Set(rows.map(({ fault }) => fault))).toEqual(new Set(['the bucket was not reached: no such bucket']));
  });
});

describe('the calls of durable-objects/publisher/bucket.ts', () => {
  it('put if absent, with digest, headers and custom metadata; head and get tell the same', async ({ expect }) => {
    const options = {
      onlyIf: { etagDoesNotMatch: '*' },
      sha256: sha256('bytes'),
      httpMetadata: META,
      customMetadata: { of: 'hour 12', Große: 'ü ' },
    };
    const [put, again, head, got] = await calls(
      ['put', 'v1/DE/chunks/a.zip', 'bytes', options],
      ['put', 'v1/DE/chunks/a.zip', 'other', { ...options, sha256: sha256('other') }],
      ['head', 'v1/DE/chunks/a.zip'],
      ['get', 'v1/DE/chunks/a.zip'],
    );
    const object = {
      key: 'v1/DE/chunks/a.zip',
      size: 5,
      sha256: sha256('bytes'),
      custom: options.customMetadata,
      http: { ...META, cacheExpiry: new Date(META.cacheExpiry).toISOString() },
    };
    expect(put).toMatchObject(object);
    expect(again).toBeNull();
    expect(head).toMatchObject({ ...object, etag: put?.['etag'] });
    expect(got).toMatchObject({ ...object, body: 'bytes', etag: put?.['etag'] });
    expect(Math.abs(Number(put?.['uploaded']) - Date.now())).toBeLessThan(60_000);
  });

  it('put where an ETag matches; null where another lies there or none', async ({ expect }) => {
    const [first] = await calls(['put', 'head.json', 'one']);
    const etagMatches = first?.['etag'];
    const [second, third, none] = await calls(
      ['put', 'head.json', 'two', { onlyIf: { etagMatches } }],
      ['put', 'head.json', 'three', { onlyIf: { etagMatches } }],
      ['put', 'never.json', 'x', { onlyIf: { etagMatches } }],
    );
    expect(second).toMatchObject({ size: 3 });
    expect([third, none]).toEqual([null, null]);
    expect(await calls(['get', 'head.json'])).toMatchObject([{ body: 'two' }]);
  });

  it('a digest of other bytes is refused, and nothing is put', async ({ expect }) => {
    const [refused, head] = await calls(['put', 'bent', 'bytes', { sha256: sha256('other') }], ['head', 'bent']);
    expect(String(refused?.['error'])).toContain('(10037)');
    expect(head).toBeNull();
  });

  it('a part, one past the end, one tied to an ETag, one behind the end', async ({ expect }) => {
    const [put] = await calls(['put', 'record', '0123456789']);
    const [part, past, tied, changed, behind, nothing] = await calls(
      ['get', 'record', { range: { offset: 2, length: 3 } }],
      ['get', 'record', { range: { offset: 8, length: 100 } }],
      ['get', 'record', { range: { offset: 0, length: 2 }, onlyIf: { etagMatches: put?.['etag'] } }],
      ['get', 'record', { range: { offset: 0, length: 2 }, onlyIf: { etagMatches: 'another' } }],
      ['get', 'record', { range: { offset: 10, length: 1 } }],
      ['get', 'record', { range: { offset: 0, length: 0 } }],
    );
    expect(part).toMatchObject({ body: '234', size: 10, range: { offset: 2, length: 3 } });
    expect(past).toMatchObject({ body: '89' });
    expect(tied).toMatchObject({ body: '01' });
    expect(changed).toMatchObject({ etag: put?.['etag'] });
    expect(changed).not.toHaveProperty('body');
    expect(String(behind?.['error'])).toContain('(10039)');
    expect(String(nothing?.['error'])).toContain('(10039)');
  });

  it('a get that has it already gets the object without bytes', async ({ expect }) => {
    const [put] = await calls(['put', 'poll', 'bytes', { httpMetadata: META }]);
    const [same, other] = await calls(
      ['get', 'poll', { onlyIf: { etagDoesNotMatch: put?.['etag'] } }],
      ['get', 'poll', { onlyIf: { etagDoesNotMatch: 'another' } }],
    );
    expect(same).toMatchObject({ etag: put?.['etag'], http: { cacheControl: META.cacheControl } });
    expect(same).not.toHaveProperty('body');
    expect(other).toMatchObject({ body: 'bytes' });
  });

  it('listings by prefix, with metadata where it is asked for; names that are folders of others', async ({
    expect,
  }) => {
    const names = ['tree/date', 'tree/date/2026-11-26', 'tree/date/2026-11-26/hour', 'tree/date/2026-11-26/hour/7'];
    await calls(...names.map((name) => ['put', name, name, { httpMetadata: META, customMetadata: { name } }]));
    const [bare, full, page, none] = await calls(
      ['list', { prefix: 'tree/' }],
      ['list', { prefix: 'tree/date/', include: ['httpMetadata', 'customMetadata'] }],
      ['list', { prefix: 'tree/', limit: 3 }],
      ['list', { prefix: 'nothing/' }],
    );
    const objects = (list: Answer | undefined) => (list?.['objects'] ?? []) as { key: string }[];
    const keys = (list: Answer | undefined) => objects(list).map(({ key }) => key);
    expect(keys(bare)).toEqual(names);
    expect(keys(full)).toEqual(names.slice(1));
    expect(objects(full)[0]).toMatchObject({
      http: { contentType: META.contentType },
      custom: { name: names[1] },
    });
    expect(page).toMatchObject({ truncated: true });
    const [rest] = await calls(['list', { prefix: 'tree/', limit: 3, cursor: page?.['cursor'] }]);
    expect([...keys(page), ...keys(rest)]).toEqual(names);
    expect(none).toMatchObject({ objects: [], truncated: false });
  });

  it('deletes one, many, and none', async ({ expect }) => {
    await calls(['put', 'd/1', 'x'], ['put', 'd/2', 'x'], ['put', 'd/3', 'x']);
    expect(await calls(['delete', 'd/1'], ['delete', ['d/2', 'd/3', 'd/never']], ['delete', []])).toEqual([
      null,
      null,
      null,
    ]);
    expect(await calls(['list', { prefix: 'd/' }])).toMatchObject([{ objects: [] }]);
  });

  it('an empty object, as the second clock puts one', async ({ expect }) => {
    const [put, got] = await calls(['put', 'clock', ''], ['get', 'clock']);
    expect([put, got]).toMatchObject([{ size: 0 }, { size: 0, body: '' }]);
  });

  it.for([
    ['a date as condition', ['put', 'x', 'y', { onlyIf: { uploadedBefore: '2026-01-01T00:00:00Z' } }]],
    ['a part of a second', ['put', 'x', 'y', { httpMetadata: { cacheExpiry: 1_500 } }]],
    ['a storage class', ['put', 'x', 'y', { storageClass: 'InfrequentAccess' }]],
    ['a delimiter', ['list', { delimiter: '/' }]],
    ['a name with a blank', ['put', 'a b', 'y']],
  ] as const)('what S3 has no exact counterpart of is refused: %s', async ([, call], { expect }) => {
    const [answer] = await calls([...call]);
    expect(String(answer?.['error'])).toMatch(/\(10051\)|weak|valid|Date|onlyIf/i);
  });
});

describe('a store that fails', () => {
  it.for(['away', 500, 503] as const)(
    '%s: an error that says so, and then all is as before',
    async (how, { expect }) => {
      const name = `fails/${how}`;
      await calls(['put', name, 'before']);
      failures.length = 0;
      faulty.fail(how === 'away' ? { kind: 'away' } : { kind: 'status', status: how, of: 'any' });
      const answers = await calls(['get', name], ['put', name, 'during'], ['list', {}], ['delete', name]);
      expect(answers.map((answer) => /\(10001\)/.test(String(answer?.['error'])))).toEqual([true, true, true, true]);
      expect(failures.join('\n')).not.toContain(name);
      expect(failures[0]).toMatch(how === 'away' ? /get: the store answered nothing/ : new RegExp(`answered ${how}`));
      // One try a put: the second could be told of the first.
      expect(faulty.calls.get('PUT')).toBe(1);
      faulty.fail(null);
      expect(await calls(['get', name])).toMatchObject([{ body: 'before' }]);
    },
  );

  it('half a body is read again; half of each is an error, and never a shorter object', async ({ expect }) => {
    const body = 'x'.repeat(100_000);
    await calls(['put', 'half', body]);
    faulty.fail({ kind: 'half', times: 2 });
    expect(await calls(['get', 'half'])).toMatchObject([{ body }]);
    faulty.fail({ kind: 'half', times: 100 });
    expect(String((await calls(['get', 'half']))[0]?.['error'])).toContain('(10001)');
    faulty.fail(null);
  });

  it('half of an object too large to hold is an error for whoever reads it', async ({ expect }) => {
    const size = 9 * 1024 * 1024;
    await new Bucket(store, server.settings.buckets.public).put(
      { version: 1, method: 'put', object: 'large', httpFields: {}, customFields: [] },
      new Uint8Array(size),
    );
    expect(await calls(['get', 'large'])).toMatchObject([{ size }]);
    faulty.fail({ kind: 'half', times: 100 });
    expect(await calls(['get', 'large'])).toMatchObject([{ error: expect.any(String) as string }]);
    faulty.fail(null);
  });

  it('a put whose answer was lost is an error, not a refusal; whoever looks finds it', async ({ expect }) => {
    faulty.fail({ kind: 'lost-answer', times: 1 });
    const [put, head] = await calls(
      ['put', 'lost', 'bytes', { onlyIf: { etagDoesNotMatch: '*' }, sha256: sha256('bytes') }],
      ['head', 'lost'],
    );
    faulty.fail(null);
    expect(String(put?.['error'])).toContain('(10001)');
    expect(head).toMatchObject({ sha256: sha256('bytes') });
  });
});
