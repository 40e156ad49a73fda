/**
 * @module workerd as a process: alone on its state, gone with its parent.
 *
 * The lock is held by workerd itself (`flock --no-fork`), since it is what writes: it is free the moment workerd is gone, whoever else was killed, and taken as
 * long as an orphan lives. A parent that is killed takes workerd along (`setpriv --pdeathsig`); what was answered is on the disk then
 * (docs/spec/platform.md §3.6).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../../../../local-edge/workers.ts';
import { endAtInterrupt } from '../../command-line/interrupt.ts';

/** flock's exit code when somebody else has the lock: of its own choice, EX_TEMPFAIL of sysexits.h. */
const LOCKED = 75;
const PROBE_MS = 50;
/** Eight bundles are compiled; on a busy machine that takes seconds. */
const START_MS = 60_000;
/** Answers under way end in 1 s (ANSWER_DEADLINE_MS); a seal's step may take longer, and is taken up again. */
const DRAIN_MS = 10_000;

/** How to start. */
export interface WorkerdOptions {
  readonly state: string;
  /** Folder of the configuration and what it embeds. */
  readonly folder: string;
  /** Unix sockets it listens on; those of a run before are removed once the lock is ours. */
  readonly sockets: readonly string[];
  readonly control: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Gets each line that workerd or a Worker prints. */
  readonly onLog: (line: string) => void;
}

/** A running workerd. */
export interface Workerd {
  readonly pid: number;
  /** Resolves when it has ended, to how. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/** Nothing but what workerd needs: the rest of our environment is none of the Workers'. */
const PASSED = ['PATH', 'TZ', 'SSL_CERT_FILE', 'SSL_CERT_DIR'] as const;

/**
 * @param options see {@link WorkerdOptions}
 * @returns once it answers on the control socket
 * @throws Error when the state is somebody else's, a program is missing, or workerd ends or doesn't answer
 */
export async function startWorkerd(options: WorkerdOptions): Promise<Workerd> {
  const { state, folder, sockets, control, environment, onLog } = options;
  const lock = join(state, 'lock');
  const workerd = join(ROOT, 'node_modules/workerd/bin/workerd');
  const passed = Object.fromEntries(PASSED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  const script =
    'lock=$1; shift; echo $$ > "$lock"; while [ "$1" != -- ]; do rm -f -- "$1"; shift; done; shift; exec "$@"';
  const serve = [workerd, 'serve', '--experimental', join(folder, 'config.capnp')];
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', 'flock', '--nonblock', '--conflict-exit-code', String(LOCKED), '--no-fork', lock].concat(
      ['sh', '-c', script, 'sh', lock, ...sockets, '--'],
      serve,
    ),
    { env: { ...passed, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const forget = endAtInterrupt(() => void child.kill('SIGKILL'));
  const ended = endOf(child, state).finally(forget);
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLog);
  const first = await Promise.race([ended, answers(control).then(() => null)]);
  if (first !== null) throw new Error(first);
  return {
    pid: child.pid ?? 0,
    ended,
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), DRAIN_MS);
      await ended;
      clearTimeout(late);
    },
  };
}

function endOf(child: ChildProcess, state: string): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', () =>
      resolve('setpriv is missing: npm run serve needs Linux with util-linux (setpriv, flock)'),
    );
    child.once('exit', (code, signal) => {
      const isLocked = code === LOCKED;
      resolve(isLocked ? lockedText(state) : `workerd ended (${signal ?? `exit code ${code}`})`);
    });
  });
}

function lockedText(state: string): string {
  const holder = readFileSync(join(state, 'lock'), 'utf8').trim();
  return `${state} is in use: workerd, process ${holder || 'unknown'}, has it. One process a state; end that one first.`;
}

async function answers(control: string): Promise<void> {
  const until = Date.now() + START_MS;
  while (Date.now() < until) {
    const answered = await ask(control, 'GET', '/').catch(() => null);
    if (answered !== null) return;
    await sleep(PROBE_MS);
  }
  throw new Error(`workerd did not answer within ${START_MS / 1000} s`);
}

/** @param socket a Unix socket @returns the JSON of an answer @throws Error when there is none, or it is neither 200 nor 201 */
export function ask(
  socket: string,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: socket, method, path, headers: { host: 'serve', 'content-type': 'application/json', ...headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.once('end', () => {
          if (response.statusCode === 200 || response.statusCode === 201) resolve(JSON.parse(text));
          else reject(new Error(`answered ${response.statusCode}`));
        });
        response.once('error', reject);
      },
    );
    asked.once('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
