/**
 * @module A deployment ends, from the announcement to the certificate, by the commands that operators type (docs/sunset.md): two persons, a restart in the
 * middle, phones, Corona-Warn-App's tree, and everything that may come late.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type ManifestState, syncManifest } from '../../phone/download/download-manifest.ts';
import { currentParameters, newParametersState, updateParameters } from '../../phone/parameters/parameters.ts';
import { memoryStore } from '../../phone/store.ts';
import { openBuckets } from '../../local-edge/buckets.ts';
import { ROOT } from '../../local-edge/workers.ts';
import { isEmpty } from '../../domain/sunset.ts';
import { endOfService } from '../../protocol/parameters/end-of-service.ts';
import { downloadPorts, pinnedKeys } from '../../scripts/demo/stage.ts';
import { runChild } from '../../scripts/support/command-line/child.ts';
import { bucketStore } from '../../scripts/support/object-store.ts';
import { command, moveClock } from '../../scripts/support/operator.ts';
import { ParameterPortal } from '../../scripts/support/portal.ts';
import { patientKeys, payloadOf, START, startSystem, type System } from '../conformance/support/system.ts';

const NAME = 'local edge';
const vars = {
  origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' },
  upload: { ANSWER_DEADLINE_MS: '0' },
  verification: { ANSWER_DEADLINE_MS: '0' },
};

let state = '';
let system: System;
const start = async (): Promise<void> => {
  system = await startSystem({ state, vars });
};
beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'sunset-test-'));
  await start();
});
afterAll(async () => {
  await system.edge.dispose();
  rmSync(state, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number | null;
  readonly stderr: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- what a command prints as JSON is looked at by its fields
  readonly result: any;
}

async function sunset(...args: string[]): Promise<Outcome> {
  const offline = args[0] === 'check';
  const line = [
    'scripts/run.sh',
    'scripts/sunset.ts',
    ...args,
    ...(offline ? [] : ['--url', system.edge.url]),
    '--json',
  ];
  const { code, stdout, stderr } = await runChild('sh', line, { cwd: ROOT, output: 'kept' });
  return { code, stderr, result: stdout === '' ? null : JSON.parse(stdout) };
}

const uploadStatus = async (tan: string | null, label: string): Promise<number> =>
  (await system.upload(tan, payloadOf(patientKeys(label, START)))).status;

const phone = memoryStore<ManifestState>();
let keysFetched = 0;
async function sync(now: number, store = phone) {
  keysFetched = 0;
  const onFile = ({ exportFile }: { exportFile: { keys: readonly unknown[] } }) =>
    void (keysFetched += exportFile.keys.length);
  const { manifestKeys } = pinnedKeys(system.edge);
  return syncManifest({ ...downloadPorts(system.edge, now, onFile), manifestKeys, region: 'EUR', store });
}

const text = async (path: string): Promise<[number, string]> => {
  const { status, body } = await system.send(path);
  return [status, new TextDecoder().decode(body)];
};

/** @returns files of the state that hold one of these */
function filesWith(keys: readonly Uint8Array[]): string[] {
  const entries = readdirSync(join(state, 'resources'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return files.filter((file) => {
    const bytes = readFileSync(file);
    return keys.some((key) => bytes.includes(Buffer.from(key)));
  });
}
/** Whether the same search found keys while there were some. */
let wereThere = false;

describe('a deployment ends', () => {
  const HOUR = 3600;
  let spare: string[] = [];
  let certificate = '';

  it('is announced: phones read the day in the parameters', async ({ expect }) => {
    const document = readFileSync(join(ROOT, 'parameters/default.json'), 'utf8');
    const portal = new ParameterPortal(system.edge.url);
    await portal.publish({ document, audience: null, dryRun: false }, 0);
    const dry = await sunset('announce', '--date', '2027-01-31');
    expect([dry.code, dry.result.kind]).toEqual([0, 'needs-second-person']);
    const { result } = await sunset('announce', '--date', '2027-01-31', '--confirm');
    expect(result.kind).toBe('proposed');
    const { proposals, version } = await portal.status();
    expect([proposals.length, version]).toEqual([1, 1]);
    const { manifestKeys: keys } = pinnedKeys(system.edge);
    const source = { fetch, url: system.edge.url, keys, phone: { platform: 'android', version: 1 } } as const;
    const announced = async (): Promise<string | null> => {
      const fresh = newParametersState((length) => new Uint8Array(length));
      const updated = await updateParameters(source, fresh, START);
      return endOfService(currentParameters(updated.state)?.appFeatures ?? []);
    };
    expect(await announced()).toBeNull();
    const identity = JSON.stringify({ name: 'bea@example.org', roles: ['operator'], provider: 'bea', at: 0 });
    const cookie = `local-identity=${encodeURIComponent(identity)}`;
    await command(system.edge.url, 'POST', '/operator/config/agree', { proposal: proposals[0]!.id }, [], { cookie });
    expect(await announced()).toBe('2027-01-31');
  });

  it('is stopped by two persons, who type its name', async ({ expect }) => {
    const [first = '', second = '', ...others] = await system.tans(6);
    spare = others;
    expect(await uploadStatus(first, 'first')).toBe(200);
    await moveClock(system.edge.url, START + HOUR);
    expect(await uploadStatus(second, 'second')).toBe(200);
    const plan = await sunset('plan');
    expect([plan.code, plan.result.deployment, plan.result.ending.waits]).toEqual([0, NAME, true]);
    // Of origin, verification, laboratory and portal, and the switches of peers.
    expect(plan.result.objects.length).toBe(3 + 20 + 17 + 1 + 1);
    expect(plan.result.objects.every((one: { phase: string }) => one.phase === 'open')).toBe(true);

    expect((await sunset('purge', '--deployment', NAME)).result).toMatchObject({ kind: 'early', first: 'stop' });
    const wrong = await sunset('stop', '--deployment', 'another', '--confirm');
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('not the name of this deployment')]);
    expect((await sunset('stop', '--deployment', NAME)).result.kind).toBe('would');
    for (let again = 0; again < 2; again++) {
      expect((await sunset('stop', '--deployment', NAME, '--confirm')).result).toMatchObject({
        kind: 'waits',
        by: 'local-operator',
      });
    }
    expect((await sunset('plan')).result.objects.every((one: { phase: string }) => one.phase === 'open')).toBe(true);
    const done = await sunset('stop', '--deployment', NAME, '--confirm', '--as', 'bea@example.org');
    expect([done.code, done.result.kind]).toEqual([0, 'done']);
    expect(done.result.status.objects.every((one: { phase: string }) => one.phase === 'stopped')).toBe(true);
  });

  it('takes nothing more: one answer to every upload; no code, no token', async ({ expect }) => {
    const now = START + HOUR + 61;
    await moveClock(system.edge.url, now);
    const answers = [
      await system.upload(spare[0] ?? '', payloadOf(patientKeys('late', START))),
      await system.upload(null, payloadOf([])),
      await system.upload('no TAN', payloadOf(patientKeys('late', START))),
    ];
    const wire = answers.map(({ status, headBytes, body }) => [status, headBytes, body.length]);
    expect(wire[0]![0]).toBe(403);
    for (const one of wire) expect(one).toEqual(wire[0]);
    await expect(system.tans(1)).rejects.toThrow('410');
    const register = await system.send('/version/v1/registrationToken', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'cwa-fake': '0' },
      body: new TextEncoder().encode(JSON.stringify({ key: 'ab'.repeat(32), keyType: 'GUID' })),
    });
    expect(register.status).toBe(400);
    const early = await sunset('purge', '--deployment', NAME, '--confirm');
    expect([early.code, early.result.kind]).toEqual([1, 'early']);
  });

  it('publishes what waited, then says that it has ended; a phone fetches all of it, and asks no more', async ({
    expect,
  }) => {
    // The hours are caught up with; once nothing waits, the next one's head says so.
    await moveClock(system.edge.url, START + 3 * HOUR);
    const now = START + 4 * HOUR;
    await moveClock(system.edge.url, now);
    expect((await sunset('plan')).result.ending).toEqual({ waits: false, announced: true, kept: null });
    expect((await sync(now + 60)).errors).toEqual([]);
    expect(keysFetched).toBe(28);
    wereThere = filesWith(patientKeys('first', START).map(({ keyData }) => keyData!)).length > 0;
    expect((await sync(now + 90 * 86_400)).requests).toBe(0);
    expect((await sunset('prove')).result.kind).toBe('left');
  });

  it('is purged by two persons, over a restart in between', async ({ expect }) => {
    expect((await sunset('purge', '--deployment', NAME)).result.kind).toBe('would');
    expect((await sunset('purge', '--deployment', NAME, '--confirm', '--as', 'bea@example.org')).result.kind).toBe(
      'waits',
    );
    await system.edge.dispose();
    await start();
    await moveClock(system.edge.url, START + 4 * HOUR + 60);
    const done = await sunset('purge', '--deployment', NAME, '--confirm');
    expect([done.code, done.result.kind, done.result.status.objects.filter((one: never) => !isEmpty(one))]).toEqual([
      0,
      'done',
      [],
    ]);
    expect(Object.keys(done.result.status.buckets).toSorted()).toEqual(['public v1', 'public version']);
    certificate = join(state, 'certificate.json');
    const proved = await sunset('prove', '--to', certificate);
    expect([proved.code, proved.result.kind]).toEqual([0, 'proved']);
    const checked = await sunset('check', '--certificate', certificate, '--log-key', join(state, 'log-public.pem'));
    expect([checked.code, checked.result.proof]).toEqual([0, proved.result.proof]);
    const other = await sunset('check', '--certificate', certificate, '--log-key', join(state, 'manifest-public.pem'));
    expect([other.code, other.result]).toEqual([1, { signed: false }]);
    expect(proved.result.proof).toMatchObject({ deployment: NAME, audit: { entries: expect.any(Number) as unknown } });
    expect(JSON.parse((await text('/v1/ended.json'))[1])).toEqual(JSON.parse(readFileSync(certificate, 'utf8')));
  });

  it('nothing comes back: late uploads, crons, commands, days later, after another restart', async ({ expect }) => {
    for (let day = 1; day <= 3; day++) {
      await moveClock(system.edge.url, START + day * 86_400 + HOUR);
      for (const worker of ['origin', 'verification', 'laboratory', 'portal']) {
        await (await system.edge.miniflare.getWorker(`exposure-edge-${worker}`)).scheduled({});
      }
      expect(await uploadStatus(spare[1] ?? '', 'very late')).toBe(403);
      await expect(system.tans(1)).rejects.toThrow('410');
      expect((await system.send('/staff/teletan', { headers: { cookie: '' } })).status).toBe(303);
    }
    await system.edge.dispose();
    await start();
    await moveClock(system.edge.url, START + 4 * 86_400);
    expect(await uploadStatus(spare[2] ?? '', 'last')).toBe(403);
    expect((await sunset('prove')).result).toMatchObject({ kind: 'proved', proof: { deployment: NAME } });
  });

  it('CWA’s apps find empty lists, a new phone the last head', async ({ expect }) => {
    const tree = '/version/v1/diagnosis-keys/country/EUR/date';
    expect(await text(tree)).toEqual([200, '[]']);
    expect(await text(`${tree}/2026-11-27/hour`)).toEqual([200, '[]']);
    const fresh = memoryStore<ManifestState>();
    const now = START + 4 * 86_400;
    expect(await sync(now, fresh)).toMatchObject({ files: 0, errors: [] });
    expect((await sync(now + 86_400, fresh)).requests).toBe(0);
  });

  it('no byte of a key is left on the disk, in no object and no bucket', async ({ expect }) => {
    const uploaded = ['first', 'second'].flatMap((label) => patientKeys(label, START));
    const found = filesWith(uploaded.map(({ keyData }) => keyData!));
    expect([wereThere, found]).toEqual([true, []]);
    await system.edge.dispose();
    const buckets = await openBuckets(state);
    const names = await bucketStore(buckets.publicBucket).list('');
    const secret = await bucketStore(buckets.privateBucket).list('');
    await buckets.dispose();
    // Of two regions the last head, the empty list of days and of files; the certificate.
    expect([names.length, secret]).toEqual([7, []]);
    await start();
  });
});
