/**
 * @module An S3 server on this machine, for trials, tests and load tests: versitygw (Apache-2.0), built with Go once, its objects in files of a folder. It passes
 * `npm run serve -- test-bucket`. It is a program of its own and runs as one; whoever serves phones chooses a service of theirs.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../../../local-edge/workers.ts';
import { endAtInterrupt } from '../command-line/interrupt.ts';
import { goInstall, hasGo } from '../go-install.ts';
import { BUCKETS, type BucketName, type ServeSettings } from './settings.ts';

const MODULE = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';
const CACHE = join(ROOT, '.cache', 'versitygw');
const START_MS = 20_000;

/** A server. */
export interface StoreServer {
  /** Settings that reach it, with a bucket for each of ours. */
  readonly settings: ServeSettings['store'];
  readonly pid: number;
  /** Ends it, by SIGKILL where `kill`. */
  stop(kill?: boolean): Promise<void>;
}

/** @returns the program, on PATH or in the cache, or null */
function findStoreServer(): string | null {
  return ['versitygw', join(CACHE, 'versitygw')].find((path) => spawnSync(path, ['--version']).status === 0) ?? null;
}

/** @returns the program, built where it is missing @throws Error saying what helps when it can't be */
async function ensureStoreServer(): Promise<string> {
  const found = findStoreServer();
  if (found !== null) return found;
  if (!hasGo())
    throw new Error(`versitygw, an S3 server to try it with, is missing, and no Go to build it with (${MODULE})`);
  await goInstall({ name: 'versitygw', module: MODULE, folder: CACHE });
  const built = findStoreServer();
  if (built === null) throw new Error(`versitygw: go install ${MODULE} ended well but left no program in ${CACHE}`);
  return built;
}

/**
 * @param folder where the objects lie; made if missing, kept; of a file system with extended attributes
 * @param port on 127.0.0.1
 * @param credentials who may come; drawn when left out
 * @returns once it answers
 * @throws Error when it ends or doesn't answer
 */
export async function startStoreServer(
  folder: string,
  port: number,
  credentials = { accessKeyId: 'trial', secretAccessKey: randomBytes(24).toString('hex') },
): Promise<StoreServer> {
  const program = await ensureStoreServer();
  const buckets = Object.fromEntries(BUCKETS.map((name) => [name, `exposure-edge-${name}`])) as Record<
    BucketName,
    string
  >;
  // A folder is a bucket. Metadata are extended attributes: beside the objects (`--sidecar`) versitygw 1.8.0 leaves those of the object before, and fails the test.
  for (const bucket of Object.values(buckets)) mkdirSync(join(folder, bucket), { recursive: true });
  const child = spawn(program, ['--quiet', '--port', `127.0.0.1:${port}`, 'posix', folder], {
    stdio: 'ignore',
    env: {
      ...process.env,
      ROOT_ACCESS_KEY_ID: credentials.accessKeyId,
      ROOT_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
  });
  const forget = endAtInterrupt(() => void child.kill('SIGKILL'));
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      forget();
      resolve();
    });
  });
  for (const until = Date.now() + START_MS; !(await isOpen(port)); await sleep(30)) {
    if (child.exitCode !== null || Date.now() > until) throw new Error('versitygw, the S3 server, did not start');
  }
  return {
    settings: { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', pathStyle: true, credentials, buckets },
    pid: child.pid ?? 0,
    async stop(kill = false) {
      child.kill(kill ? 'SIGKILL' : 'SIGTERM');
      await ended;
    },
  };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.end();
      resolve(true);
    }).once('error', () => resolve(false));
  });
}
