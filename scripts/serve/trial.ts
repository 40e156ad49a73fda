/**
 * @module `npm run serve -- trial`: everything that serving on one's own hardware takes, on loopback ports and in a folder that is thrown away: an S3 server, workerd,
 * nginx with TLS; then people share keys, an hour is sealed, and phones download by nginx what they verify with the pinned keys.
 *
 * Nobody waits for the end of an hour in a trial: its Workers are those of the local edge, the same but for a clock that can be moved. With `--real-time`
 * the files run that are deployed, and the trial lasts until the hour is over.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { loadSecrets } from '../../local-edge/secrets.ts';
import { LOCAL_ROUTES, LOCAL_VARS, readEnvironments, ROOT } from '../../local-edge/workers.ts';
import { upload } from '../../phone/upload/upload.ts';
import { SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { endAtInterrupt, temporaryFolder } from '../support/command-line/interrupt.ts';
import type { EdgeTier } from '../support/edge-tier/tier.ts';
import { startEdgeTier } from '../support/edge-tier/tier.ts';
import { freePort } from '../support/free-port.ts';
import { setClock } from '../support/operator.ts';
import { patientKeys } from '../support/patients.ts';
import { type ReadableEdge, readHead, Reader, REGIONS } from '../support/published.ts';
import { isShortEnough, type Serving, startServing, type Trial } from '../support/serve/server.ts';
import type { ServeSettings } from '../support/serve/settings.ts';
import { ask } from '../support/serve/workerd/process.ts';
import { startStoreServer, type StoreServer } from '../support/serve/store-server.ts';

/** How it is to be. */
export interface TrialOptions {
  /** The deployed entry files, and as long as the hour lasts. */
  readonly realTime: boolean;
  readonly people: number;
  readonly say: (line: string) => void;
  readonly onLog: (line: string) => void;
}

/** All that runs. */
export interface RunningTrial {
  readonly store: StoreServer;
  readonly serving: Serving;
  readonly tier: EdgeTier;
  /** Of the first edge, with the keys that phones pin. */
  readonly edge: ReadableEdge;
  readonly settings: ServeSettings;
  /** An operator's command, as a service of ours gives it. */
  readonly operate: (path: string, body: unknown) => Promise<unknown>;
  stop(): Promise<void>;
}

/** What came out. */
export interface TrialResult {
  readonly uploads: number;
  readonly keys: number;
  /** Region → how many of the keys its files list, each once. */
  readonly listed: Readonly<Record<string, number>>;
  /** Requests of the phones for objects, and of the shield to the Workers. */
  readonly downloads: number;
  readonly originReads: number;
  readonly seconds: number;
}

/** Each hour is published whatever it has, so that a trial with few people sees one. */
const POLICY = { MIN_KEYS: '0', MIN_UPLOADS: '0', RESERVE_UPLOADS: '0' };
const OPERATOR = 'operator@own-hardware.example';
/** Rounds in which a dozen phones download everything: all but the first find it in nginx. */
const ROUNDS = 3;
const ATTEMPTS = 10;
const PAUSE_MS = 2_000;
const POLL_MS = 10_000;
/** The end of the hour, the origin's alarm and a seal. */
const LONGEST_SEAL_MS = 80 * 60_000;

/** The local edge's entries: the deployed applications and objects, with a clock that its driver moves. */
export function movedClock(): Trial {
  const own = readEnvironments().map(
    ({ environment }) => [environment, `local-edge/entries/${environment}.ts`] as const,
  );
  return {
    entries: Object.fromEntries(own.filter(([, entry]) => existsSync(join(ROOT, entry)))),
    clock: {
      name: 'clock',
      entry: 'local-edge/entries/clock.ts',
      entrypoint: 'LocalClock',
      routes: LOCAL_ROUTES['clock'] ?? [],
    },
  };
}

/** Where sockets lie: in the trial's folder, but where the system's temporary one has a long name. */
function runtimeOf(folder: string, ends: (() => void)[]): string {
  const runtime = join(folder, 'run');
  if (isShortEnough(runtime)) return runtime;
  const short = mkdtempSync('/tmp/exposure-edge-run-');
  const remove = (): void => rmSync(short, { recursive: true, force: true });
  const forget = endAtInterrupt(remove);
  ends.push(remove, forget);
  return short;
}

/**
 * @param options see {@link TrialOptions}
 * @returns once nginx, workerd and the store answer
 * @throws Error naming what is missing on this machine
 */
export async function startTrial({ realTime, say, onLog }: TrialOptions): Promise<RunningTrial> {
  const folder = temporaryFolder('serve');
  const ends: (() => Promise<void> | void)[] = [() => folder.remove()];
  const stop = async (): Promise<void> => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  try {
    const store = await startStoreServer(join(folder.path, 'store'), await freePort());
    ends.push(() => store.stop());
    say(`store    ${store.settings.endpoint}  (versitygw, an S3 server; its objects are files)`);
    const secretsFolder = folder.path;
    const service = { id: 'trial', secret: randomBytes(16).toString('hex') };
    const settings: ServeSettings = {
      state: join(folder.path, 'state'),
      runtime: runtimeOf(folder.path, ends),
      listen: `127.0.0.1:${await freePort()}`,
      store: store.settings,
      secrets: loadSecrets(secretsFolder, readEnvironments()),
      vars: {
        ...LOCAL_VARS,
        origin: POLICY,
        portal: { ...LOCAL_VARS['portal'], OPERATOR_SERVICES: `${service.id}=${OPERATOR}` },
        // Nobody's gateway on the internet is asked from a trial.
        verification: { ...LOCAL_VARS['verification'], SMS_WEBHOOK_URL: '' },
      },
      people: [],
      services: [
        { id: service.id, secretSha256: createHash('sha256').update(service.secret).digest('hex'), person: OPERATOR },
      ],
    };
    const serving = await startServing(settings, onLog, realTime ? null : movedClock());
    ends.push(() => serving.stop());
    say(`workerd  ${serving.url}  (process ${serving.workerd})`);
    const tier = await startEdgeTier(join(folder.path, 'nginx'), serving.url);
    ends.push(() => tier.stop());
    const root = readFileSync(join(folder.path, 'nginx/tls/root.pem'), 'utf8');
    setDefaultCACertificates([...getCACertificates('default'), root]);
    say(`nginx    ${tier.edges.join(' ')}`);
    const pem = (name: string): string => readFileSync(join(secretsFolder, name), 'utf8');
    const edge = {
      url: tier.edges[0] ?? '',
      publicPem: pem('public.pem'),
      manifestPublicPem: pem('manifest-public.pem'),
    };
    const shown = { 'cf-access-client-id': service.id, 'cf-access-client-secret': service.secret };
    const operate = (path: string, body: unknown) => ask(serving.keepers['portal'] ?? '', 'POST', path, body, shown);
    return { store, serving, tier, edge, settings, operate, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * The story: people share, an hour is sealed, phones download.
 *
 * @param running see {@link startTrial}
 * @param options see {@link TrialOptions}
 * @returns what came out
 * @throws Error when an upload isn't taken, or a key isn't listed exactly once in each region
 */
export async function playTrial(running: RunningTrial, options: TrialOptions): Promise<TrialResult> {
  const started = Date.now();
  const { say, people, realTime } = options;
  const { serving, tier, edge } = running;
  const present = Math.floor(Date.now() / 1000 / SECONDS_PER_HOUR) * SECONDS_PER_HOUR;
  const now = realTime ? Math.floor(Date.now() / 1000) : present - SECONDS_PER_HOUR / 2;
  if (!realTime) await setClock(serving.url, now);
  const keys = await share(running, people, now);
  say(`uploads  ${people} people shared ${keys.size} keys, by nginx`);
  if (realTime) {
    await untilSealed(edge, keys, say);
  } else {
    await setClock(serving.url, null);
    while (!((await running.operate('/operator/advance', { peers: false })) as { readonly idle: boolean }).idle);
  }
  say('seal     the hour is over, signed, and in the store');
  const asked = { downloads: 0 };
  const listed = await download(tier, edge, keys, asked);
  const originReads = tier.originReads().total;
  say(
    `phones   ${asked.downloads} downloads, each signature checked; the Workers were asked ${originReads} times, nginx had the rest`,
  );
  for (const [region, found] of Object.entries(listed)) {
    if (found !== keys.size) throw new Error(`${region}: ${found} of ${keys.size} keys are published`);
  }
  return {
    uploads: people,
    keys: keys.size,
    listed,
    ...asked,
    originReads,
    seconds: Math.round((Date.now() - started) / 1000),
  };
}

/** @returns hex of the keys */
async function share({ operate, edge }: RunningTrial, people: number, now: number): Promise<Set<string>> {
  const { tans } = (await operate('/operator/tans', { count: people })) as { readonly tans: readonly string[] };
  const shared = new Set<string>();
  await Promise.all(
    tans.map(async (tan) => {
      const keys = patientKeys((length) => new Uint8Array(randomBytes(length)), now);
      const content = { keys, visitedCountries: [], consentToFederation: true, submissionType: 0 as const };
      const ports = { fetch, baseUrl: edge.url, random: (length: number) => new Uint8Array(randomBytes(length)) };
      // As a phone does: on a busy machine the deadline comes first (500), and the same content comes again with the same TAN.
      for (let attempt = 1; ; attempt += 1) {
        const sent = await upload(tan, content, ports);
        if (sent.ok) break;
        if (sent.error.kind !== 'try-again' || attempt === ATTEMPTS) {
          throw new Error(`an upload was answered ${JSON.stringify(sent.error)}`);
        }
        await sleep(PAUSE_MS);
      }
      for (const { keyData } of keys) shared.add(toHex(keyData));
    }),
  );
  return shared;
}

async function untilSealed(edge: ReadableEdge, keys: ReadonlySet<string>, say: (line: string) => void): Promise<void> {
  const until = Date.now() + LONGEST_SEAL_MS;
  say(`waiting  until the hour is over (${60 - new Date().getUTCMinutes()} minutes) and the origin has sealed it`);
  while (Date.now() < until) {
    const seen = await readHead(edge, REGIONS[0]);
    if (seen !== null && seen.head.hours.length > 0) {
      const found = await new Reader(edge, REGIONS[0]).listed(seen.head);
      if ([...keys].every((key) => found.has(key))) return;
    }
    await sleep(POLL_MS);
  }
  throw new Error('the hour was not sealed');
}

/** A phone at each edge, round after round, reads everything; @returns how many of the keys each region lists, once each */
async function download(
  tier: EdgeTier,
  edge: ReadableEdge,
  keys: ReadonlySet<string>,
  asked: { downloads: number },
): Promise<Record<string, number>> {
  const listed: Record<string, number> = {};
  tier.reset();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const url of tier.edges) {
      for (const region of REGIONS) {
        const at = { ...edge, url };
        const seen = await readHead(at, region);
        if (seen === null) throw new Error(`${region}: there is no manifest`);
        const found = await new Reader(at, region).listed(seen.head);
        asked.downloads += 1 + seen.head.hours.length + seen.head.pages.length;
        listed[region] = [...keys].filter((key) => found.get(key) === 1).length;
      }
    }
  }
  return listed;
}
