/**
 * `npm run serve` as a whole, on a real S3 server: what is lost when something fails is nothing that was answered with 200. Slow, and builds versitygw where it is
 * missing. The buckets alone: store/gateway.long.node.test.ts.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { loadSecrets } from '../../../local-edge/secrets.ts';
import { LOCAL_VARS, readEnvironments, ROOT } from '../../../local-edge/workers.ts';
import { upload } from '../../../phone/upload/upload.ts';
import { SECONDS_PER_HOUR } from '../../../protocol/gaen/intervals.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import { type FaultyStore, startFaultyStore } from '../../../test/support/faulty-store.ts';
import { backUp, putBack } from '../../serve/copies.ts';
import { movedClock } from '../../serve/trial.ts';
import { freePort } from '../free-port.ts';
import { setClock } from '../operator.ts';
import { patientKeys } from '../patients.ts';
import { type ReadableEdge, readHead, Reader } from '../published.ts';
import { type Serving, startServing } from './server.ts';
import { Bucket } from './store/bucket.ts';
import { openStore } from './store/s3.ts';
import type { ServeSettings } from './settings.ts';
import { startStoreServer, type StoreServer } from './store-server.ts';
import { ask } from './workerd/process.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const HOUR = SECONDS_PER_HOUR;

let folder: string;
let server: StoreServer;
let faulty: FaultyStore;
let settings: ServeSettings;
let serving: Serving;
let edge: ReadableEdge;
/** Full in an instant: the Durable Objects of a machine whose disk is. */
let disk: string;
const log: string[] = [];
/** Hex of every key whose upload was answered with 200. */
const taken = new Set<string>();
let hour = Math.floor(Date.now() / 1000 / HOUR) - 12;

const operate = (path: string, body: unknown): Promise<unknown> =>
  ask(serving.keepers['portal'] ?? '', 'POST', path, body);

async function start(): Promise<void> {
  serving = await startServing(settings, (line) => void log.push(line), movedClock());
  edge = { ...edge, url: serving.url };
}

/** @returns what became of one person's upload */
async function share(): Promise<'taken' | 'try-again' | 'refused'> {
  const { tans } = (await operate('/operator/tans', { count: 1 })) as { tans: string[] };
  return send(tans[0] ?? '');
}

async function send(tan: string): Promise<'taken' | 'try-again' | 'refused'> {
  const keys = patientKeys(random, hour * HOUR);
  const content = { keys, visitedCountries: [], consentToFederation: true, submissionType: 0 as const };
  const sent = await upload(tan, content, { fetch, baseUrl: serving.url, random });
  if (!sent.ok) return sent.error.kind === 'try-again' ? 'try-again' : 'refused';
  for (const { keyData } of keys) taken.add(toHex(keyData));
  return 'taken';
}

async function advance(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) {
    if (((await operate('/operator/advance', { peers: false })) as { idle: boolean }).idle) return;
  }
  throw new Error('the origin is not idle');
}

/** The running hour ends and is sealed. */
async function seal(): Promise<void> {
  hour += 1;
  await setClock(serving.url, hour * HOUR + 300);
  await advance();
}

/** Keys that were taken and aren't listed once. */
async function missing(): Promise<string[]> {
  const seen = await readHead(edge, 'DE');
  const listed = seen === null ? new Map<string, number>() : await new Reader(edge, 'DE').listed(seen.head);
  return [...taken].filter((key) => listed.get(key) !== 1);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'serve-'));
  disk = join(folder, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]);
  server = await startStoreServer(join(folder, 'store'), await freePort());
  faulty = await startFaultyStore(server.settings.endpoint);
  settings = {
    state: join(disk, 'state'),
    runtime: join(folder, 'run'),
    listen: `127.0.0.1:${await freePort()}`,
    store: { ...server.settings, endpoint: faulty.endpoint },
    secrets: loadSecrets(folder, readEnvironments()),
    vars: {
      ...LOCAL_VARS,
      origin: { MIN_KEYS: '0', MIN_UPLOADS: '0', RESERVE_UPLOADS: '0' },
      upload: { ANSWER_DEADLINE_MS: '0' },
      verification: { ...LOCAL_VARS['verification'], SMS_WEBHOOK_URL: '' },
    },
    people: [],
    services: [],
  };
  const pem = (name: string): string => readFileSync(join(folder, name), 'utf8');
  edge = { url: '', publicPem: pem('public.pem'), manifestPublicPem: pem('manifest-public.pem') };
  await start();
  await setClock(serving.url, hour * HOUR + 300);
});

afterAll(async () => {
  await serving.stop();
  await faulty.stop();
  await server.stop();
  execFileSync('umount', [disk]);
  rmSync(folder, { recursive: true, force: true });
});

describe('npm run serve', () => {
  it('takes uploads, seals the hour, and serves what a phone verifies', async ({ expect }) => {
    expect(await share()).toBe('taken');
    await seal();
    expect(await missing()).toEqual([]);
    expect((await fetch(`${serving.url}/nothing`)).status).toBe(404);
  });

  it('the store is away: uploads are taken, reads say 503, the seal waits; all is published when it is back', async ({
    expect,
  }) => {
    faulty.fail({ kind: 'away' });
    expect(await share()).toBe('taken');
    const read = await fetch(`${serving.url}/v1/DE/manifest.json`);
    expect([read.status, read.headers.get('cache-control')]).toEqual([503, 'no-store']);
    hour += 1;
    await setClock(serving.url, hour * HOUR + 300);
    await operate('/operator/advance', { peers: false }).catch(() => undefined);
    await expect(serving.runCrons()).rejects.toThrow('the store answered nothing');
    faulty.fail(null);
    await advance();
    expect(await missing()).toEqual([]);
  });

  it.for([500, 503] as const)(
    'the store answers each put with %s in the middle of a seal: it is taken up again',
    async (status, { expect }) => {
      expect(await share()).toBe('taken');
      hour += 1;
      await setClock(serving.url, hour * HOUR + 300);
      faulty.fail({ kind: 'status', status, of: 'PUT' });
      await operate('/operator/advance', { peers: false }).catch(() => undefined);
      faulty.fail(null);
      await advance();
      expect(await missing()).toEqual([]);
    },
  );

  it('answers of puts get lost in a seal, and bodies end half way: nothing twice, nothing short', async ({
    expect,
  }) => {
    expect(await share()).toBe('taken');
    hour += 1;
    await setClock(serving.url, hour * HOUR + 300);
    faulty.fail({ kind: 'lost-answer', times: 4 });
    for (let turn = 0; turn < 4; turn += 1) await operate('/operator/advance', { peers: false }).catch(() => undefined);
    faulty.fail({ kind: 'half', times: 1 });
    await advance();
    faulty.fail(null);
    expect(await missing()).toEqual([]);
  });

  it('a second process on the same state is refused by name, and the first goes on', async ({ expect }) => {
    const second = { ...settings, listen: `127.0.0.1:${await freePort()}`, runtime: join(folder, 'run-2') };
    await expect(startServing(second, () => undefined, movedClock())).rejects.toThrow(
      `${settings.state} is in use: workerd, process ${serving.workerd}, has it`,
    );
    expect(await share()).toBe('taken');
  });

  it('SIGKILL of workerd: it is said, and the next start has all that was answered', async ({ expect }) => {
    expect(await share()).toBe('taken');
    process.kill(serving.workerd, 'SIGKILL');
    expect(await serving.broken).toBe('workerd ended (SIGKILL)');
    await serving.stop();
    await start();
    await seal();
    expect(await missing()).toEqual([]);
  });

  it('a full disk: uploads are refused for now, phones are served; with room again all goes on', async ({ expect }) => {
    expect(await share()).toBe('taken');
    const { tans } = (await operate('/operator/tans', { count: 1 })) as { tans: string[] };
    const filler = join(disk, 'filler');
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(filler, new Uint8Array(bavail * bsize));
    expect(await send(tans[0] ?? '')).toBe('try-again');
    expect((await fetch(`${serving.url}/v1/DE/manifest.json`)).status).toBe(200);
    rmSync(filler);
    expect(await share()).toBe('taken');
    await seal();
    expect(await missing()).toEqual([]);
  });

  it('a copy of the private bucket is whole, has no key of a row, and gives everything public again', async ({
    expect,
  }) => {
    await seal();
    const copy = join(folder, 'copy');
    const counts = await backUp(settings, copy, () => undefined);
    expect(counts['private']).toBeGreaterThan(10);
    await expect(backUp(settings, copy, () => undefined)).rejects.toThrow('a folder of its own');
    expect(existsSync(join(copy, 'private/row-keys'))).toBe(false);
    const node = (...args: string[]): string => execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
    const of = ['--private', join(copy, 'private'), '--log-key', join(folder, 'log-public.pem')];
    expect(node('scripts/log.ts', 'verify', ...of)).toContain('WHOLE');
    const again = join(folder, 'again');
    node('scripts/rebuild.ts', ...of, '--to', again);
    const wiped = { ...settings, store: { ...server.settings } };
    const store = openStore(server.settings);
    const bucket = new Bucket(store, server.settings.buckets.public);
    const chunk = (
      await bucket.list({ version: 1, method: 'list', newRuntime: true, prefix: 'v1/DE/chunks/', include: [] })
    ).objects[0]?.name;
    await bucket.delete([chunk ?? '']);
    store.dispose();
    expect(await putBack(wiped, 'public', again)).toMatchObject({ put: 1 });
    // Nothing of the private bucket is another than it was: bytes, headers and what an object belongs to.
    expect(await putBack(wiped, 'private', join(copy, 'private'))).toEqual({ put: 0, there: counts['private'] });
    expect(await missing()).toEqual([]);
  });

  it('a bucket that is not there is named at the start', async ({ expect }) => {
    const elsewhere = {
      ...settings,
      store: { ...settings.store, buckets: { ...settings.store.buckets, feeds: 'no-such-bucket' } },
    };
    await expect(startServing(elsewhere, () => undefined)).rejects.toThrow(
      "the bucket no-such-bucket (feeds) can't be reached: no such bucket",
    );
  });

  it('a folder of sockets that others may enter is refused, before anything is in it', async ({ expect }) => {
    const runtime = join(folder, 'open');
    mkdirSync(runtime);
    chmodSync(runtime, 0o755);
    await expect(startServing({ ...settings, runtime }, () => undefined)).rejects.toThrow('speak as nginx');
    expect(readdirSync(runtime)).toEqual([]);
  });

  it('nothing of who asked, and no name of an object, is in a line of the log', ({ expect }) => {
    expect(log.join('\n')).not.toMatch(/chunks|manifest\.json|127\.0\.0\.1:\d+|okhttp|authorization/i);
    expect(existsSync(join(settings.runtime, `inner-${process.pid}`))).toBe(true);
  });
});

/** @returns once it serves */
async function run(file: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/serve.ts'), 'run', '--config', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for await (const part of child.stdout as AsyncIterable<Buffer>) {
    said += part.toString();
    if (said.includes('exposure-edge serves on')) return child;
  }
  throw new Error(`it ended: ${said}`);
}

describe('npm run serve -- run', () => {
  const endOf = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve));

  it('SIGKILL takes workerd along and leaves the state free; SIGTERM is how it ends', async ({ expect }) => {
    const own = join(folder, 'own');
    mkdirSync(own);
    const { endpoint, buckets, credentials } = server.settings;
    writeFileSync(join(own, 'store.json'), JSON.stringify(credentials), { mode: 0o600 });
    writeFileSync(
      join(own, 'serve.toml'),
      `state = "state"\nruntime = "run"\nlisten = "127.0.0.1:${await freePort()}"\nsecrets = "../secrets.json"
[store]\nendpoint = "${endpoint}"\nregion = "us-east-1"\ncredentials = "store.json"
[store.buckets]\n${Object.entries(buckets)
        .map(([name, bucket]) => `${name} = "${bucket}"`)
        .join('\n')}
[vars.portal]\nAUTHORITY_NAME = "A"\nAUTHORITY_TELEPHONE = "0800"\nAPP_NAME = "App"\n`,
    );
    const killed = await run(join(own, 'serve.toml'));
    const workerd = Number(readFileSync(join(own, 'state/lock'), 'utf8'));
    expect(existsSync(`/proc/${workerd}`)).toBe(true);
    const gone = endOf(killed);
    killed.kill('SIGKILL');
    await gone;
    while (existsSync(`/proc/${workerd}`)) await new Promise((resolve) => setTimeout(resolve, 10));
    const again = await run(join(own, 'serve.toml'));
    expect(readdirSync(join(own, 'run')).filter((name) => name.startsWith('inner-'))).toEqual([`inner-${again.pid}`]);
    const ended = endOf(again);
    again.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(readdirSync(join(own, 'run')).filter((name) => name.startsWith('inner-'))).toEqual([]);
  });
});
