/**
 * @module Everything that `npm run serve` runs: the gateway to the store, workerd with all Workers, and the schedule.
 *
 * The order, and what a crash between two steps leaves: (1) a folder of this run below `runtime`; the next start removes it; (2) the gateway's socket in it; (3) workerd,
 * which takes the state's lock before it touches anything; (4) the schedule. Nothing durable is written before (3), and all after it by the Workers.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../../local-edge/bundle.ts';
import { EVERY_MINUTES } from '../../../local-edge/crons.ts';
import { readEnvironments, requireChunkPolicy } from '../../../local-edge/workers.ts';
import { endAtInterrupt } from '../command-line/interrupt.ts';
import { BUCKETS, type ServeSettings } from './settings.ts';
import { AT_START, testBucket } from './store/bucket-test.ts';
import { Bucket } from './store/bucket.ts';
import { startGateway } from './store/gateway.ts';
import { openStore, type Store } from './store/s3.ts';
import { readDeployment } from './workerd/bindings.ts';
import { KEEPERS, moduleFile, secretVariable, workerdConfig } from './workerd/config.ts';
import { ask, startWorkerd } from './workerd/process.ts';

/** Worker → entry file; those that are deployed. */
type Entries = Readonly<Record<string, string>>;

/** How a trial differs. */
export interface Trial {
  /** Entry files in place of those that are deployed. */
  readonly entries: Entries;
  readonly clock: {
    readonly name: string;
    readonly entry: string;
    readonly entrypoint: string;
    readonly routes: readonly string[];
  };
}

/** What runs. */
export interface Serving {
  /** Where nginx passes phones on. */
  readonly url: string;
  /** Socket by Worker, for nginx's hosts with client certificates. */
  readonly keepers: Readonly<Record<string, string>>;
  /** For figures of its memory. */
  readonly workerd: number;
  /** Resolves when workerd has ended by itself, to how. */
  readonly broken: Promise<string>;
  /** Each cron once, now, by the store's clock. @throws Error naming the Worker and the fault */
  runCrons(): Promise<void>;
  stop(): Promise<void>;
}

const INNER = /^inner-(\d+)$/;
/** Sockets that nginx may open lie beside; these only we and workerd. */
const innerOf = (runtime: string): string => join(runtime, `inner-${process.pid}`);

/** What a path of a Unix socket may have (unix(7): 108 bytes, the last one a zero). */
const MAX_SOCKET_BYTES = 107;
const LONGEST_SOCKET = 'inner-4194304/gateway.sock';

/** @param runtime a folder @returns whether sockets can lie in it */
export const isShortEnough = (runtime: string): boolean =>
  Buffer.byteLength(join(runtime, LONGEST_SOCKET)) <= MAX_SOCKET_BYTES;

/** Folders of runs that were killed. */
function removeLeftOver(runtime: string): void {
  for (const name of readdirSync(runtime)) {
    const pid = INNER.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(runtime, name), { recursive: true, force: true });
  }
}

/**
 * @param settings see {@link ServeSettings}
 * @param onLog gets a line of ours, of workerd or of a Worker
 * @param trial null: what is deployed, on real time
 * @returns once phones are answered
 * @throws Error saying what is wrong: the chunk policy, the store (named row by row), a state that is in use, a folder that can't be written
 */
export async function startServing(
  settings: ServeSettings,
  onLog: (line: string) => void,
  trial: Trial | null = null,
): Promise<Serving> {
  const { state, runtime, listen } = settings;
  requireChunkPolicy(readEnvironments(), settings.vars['origin']);
  if (!isShortEnough(runtime)) {
    throw new Error(`runtime: ${runtime} is too long: a Unix socket's path has ${MAX_SOCKET_BYTES} bytes at most`);
  }
  const deployment = readDeployment();
  const store = openStore(settings.store);
  const ends: (() => Promise<void> | void)[] = [() => store.dispose()];
  const stopAll = async (): Promise<void> => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  try {
    await requireSound(store, settings.store.buckets);
    const objects = join(state, 'objects');
    mkdirSync(objects, { recursive: true, mode: 0o700 });
    mkdirSync(runtime, { recursive: true, mode: 0o750 });
    removeLeftOver(runtime);
    const inner = innerOf(runtime);
    mkdirSync(inner, { mode: 0o700 });
    const removeInner = (): void => rmSync(inner, { recursive: true, force: true });
    const forget = endAtInterrupt(removeInner);
    ends.push(removeInner, forget);

    const sockets = {
      gateway: join(inner, 'gateway.sock'),
      control: join(inner, 'control.sock'),
      keepers: Object.fromEntries(KEEPERS.map((worker) => [worker, join(runtime, `${worker}.sock`)])),
    };
    const buckets = new Map(BUCKETS.map((name) => [name as string, new Bucket(store, settings.store.buckets[name])]));
    const gateway = await startGateway(sockets.gateway, buckets, onLog);
    ends.push(() => gateway.close());

    await writeModules(inner, deployment.workers, trial);
    const config = workerdConfig({
      deployment,
      ...settings,
      secretNames: new Set(Object.keys(settings.secrets)),
      objects,
      listen,
      sockets,
      clock: trial?.clock ?? null,
    });
    writeFileSync(join(inner, 'config.capnp'), config, { mode: 0o600 });
    const workerd = await startWorkerd({
      state,
      folder: inner,
      sockets: Object.values(sockets.keepers),
      control: sockets.control,
      environment: Object.fromEntries(
        Object.entries(settings.secrets).map(([name, value]) => [secretVariable(name), value]),
      ),
      onLog,
    });
    ends.push(() => workerd.stop());
    const runCrons = (): Promise<void> => runEach(sockets.control, new Bucket(store, settings.store.buckets.private));
    // In a trial whoever moves the clock says first what time it is.
    if (trial === null) void runCrons().catch(notKept(onLog));
    ends.push(schedule(runCrons, onLog));
    return {
      url: `http://${listen}`,
      keepers: sockets.keepers,
      workerd: workerd.pid,
      broken: workerd.ended,
      runCrons,
      stop: stopAll,
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

/**
 * What {@link startServing} would refuse before it starts anything.
 *
 * @param settings see {@link ServeSettings}
 * @throws Error as there
 */
export async function checkServing(settings: ServeSettings): Promise<void> {
  requireChunkPolicy(readEnvironments(), settings.vars['origin']);
  const store = openStore(settings.store);
  try {
    await requireSound(store, settings.store.buckets);
  } finally {
    store.dispose();
  }
}

/** Every bucket is there, and the private one, where seals are decided, compares and swaps. */
async function requireSound(store: Store, buckets: ServeSettings['store']['buckets']): Promise<void> {
  for (const name of BUCKETS) {
    await new Bucket(store, buckets[name]).clock().catch((error: unknown) => {
      throw new Error(`the bucket ${buckets[name]} (${name}) can't be reached: ${(error as Error).message}`);
    });
  }
  const broken = (await testBucket(store, buckets.private, AT_START)).filter(({ fault }) => fault !== null);
  if (broken.length > 0) {
    const rows = broken.map(({ name, fault }) => `  ${name}: ${fault}`);
    throw new Error(
      `the store can't hold these Workers' data:\n${rows.join('\n')}\nAll of it: npm run serve -- test-bucket`,
    );
  }
}

async function writeModules(
  folder: string,
  workers: Readonly<Record<string, { readonly main: string }>>,
  trial: Trial | null,
) {
  const entries = [
    ...Object.entries(workers).map(([worker, { main }]) => [worker, trial?.entries[worker] ?? main] as const),
    ['gate', 'scripts/support/serve/gate/gate.ts'] as const,
    ...(trial === null ? [] : [[trial.clock.name, trial.clock.entry] as const]),
  ];
  for (const [worker, entry] of entries) writeFileSync(join(folder, moduleFile(worker)), await bundle(entry));
}

/**
 * Each cron once. Its instant is the store's, not ours: it is the objects' second source of time (durable-objects/clock-guard.ts), and a machine whose clock has
 * jumped must not confirm itself. Without the store there is no cron: what can't be undone waits.
 */
async function runEach(control: string, bucket: Bucket): Promise<void> {
  const at = await bucket.clock();
  const faults: string[] = [];
  for (const { environment: worker, crons } of readEnvironments()) {
    for (const cron of crons) {
      const { outcome } = (await ask(control, 'POST', '/cron', { worker, cron, at })) as { outcome: string };
      // One that fails keeps no other from its turn.
      if (outcome !== 'ok') faults.push(`cron of ${worker}: ${outcome}`);
    }
  }
  if (faults.length > 0) throw new Error(faults.join('; '));
}

/** Minutes between two runs: all crons of wrangler.toml have one form and one length. */
function cronMinutes(): number {
  const lengths = new Set(
    readEnvironments().flatMap(({ crons }) => crons.map((cron) => EVERY_MINUTES.exec(cron)?.[1])),
  );
  const [minutes] = lengths;
  if (lengths.size !== 1 || minutes === undefined)
    throw new Error('wrangler.toml has crons of several lengths or forms');
  return Number(minutes);
}

const notKept =
  (onLog: (line: string) => void) =>
  (error: unknown): void =>
    onLog(`the schedule was not kept: ${(error as Error).message}`);

function schedule(runCrons: () => Promise<void>, onLog: (line: string) => void): () => void {
  const timer = setInterval(() => void runCrons().catch(notKept(onLog)), cronMinutes() * 60_000);
  return () => clearInterval(timer);
}
