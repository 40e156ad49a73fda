/**
 * @module A deployment whose `origin` loses everything that it stores, while a phone's keys wait and another phone polls (docs/restore.md): who had their
 * keys acknowledged is published, who polls sees a late hour and nothing else.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { ROOT } from '../../local-edge/workers.ts';
import { main } from '../../phone/cli/cli.ts';
import { publishParameters } from '../../scripts/demo/risk.ts';
import { runChild } from '../../scripts/support/command-line/child.ts';
import { keysInBuckets, loseOrigin, restoreKeyFile } from '../../scripts/support/lost-storage.ts';
import { callHotline, moveClock, status } from '../../scripts/support/operator.ts';
import { START } from '../conformance/support/system.ts';

const HOUR = 3600;
const ORIGIN = 'exposure-edge-origin';
const VARS = {
  upload: { ANSWER_DEADLINE_MS: '0' },
  verification: { ANSWER_DEADLINE_MS: '0' },
  origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' },
};

let home: string;
let edge: LocalEdge;
let now = START;
const logged: string[] = [];

const start = async (port: number): Promise<void> => {
  edge = await startLocalEdge({ state: join(home, 'edge'), port, vars: VARS, onLog: (line) => logged.push(line) });
};

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'restore-test-'));
  await start(0);
});
afterAll(async () => {
  await edge.dispose();
  await rm(home, { recursive: true });
});

const NAMES = ['anna', 'ben'];

/** A phone's command line. */
async function typed(line: string) {
  const args = line.split(' ').map((word) => (NAMES.includes(word) ? join(home, word) : word));
  const [out, err]: [string[], string[]] = [[], []];
  const code = await main(args, { out: (text) => void out.push(text), err: (text) => void err.push(text) });
  const value = args.includes('--json') ? (JSON.parse(out.join('')) as Record<string, unknown>) : {};
  return { code, text: out.join('') + err.join(''), value };
}

async function wait(hours: number): Promise<void> {
  now += hours * HOUR;
  await moveClock(edge.url, now);
}

/** `npm run restore`. */
async function restore(...args: string[]) {
  const call = ['scripts/run.sh', 'scripts/restore.ts', '--url', edge.url, '--json', ...args];
  const { code, stdout, stderr } = await runChild('sh', call, { cwd: ROOT, output: 'kept' });
  return { code, stderr, result: stdout === '' ? null : JSON.parse(stdout) };
}

async function writeJournal(): Promise<void> {
  const namespace = await edge.miniflare.getDurableObjectNamespace('SUBMISSION_BUFFER', ORIGIN);
  await (namespace.get(namespace.idFromName('buffer')) as unknown as { writeJournal(): Promise<void> }).writeJournal();
}

const key = (): string => restoreKeyFile(edge.state);

describe('origin loses everything that it stores', () => {
  it('while keys wait', async ({ expect }) => {
    const { url, state } = edge;
    await moveClock(url, now);
    for (const name of NAMES) await typed(`init ${name} --pins ${state} --url ${url} --local-clock`);
    expect((await typed('meet anna ben --minutes 20')).code).toBe(0);
    await publishParameters(edge);
    await wait(24);
    expect((await typed('sync ben --json')).value).toMatchObject({ met: 0, errors: [] });
    await typed(`type anna ${await callHotline(url)}`);
    expect(await typed('share anna --symptoms 2 --json')).toMatchObject({ code: 0, value: { keys: 1 } });
    await writeJournal();
    const before = await status(url);
    expect((await restore()).result).toEqual({ kind: 'nothing-lost', parameters: null });

    await edge.dispose();
    expect((await keysInBuckets(state)).kept.size).toBe(1);
    loseOrigin(state);
    await start(Number(new URL(url).port));

    // Nobody publishes, nobody takes uploads, and what lies in the buckets stays.
    await expect(status(url)).resolves.toMatchObject({ regions: [{ sequence: 0 }, { sequence: 0 }] });
    await expect(moveClock(url, now)).rejects.toThrow('500');
    expect((await typed('sync ben --json')).value).toMatchObject({ errors: [] });
    const dry = await restore('--restore-key', key());
    expect(dry.stderr).toBe('');
    expect(dry).toMatchObject({ code: 0, result: { kind: 'would-restore', facts: { journal: { keys: 1 } } } });
    expect(dry.result.facts.regions.map(({ sequence }: { sequence: number }) => sequence)).toEqual(
      before.regions.map(({ sequence }) => sequence),
    );
  });

  it('which is restored with the right key, for the deployment that is named', async ({ expect }) => {
    const host = new URL(edge.url).host;
    expect(await restore('--confirm', host)).toMatchObject({ code: 1, result: { kind: 'needs-secret' } });
    const other = await restore('--restore-key', key(), '--confirm', 'portal.example.org');
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining(`deployment must be ${host}`)]);
    const wrong = await restore('--restore-key', join(edge.state, 'laboratories.pem'), '--confirm', host);
    expect(wrong).toMatchObject({
      code: 1,
      result: { kind: 'refused', findings: [{ object: 'journal/waiting.bin' }] },
    });
    // The key itself may stay on a machine without a network.
    const { journalHeader } = (await restore()).result as { journalHeader: string };
    const offline = await restore('--restore-key', key(), '--journal-header', journalHeader);
    const done = await restore('--journal-secret', offline.result.journalSecret, '--confirm', host);
    expect(done.stderr).toBe('');
    expect(done).toMatchObject({
      code: 0,
      result: { kind: 'restored', parameters: 1, facts: { journal: { keys: 1 } } },
    });
    expect((await restore('--confirm', host)).result).toEqual({ kind: 'nothing-lost', parameters: null });
  });

  it('and phones see a late hour, the waiting key, and heads that go on', async ({ expect }) => {
    await wait(2);
    expect((await typed('sync ben --json')).value).toMatchObject({ met: 1, risk: { level: 'HIGH' }, errors: [] });
    // What was published is known: the same upload again is answered as stored, and nothing is published twice.
    await wait(24);
    expect((await typed('sync ben --json')).value).toMatchObject({ met: 1, errors: [] });
    const { counters } = await status(edge.url);
    expect(counters).toMatchObject({ restored: 1, keys_published_DE: 1, keys_published_EUR: 1 });
    expect(Object.keys(counters).filter((name) => name.startsWith('alert') && name !== 'alert_storage_lost')).toEqual(
      [],
    );
    await edge.dispose();
    for (const script of ['log', 'rebuild']) {
      const args = script === 'log' ? ['verify'] : ['--verify'];
      const call = ['scripts/run.sh', `scripts/${script}.ts`, ...args, '--state', edge.state, '--json'];
      const { code, stdout } = await runChild('sh', call, { cwd: ROOT, output: 'kept' });
      expect([script, code, stdout.slice(0, 500)]).toEqual([script, 0, expect.any(String)]);
    }
    await start(0);
    expect(logged.filter((line) => line.includes('Error'))).toEqual([]);
  });
});
