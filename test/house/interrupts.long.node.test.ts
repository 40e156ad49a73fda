/**
 * @module Ctrl-C at every kind of command: what it started is gone, and so is what it left in the system's temporary folder. Each
 * command gets a temporary folder of its own, by which its children are found in /proc too (Linux).
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { ROOT } from '../../local-edge/workers.ts';
import { freePorts } from '../support/free-ports.ts';

let root = '';
beforeAll(() => void (root = mkdtempSync(join(tmpdir(), 'interrupts-'))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Processes that have the folder as their temporary one. */
function alive(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const of = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8');
        // nginx writes its title over its environment, and its folder into the title.
        return of('environ').includes(`\0TMPDIR=${folder}`) || of('cmdline').includes(`nginx -p ${folder}/`);
      } catch {
        return false; // gone meanwhile, or another user's
      }
    })
    .map(Number);
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  /** Processes beside the command while it worked. */
  readonly children: number;
  readonly left: readonly string[];
  readonly running: readonly number[];
}

/** When to interrupt: the command has printed this, or made such a folder. */
type When = { readonly printed: RegExp } | { readonly folder: RegExp };

/** Runs a command, interrupts the process alone (no terminal tells its children), and looks at what is left. */
async function interrupt(
  args: readonly string[],
  when: When,
  signal: NodeJS.Signals = 'SIGINT',
  program: string = process.execPath,
): Promise<Ended> {
  const folder = mkdtempSync(join(root, 'run-'));
  const child = spawn(program, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    // npm keeps its own compiled code in the temporary folder, for its next start.
    env: {
      ...process.env,
      NODE_DISABLE_COMPILE_CACHE: '1',
      TMPDIR: folder,
      PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => (output += part));
  }
  const ended = new Promise<Pick<Ended, 'code' | 'signal'>>((resolve) =>
    child.once('exit', (code, by) => resolve({ code, signal: by })),
  );
  await until(child, () =>
    'printed' in when ? when.printed.test(output) : readdirSync(folder).some((name) => when.folder.test(name)),
  ).catch((error: unknown) => {
    throw new Error(`${args.join(' ')}: ${String(error)}\n${output}`);
  });
  const children = alive(folder).length - 1;
  child.kill(signal);
  const end = await ended;
  // Killed processes are gone a moment later.
  for (let tries = 0; tries < 100 && alive(folder).length > 0; tries += 1) await sleep(50);
  const running = alive(folder);
  return { ...end, output, children, left: readdirSync(folder), running };
}

async function until(child: ChildProcess, reached: () => boolean): Promise<void> {
  while (!reached()) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('ended before it was interrupted');
    await sleep(20);
  }
}

const NOTHING_LEFT = { left: [], running: [] };
const INTERRUPTED = { code: 130, signal: null, ...NOTHING_LEFT };

describe('Ctrl-C', () => {
  it('ends a command with an edge of its own while its Workers start', async ({ expect }) => {
    const ended = await interrupt(['scripts/fuzz.ts'], { folder: /^exposure-edge-/ });
    expect(ended).toMatchObject(INTERRUPTED);
  });

  it('ends it while it works, workerd included', async ({ expect }) => {
    const ended = await interrupt(['scripts/fuzz.ts'], { printed: /inputs +0 %/ });
    expect(ended).toMatchObject(INTERRUPTED);
    expect(ended.children).toBeGreaterThan(0);
  });

  it('ends chaos and its victim, which is in a process group of its own, at SIGTERM as well', async ({ expect }) => {
    const ended = await interrupt(['scripts/chaos.ts', '--kills', '900'], { printed: /runs on http/ }, 'SIGTERM');
    expect(ended).toMatchObject(INTERRUPTED);
    expect(ended.children).toBeGreaterThan(0);
  });

  it('ends the program that a command waits for', async ({ expect }) => {
    const ended = await interrupt(['scripts/generate-protobuf.ts', '--check'], { printed: /\.proto files/ });
    expect(ended).toMatchObject(INTERRUPTED);
  });

  it('ends what only computes at once, before it has written anything', async ({ expect }) => {
    const out = join(root, 'simulate');
    const args = ['simulator/cli.ts', '--phones', '100000', '--out', out];
    const ended = await interrupt(args, { printed: /people/ });
    expect(ended).toMatchObject({ code: null, signal: 'SIGINT', ...NOTHING_LEFT });
    expect(existsSync(out)).toBe(false);
  });

  it('is how npm start ends: 0, no workerd left, and the state is kept', async ({ expect }) => {
    const state = join(root, 'state');
    const ended = await interrupt(['scripts/start.ts', '--port', '0', '--state', state], { printed: /is ready/ });
    expect(ended).toMatchObject({ code: 0, signal: null, ...NOTHING_LEFT });
    expect(ended.output).toContain('has stopped');
    expect(existsSync(join(state, 'secrets.json'))).toBe(true);
  });

  it('ends a federation while it starts, and once it runs: no backend is left, each of which is in a group of its own', async ({
    expect,
  }) => {
    const args = ['scripts/federation.ts', 'serve-local', '--regions', 'DE,NL', '--dir', join(root, 'federation')];
    const early = await interrupt(args, { folder: /^exposure-edge-backend-/ });
    expect(early).toMatchObject(INTERRUPTED);
    const ended = await interrupt(args, { printed: /backends are ready/ }, 'SIGTERM');
    expect(ended).toMatchObject({ code: 0, signal: null, ...NOTHING_LEFT });
    expect(ended.output).toContain('have stopped');
  });

  it('ends a trial on one’s own hardware: no store, no workerd, no nginx, no folder', async ({ expect }) => {
    for (const printed of [/workerd  http/, /Ctrl-C ends it/]) {
      const ended = await interrupt(['scripts/serve.ts', 'trial', '--stay'], { printed });
      expect(ended).toMatchObject({ code: printed.test('Ctrl-C ends it') ? 0 : 130, signal: null, ...NOTHING_LEFT });
      // Its environment is its own, so that it isn't found by the folder in it.
      const workerd = /workerd .*process (\d+)/.exec(ended.output)?.[1] ?? '';
      // Killed processes are gone a moment later.
      for (let tries = 0; tries < 100 && existsSync(`/proc/${workerd}`); tries += 1) await sleep(50);
      expect([workerd, existsSync(`/proc/${workerd}`)]).toEqual([expect.stringMatching(/^\d+$/), false]);
    }
  });

  it('at npm, SIGTERM even, ends an edge tier: no nginx, no workerd and no folder is left', async ({ expect }) => {
    await promisify(execFile)('sh', ['scripts/edge-tools.sh'], { cwd: ROOT });
    const port = await freePorts(6);
    // Workers that are there: what is tried here is nginx, and who hands the signal on.
    const workers = createServer((_, answer) => void answer.end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => workers.once('listening', resolve));
    const url = `http://127.0.0.1:${(workers.address() as AddressInfo).port}`;
    const args = ['run', '-s', 'edge', '--', '--port', String(port), '--workers', url];
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const ended = await interrupt(args, { printed: /Ctrl-C ends it/ }, signal, 'npm');
      expect(ended).toMatchObject({ code: 0, signal: null, ...NOTHING_LEFT });
      // Node and nginx.
      expect(ended.children).toBeGreaterThan(1);
    }
    workers.close();
  });

  it('runs the clean-ups that a load test has asked for, the latest first, and all of them', async ({ expect }) => {
    // As load-tests/driver/ does with k6, nginx and their folder; a clean-up that throws stops no other.
    const program = `
      import { spawn } from 'node:child_process';
      import { writeFileSync } from 'node:fs';
      import { endAtInterrupt, temporaryFolder } from '${ROOT}/scripts/support/command-line/interrupt.ts';
      const { path } = temporaryFolder('example');
      writeFileSync(path + '/file', 'x');
      endAtInterrupt(() => console.log('first'));
      endAtInterrupt(() => { throw new Error('this one fails'); });
      const child = spawn('sleep', ['600'], { detached: true });
      endAtInterrupt(() => void child.kill('SIGKILL'));
      endAtInterrupt(() => console.log('last'));
      endAtInterrupt(() => console.log('ended by itself'))();
      console.log('ready');`;
    const ended = await interrupt(['--input-type=module', '-e', program], { printed: /ready/ });
    expect(ended).toMatchObject(INTERRUPTED);
    expect(ended.children).toBe(1);
    expect(ended.output).toMatch(/^ready\n[^]*last\n[^]*first\n/);
    expect(ended.output).toContain('Error: this one fails');
    expect(ended.output).not.toContain('ended by itself');
  });
});
