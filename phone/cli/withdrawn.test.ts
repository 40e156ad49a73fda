/**
 * @module A warning that is taken back, as its owner reads it: real files from a real server, a phone in a directory.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { spkiToPem } from '../../protocol/signing.ts';
import { toStateText } from '../store.ts';
import { heardOf } from '../testing/heard.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import { EXPORT_KEY, manifestSigner, REGION, Timeline } from '../testing/timeline.ts';
import { main } from './cli.ts';

const MIDNIGHT = hourOf(Date.UTC(2026, 5, 10) / 1000);
const random = testRandom('withdrawn');
const START = (MIDNIGHT / 24 - 2) * 144;
const KEYS = Array.from({ length: 30 }, () => [testKey(random, { rollingStartIntervalNumber: START })]);
const [first, second, third] = [1, 3, 5].map((hour) => KEYS[hour]![0]!) as [
  TemporaryExposureKey,
  TemporaryExposureKey,
  TemporaryExposureKey,
];
const HEARD = [first, second].map((key) => heardOf(key, 60));
const timeline = new Timeline({
  firstHour: MIDNIGHT,
  hours: KEYS.length,
  maxKeysPerFile: 100,
  cutDelayHours: 0,
  lagSeconds: 60,
  keysOf: (hour) => KEYS[hour - MIDNIGHT] ?? [],
  // The third nobody heard.
  revokedIn: (hour) => ({ [MIDNIGHT + 25]: [first, third], [MIDNIGHT + 28]: [second] })[hour] ?? [],
});

let root: string;
let server: Server;
let url: string;
let now = 0;
/** Of what phones send; null: no answer. */
let sent: number | null = 200;
const posted: string[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'phone-withdrawn-'));
  await writeFile(join(root, 'public.pem'), spkiToPem(EXPORT_KEY.publicKeySpki));
  await writeFile(join(root, 'manifest-public.pem'), spkiToPem(manifestSigner.publicKeySpki));
  server = createServer((request, response) => {
    const path = (request.url ?? '').slice(1);
    if (request.method === 'POST') {
      posted.push(path);
      if (sent === null) request.destroy();
      else request.resume().on('end', () => response.writeHead(sent ?? 0).end());
      return;
    }
    const body = path === 'local/clock' ? JSON.stringify({ now }) : timeline.at(path, now);
    // The phone lives in another year than this machine.
    response.sendDate = false;
    response.writeHead(body === null ? 404 : 200).end(body ?? undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(root, { recursive: true });
});

async function phone(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await main(args, { out: (text) => void out.push(text), err: (text) => void err.push(text) });
  return { code, out: out.join(''), err: err.join('') };
}

/** A phone that heard the two, just after the hour is published. */
async function phoneAt(name: string, hour: number): Promise<string> {
  const directory = join(root, name);
  now = (MIDNIGHT + hour + 1) * 3600 + 120;
  await mkdir(directory, { recursive: true });
  const settings = ['--pins', root, '--url', url, '--region', REGION, '--local-clock'];
  const made = await phone('init', directory, ...settings);
  if (made.code !== 0) throw new Error(made.err);
  await writeFile(join(directory, 'sightings.json'), toStateText(HEARD));
  return directory;
}

describe('a warning that is taken back', () => {
  it('is said once, with what is left of it; then it is a count', async ({ expect }) => {
    const ben = await phoneAt('ben', 24);
    const warned = await phone('sync', ben);
    expect([warned.code, warned.out]).toEqual([0, expect.stringContaining('WARNING: met 2 keys of people who tested')]);
    expect(warned.out).not.toContain('WITHDRAWN');

    now = (MIDNIGHT + 26) * 3600 + 120;
    const { out } = await phone('sync', ben);
    expect(out.replaceAll(`${ben}: `, '').trim().split('\n')).toEqual([
      '2 files with 1 keys, new, and 2 revoked',
      'WITHDRAWN: one key of an earlier warning was taken back; what is left of it follows',
      expect.stringContaining('WARNING: met one key of people who tested positive'),
    ]);
    const status = await phone('status', ben);
    expect(status.out).toContain('  withdrawn one key of earlier warnings\n');
    expect(status.out).not.toContain('WITHDRAWN');

    now = (MIDNIGHT + 29) * 3600 + 120;
    const { out: json } = await phone('sync', ben, '--json');
    expect(JSON.parse(json)).toMatchObject({ met: 0, lastMet: null, revoked: 1, withdrawn: 2, newlyWithdrawn: 1 });
    const again = await phone('sync', ben, '--json');
    expect(JSON.parse(again.out)).toMatchObject({ met: 0, revoked: 0, withdrawn: 2, newlyWithdrawn: 0 });
  });

  it('that nobody was given is none', async ({ expect }) => {
    const carla = await phoneAt('carla', 22);
    // What she met and what was revoked come in one run: her phone never warned her.
    now = (MIDNIGHT + 29) * 3600 + 120;
    const { out } = await phone('sync', carla, '--json');
    expect(JSON.parse(out)).toMatchObject({ met: 0, withdrawn: 0, newlyWithdrawn: 0 });
  });

  it('is said by the next command, when the one that learned of it died before it could', async ({ expect }) => {
    const dora = await phoneAt('dora', 24);
    await phone('sync', dora);
    now = (MIDNIGHT + 26) * 3600 + 120;
    const before = await readFile(join(dora, 'matches.json'), 'utf8');
    await phone('sync', dora);
    const told = JSON.parse(await readFile(join(dora, 'matches.json'), 'utf8')) as { entries: { told?: string }[] };
    // As it lay there after the keys were handed on, and before anything was said.
    const entries = told.entries.map((entry) => ({ ...entry, told: 'warned' }));
    await writeFile(join(dora, 'matches.json'), JSON.stringify({ ...told, entries }));
    expect(before).toContain('"told":"warned"');
    expect((await phone('status', dora)).out).toContain('WITHDRAWN: one key of an earlier warning was taken back');
    expect((await phone('status', dora)).out).not.toContain('WITHDRAWN');
  });
});

describe('keys that are taken back without an answer', () => {
  it('are told again by a later sync, when it is time, and once they are heard no more', async ({ expect }) => {
    const emil = await phoneAt('emil', 24);
    const secrets = [1, 2].map(() => ({ keyData: random(16), secret: random(32), until: now + 86_400 }));
    await writeFile(join(emil, 'secrets.json'), toStateText(secrets));
    sent = null;
    expect(await phone('withdraw', emil)).toMatchObject({ code: 1, err: expect.stringContaining('phone sync') });
    sent = 200;
    posted.length = 0;
    const early = await phone('sync', emil, '--json');
    expect([JSON.parse(early.out), posted]).toMatchObject([{ takenBack: 0 }, []]);
    now += 120;
    const told = await phone('sync', emil);
    expect(told.out).toContain('what was taken back without an answer is told: 2 keys');
    expect(posted).toEqual(['version/v1/testresult', 'version/v1/tan', 'v1/withdrawal']);
    now += 3600;
    expect(JSON.parse((await phone('sync', emil, '--json')).out)).toMatchObject({ takenBack: 0 });
    expect(posted.length).toBe(3);
  });
});
