/**
 * @module The story of README.md ("Two phones by hand") as it is typed: two people meet, one of them is tested, shares, and the other's
 * phone warns. Every step is the command line's, against all Workers with the chunk policy that is deployed.
 */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { OriginBackOfficeRpc } from '../../domain/rpc.ts';
import parameters from '../../parameters/default.json' with { type: 'json' };
import { main } from '../../phone/cli/cli.ts';
import { scanQrCode } from '../../phone/verification/codes.ts';
import { publishParameters } from '../../scripts/demo/risk.ts';
import { callHotline, moveClock, setClock } from '../../scripts/support/operator.ts';
import { START, startSystem, type System } from '../conformance/support/system.ts';
import { openLaboratory, postResult, withBackOffice } from '../support/back-office.ts';

const HOUR = 3600;
const QR = 'https://localhost/?3D6D08-9AB3CD10-1F2E-4D5C-8B7A-0123456789AB';
let system: System;
let home: string;
let now = START;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'phone-story-'));
  system = await startSystem({
    vars: { upload: { ANSWER_DEADLINE_MS: '0' }, verification: { ANSWER_DEADLINE_MS: '0' } },
    adapt: withBackOffice,
  });
  await openLaboratory(system.edge.url);
});
afterAll(async () => {
  await system.edge.dispose();
  await rm(home, { recursive: true });
});

const NAMES = ['anna', 'ben', 'cleo'];

/** One line as it is typed; names of phones are directories below the person's home. */
async function typed(line: string) {
  const args = line.split(' ').map((word) => (NAMES.includes(word) ? join(home, word) : word));
  const [out, err]: [string[], string[]] = [[], []];
  const code = await main(args, { out: (text) => void out.push(text), err: (text) => void err.push(text) });
  const text = out.join('');
  const value = args.includes('--json') ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { code, text: text + err.join(''), value };
}

async function wait(hours: number): Promise<void> {
  now += hours * HOUR;
  await moveClock(system.edge.url, now);
}

describe('two phones by hand', () => {
  it('are made, and meet', async ({ expect }) => {
    const { url, state } = system.edge;
    for (const name of NAMES) {
      expect(await typed(`init ${name} --pins ${state} --url ${url} --local-clock`)).toMatchObject({ code: 0 });
    }
    expect((await typed('meet anna ben --minutes 20')).code).toBe(0);
    expect((await typed('sync ben')).text).toContain('nothing is published yet');
  });

  it('scan, poll: pending; the laboratory posts; poll: positive', async ({ expect }) => {
    await wait(23);
    expect((await typed('meet ben cleo')).code).toBe(0);
    expect((await typed(`scan anna ${QR} --json`)).value).toMatchObject({ result: 'pending' });
    expect((await typed('poll anna --json')).value).toMatchObject({ result: 'pending' });
    expect((await typed('share anna')).text).toContain('nothing to share: there is no result yet');
    // The same again, and a teleTAN that nobody issued: neither costs her the result.
    expect((await typed(`scan anna ${QR}`)).text).toContain('has this test already');
    expect(await typed('type anna 234567892D --json')).toMatchObject({ code: 1, value: { error: 'ask-hotline' } });
    const scanned = scanQrCode(QR);
    if (!scanned.ok) throw new Error('no code');
    await postResult(system.edge.url, scanned.value.key, 2);
    expect((await typed('poll anna --json')).value).toMatchObject({ result: 'positive' });
    // Nobody else gets in with it.
    expect(await typed(`scan cleo ${QR} --json`)).toMatchObject({ code: 1, value: { error: 'ask-hotline' } });
  });

  it('shares; the hour waits for others, is filled and sealed; the other phone is warned, and no third', async ({
    expect,
  }) => {
    expect(await typed('share anna --symptoms 2 --json')).toMatchObject({ code: 0, value: { keys: 1 } });
    await wait(1);
    expect((await typed('sync ben --json')).value).toMatchObject({ keys: 0, met: 0 });
    await publishParameters(system.edge);
    await wait(7);
    const risk = { level: 'HIGH', minutes: 20, v1: 'HIGH' };
    const warned = await typed('sync ben --json');
    expect(warned).toMatchObject({ code: 0, value: { files: 1, met: 1, lastMet: '2026-11-24', risk, errors: [] } });
    expect(Number(warned.value['keys'])).toBeGreaterThanOrEqual(140);
    expect((await typed('sync ben')).text).toContain('WARNING: met one key');
    expect((await typed('sync cleo --json')).value).toMatchObject({ files: 1, met: 0, risk: { level: 'LOW' } });
    expect((await typed('status ben --json')).value).toMatchObject({ met: 1, risk, test: 'none' });
  });

  it('shares the key of the day of the test once it has ended', async ({ expect }) => {
    expect((await typed('share anna')).text).toContain('goes out from');
    await wait(16);
    expect(await typed('share anna --json')).toMatchObject({ code: 0, value: { keys: 1, nextKeyAt: null } });
    expect((await typed('status anna --json')).value).toMatchObject({ test: 'none' });
  });

  it('opens by a teleTAN too, and a test can be forgotten', async ({ expect }) => {
    const teleTan = await callHotline(system.edge.url);
    expect((await typed(`type cleo ${teleTan} --json`)).value).toMatchObject({ result: 'positive' });
    expect(await typed('forget cleo --json')).toMatchObject({ code: 0, value: { test: null } });
    expect(await typed(`type cleo ${teleTan} --json`)).toMatchObject({
      code: 1,
      value: { error: 'ask-hotline' },
    });
  });

  it('the warning ends 14 days after the encounter, and the phone forgets it', async ({ expect }) => {
    const read = (name: string) => readFile(join(home, 'ben', `${name}.json`), 'utf8');
    await setClock(system.edge.url, START + 14 * 24 * HOUR + 1);
    expect((await typed('status ben --json')).value).toMatchObject({ met: 0, lastMet: null, risk: { level: 'LOW' } });
    // Kept until an answer has shown that the clock is right.
    expect(JSON.parse(await read('sightings'))).toHaveLength(8);
    const document = JSON.stringify({ ...parameters, comment: 'a fortnight later' });
    const portal = await system.edge.miniflare.getBindings<{ ORIGIN: OriginBackOfficeRpc }>('exposure-edge-portal');
    // Two people, as `portal` says when the second has agreed.
    const reply = await portal.ORIGIN.publishParameters({ document, audience: null, dryRun: false }, 1, 2);
    expect(reply).toMatchObject({ kind: 'published' });
    // The manifest is of two weeks before: nobody advanced the origin. The parameters are of now, and so is the clock.
    expect((await typed('sync ben')).text).toContain('newer ones are withheld');
    expect(JSON.parse(await read('sightings'))).toHaveLength(4);
    expect((await typed('status ben --json')).value).toMatchObject({ sightings: 4 });
  });

  it('every file of a phone is its owner’s alone', async ({ expect }) => {
    for (const name of NAMES) {
      for (const file of await readdir(join(home, name))) {
        expect((await stat(join(home, name, file))).mode & 0o077, `${name}/${file}`).toBe(0);
      }
    }
  });
});
