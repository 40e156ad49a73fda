/**
 * @module The local edge: every Worker of the deployment in one workerd, on one loopback port, with state on disk. For
 * `npm start`, the demo and the tests; not a way to serve phones (docs/spec/platform.md §3.6).
 */
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LegacyWorkerOptions, Miniflare } from 'miniflare';
import { composeWorkers, type ComposeOptions } from './compose.ts';
import { driveCrons } from './crons.ts';
import { endOrphan, forgetWorkerd, noteWorkerd } from './orphan.ts';
import { removeFolder } from './remove-folder.ts';
import { runWorkers, scratchOf } from './run-workers.ts';
import { loadSecrets } from './secrets.ts';
import { SMS_OUTBOX } from './sms-outbox.ts';
import { requireStateFormat } from './state-format.ts';
import { readEnvironments, requireChunkPolicy } from './workers.ts';

/** How to start. */
export interface LocalEdgeOptions {
  /** Port on 127.0.0.1; 0 (the default) takes a free one. */
  readonly port?: number;
  /** State directory, made if missing and kept; left out: a temporary one, removed by `dispose`. */
  readonly state?: string;
  /** Variables that replace those of wrangler.toml: environment → name → value. */
  readonly vars?: ComposeOptions['vars'];
  /** `local` (default): with the clock that can be moved. `deployed`: the very entry files that are deployed. */
  readonly entries?: ComposeOptions['entries'];
  /** See `ComposeOptions`. */
  readonly testAuthority?: ComposeOptions['testAuthority'];
  /** Gets every line that a Worker prints; the default prints it on stderr. */
  readonly onLog?: (line: string) => void;
  /** For benchmarks: every Worker's V8 inspector on a free loopback port, `miniflare.getInspectorURL()`; default: none. */
  readonly inspect?: boolean;
  /** For tests: the last word on the Workers' options, e.g. to put another Worker on the wire between two of them. */
  readonly adapt?: (workers: LegacyWorkerOptions[]) => LegacyWorkerOptions[];
}

/** A running edge. */
export interface LocalEdge {
  /** `http://127.0.0.1:PORT`, without a trailing slash. */
  readonly url: string;
  /** Absolute path of the state directory. */
  readonly state: string;
  /** Public half of the export key, SPKI PEM: what phones pin. */
  readonly publicPem: string;
  /** Public half of the manifest key, SPKI PEM. */
  readonly manifestPublicPem: string;
  /** For tests that look into buckets, objects and bindings. */
  readonly miniflare: Miniflare;
  /** Stops workerd; removes the state directory if it was a temporary one. */
  dispose(): Promise<void>;
}

const printLog = (line: string): void => void process.stderr.write(`${line}\n`);

/**
 * Starts the edge and waits until it answers.
 *
 * @param options see {@link LocalEdgeOptions}
 * @returns the running edge
 * @throws Error when the chunk policy contradicts itself, the port is taken, the state directory is in use, of another format or has damaged
 *   secrets, or an entry file doesn't bundle
 */
export async function startLocalEdge(options: LocalEdgeOptions = {}): Promise<LocalEdge> {
  const environments = readEnvironments();
  requireChunkPolicy(environments, options.vars?.['origin']);
  const temporary = options.state === undefined;
  const state = temporary ? mkdtempSync(join(tmpdir(), 'exposure-edge-')) : resolve(options.state ?? '');
  // workerd may still be writing when the process ends without dispose, since Miniflare only signals it then.
  const removeTemporary = (): void => removeFolder(temporary ? state : scratchOf(state));
  if (temporary) process.once('exit', removeTemporary);
  mkdirSync(state, { recursive: true, mode: 0o700 });
  requireStateFormat(state);
  await endOrphan(state);
  const secrets = loadSecrets(state, environments);
  const entries = options.entries ?? 'local';
  const { adapt = (same) => same } = options;
  const { testAuthority } = options;
  const workers = adapt(
    await composeWorkers({
      secrets,
      vars: options.vars ?? {},
      entries,
      smsOutbox: join(state, SMS_OUTBOX),
      ...(testAuthority === undefined ? {} : { testAuthority }),
    }),
  );
  const onLog = options.onLog ?? printLog;
  // The state is ours alone from here on.
  if (!temporary) process.once('exit', removeTemporary);
  const miniflare = runWorkers({
    state,
    port: options.port ?? 0,
    workers,
    onLog,
    ...(options.inspect === undefined ? {} : { inspect: options.inspect }),
  });
  let endCrons = (): void => undefined;
  const removeState = (): void => {
    endCrons();
    process.off('exit', removeTemporary);
    removeTemporary();
    if (!temporary) forgetWorkerd(state);
  };
  try {
    const url = await miniflare.ready;
    noteWorkerd(state);
    // A benchmark's entries have none, and nothing shall run beside what it measures.
    if (entries !== 'benchmark') endCrons = driveCrons(miniflare, environments, onLog);
    const pem = (file: string): string => readFileSync(join(state, file), 'utf8');
    return {
      url: url.origin,
      state,
      publicPem: pem('public.pem'),
      manifestPublicPem: pem('manifest-public.pem'),
      miniflare,
      async dispose() {
        endCrons();
        await miniflare.dispose();
        removeState();
      },
    };
  } catch (error) {
    await miniflare.dispose().catch(() => undefined);
    removeState();
    throw error;
  }
}
