/**
 * @module Miniflare's options for all Workers of wrangler.toml on one port. Bindings, variables, Durable Objects and
 * entrypoints are read from wrangler.toml by wrangler itself, so the local edge can't drift from what is deployed; added are
 * secrets, variables that a stage must set, routes and, unless the deployed entry files are asked for, the CLOCK binding.
 */
import { existsSync } from 'node:fs';
import { type LegacyWorkerOptions, Response as MiniflareResponse } from 'miniflare';
import { bundle } from './bundle.ts';
import { smsOutbox } from './sms-outbox.ts';
import type { TestSigner } from './test-authority.ts';
import { LOCAL_ROUTES, LOCAL_VARS, readEnvironments, ROOT, type WorkerEnvironment, WRANGLER_TOML } from './workers.ts';

/** How the Workers are to be composed. */
export interface ComposeOptions {
  /** Secret by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Variables that replace those of wrangler.toml: environment → name → value. */
  readonly vars: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /**
   * `local`: entries with the CLOCK binding. `deployed`: the very files that are deployed, on real time. `benchmark`: the
   * same, but that ANSWER_DEADLINE_MS may be 0.
   */
  readonly entries: 'local' | 'deployed' | 'benchmark';
  /** What the local entry of `upload` signs with for who publishes without a certificate (test-authority.ts); left out: nobody may. */
  readonly testAuthority?: TestSigner;
  /** File that messages go to, in `local` alone. */
  readonly smsOutbox: string;
}

/** What only local entries are bound to: the clock, and for messages the outbox. */
function localBindings(worker: WorkerEnvironment, { entries, secrets, smsOutbox: file }: ComposeOptions): object {
  if (entries !== 'local') return {};
  const bindings = { CLOCK: { name: CLOCK_WORKER, entrypoint: 'LocalClock' } };
  if (worker.environment !== 'verification') return bindings;
  const outbox = smsOutbox(file, secrets['SMS_WEBHOOK_SECRET'] ?? '');
  return {
    ...bindings,
    SMS_OUTBOX: async (post: Request) => new MiniflareResponse(null, { status: await outbox(post) }),
  };
}

/** Name of the Worker behind the CLOCK binding. */
const CLOCK_WORKER = 'local-clock';

const LOCAL_ENTRIES = 'local-edge/entries';
const CLOCK_ENTRY = `${LOCAL_ENTRIES}/clock.ts`;
const ENTRY_FOLDERS = { local: LOCAL_ENTRIES, benchmark: `${LOCAL_ENTRIES}/benchmark`, deployed: null } as const;

/** The entry file of a Worker: that of the composition if it has one of its own. */
function entryOf(worker: WorkerEnvironment, entries: ComposeOptions['entries']): string {
  const folder = ENTRY_FOLDERS[entries];
  const own = `${folder}/${worker.environment}.ts`;
  return folder !== null && existsSync(`${ROOT}/${own}`) ? own : worker.main;
}

/** @returns each entry with the local clock and its text, for edges of other processes (`provideBundles`) */
export async function bundleAll(): Promise<Record<string, string>> {
  const entries = [...readEnvironments().map((worker) => entryOf(worker, 'local')), CLOCK_ENTRY];
  return Object.fromEntries(await Promise.all(entries.map(async (entry) => [entry, await bundle(entry)] as const)));
}

const asModule = (name: string, contents: string) => ({
  name,
  modules: [{ type: 'ESModule' as const, path: `${ROOT}/.cache/${name}.js`, contents }],
  modulesRoot: `${ROOT}/.cache`,
});

const isAllowed = ({ environment }: WorkerEnvironment, { entries, testAuthority }: ComposeOptions): boolean =>
  environment === 'upload' && entries === 'local' && testAuthority !== undefined;

async function composeWorker(worker: WorkerEnvironment, options: ComposeOptions): Promise<LegacyWorkerOptions> {
  // wrangler says so when a secret is not in .dev.vars; ours come from the state directory.
  process.env['WRANGLER_LOG'] ??= 'error';
  const { unstable_getMiniflareWorkerOptions: optionsOf } = await import('wrangler');
  const { workerOptions } = optionsOf(WRANGLER_TOML, worker.environment);
  const secrets = Object.fromEntries(worker.secrets.map((name) => [name, options.secrets[name] ?? '']));
  return {
    ...workerOptions,
    ...asModule(worker.name, await bundle(entryOf(worker, options.entries))),
    bindings: {
      ...(workerOptions.bindings as object),
      ...LOCAL_VARS[worker.environment],
      ...options.vars[worker.environment],
      ...secrets,
      ...(isAllowed(worker, options) ? { TEST_AUTHORITY: { ...options.testAuthority } } : {}),
    },
    serviceBindings: {
      ...(workerOptions.serviceBindings as object),
      ...localBindings(worker, options),
    },
    routes: [...(LOCAL_ROUTES[worker.environment] ?? [])],
  };
}

async function composeClock(compatibilityDate: string | undefined): Promise<LegacyWorkerOptions> {
  return {
    ...asModule(CLOCK_WORKER, await bundle(CLOCK_ENTRY)),
    compatibilityDate,
    durableObjects: { CLOCK_STATE: { className: 'ClockState', useSQLite: true } },
    routes: [...(LOCAL_ROUTES['clock'] ?? [])],
  } as LegacyWorkerOptions;
}

/**
 * @param options see {@link ComposeOptions}
 * @returns one Worker's options each, `index` first: what no route names goes to the first
 * @throws when an entry file doesn't bundle
 */
export async function composeWorkers(options: ComposeOptions): Promise<LegacyWorkerOptions[]> {
  const environments = readEnvironments().toSorted(
    (a, b) => Number(b.environment === 'index') - Number(a.environment === 'index'),
  );
  const workers = await Promise.all(environments.map((worker) => composeWorker(worker, options)));
  if (options.entries === 'local') workers.push(await composeClock(workers[0]?.compatibilityDate));
  return workers;
}
