/**
 * @module The same k6 file against five servers in one run on one machine: nginx with the same bytes as static files (the
 * limit), the edge tier, and the Workers behind TLS without a cache; and `npm run serve`, behind its tier and without. Repeated in turns, so that a
 * slow minute hits all; what counts is the ratio and its spread, not the absolute.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Context, manifestKeyOf, withTier } from './context.ts';
import { failuresOf, runK6 } from './k6-run.ts';
import { withOwnHardware } from './own-hardware.ts';

/** What is compared. */
const SERVERS = ['static', 'edge', 'serve', 'workers', 'serve-workers'] as const;
export type Server = (typeof SERVERS)[number];

/** One repetition: sessions a second by as many phones as keep it busy. */
export interface Repetition {
  readonly server: Server;
  readonly sessionsPerSecond: number;
  readonly p95: number;
}

const REPETITIONS = 5;
const SECONDS = 4;
const REGION = 'EUR';

/** Puts the head and its chunks where the static server finds them. @returns their paths */
async function copyObjects(url: string, folder: string): Promise<string[]> {
  const paths: string[] = [];
  const copy = async (path: string): Promise<ArrayBuffer> => {
    const answer = await fetch(`${url}${path}`);
    if (!answer.ok) throw new Error(`load: ${path} was answered ${answer.status}`);
    const bytes = await answer.arrayBuffer();
    const target = join(folder, path);
    paths.push(path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, new Uint8Array(bytes));
    return bytes;
  };
  const head = new TextDecoder().decode(await copy(`/v1/${REGION}/manifest.json`));
  const { hours } = JSON.parse((JSON.parse(head) as { payload: string }).payload) as {
    hours: { readonly sha256: string }[];
  };
  for (const { sha256 } of hours) await copy(`/v1/${REGION}/chunks/${sha256}.compact`);
  return paths;
}

/**
 * Compares them.
 *
 * @param context with an edge of deployed entry files
 * @returns all repetitions, in the order they were run
 * @throws Error when a download failed: then its speed means nothing
 */
export async function compareServing(context: Context): Promise<Repetition[]> {
  context.say(`compare: ${REPETITIONS} repetitions of ${SECONDS} s for ${SERVERS.join(', ')} …`);
  return withTier(context, 'compare', async (tier) => {
    const paths = await copyObjects(context.edge.url, tier.staticFolder);
    return withOwnHardware(context, paths, async (own) => {
      const urls: Readonly<Record<Server, readonly string[]>> = {
        static: [tier.statics],
        edge: tier.edges,
        workers: [tier.uncached],
        serve: own.edges,
        'serve-workers': [own.uncached],
      };
      const repetitions: Repetition[] = [];
      for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
        for (const server of SERVERS) repetitions.push(await once(context, urls[server], server));
      }
      return repetitions;
    });
  });
}

async function once(context: Context, urls: readonly string[], server: Server): Promise<Repetition> {
  const result = await runK6({
    k6: context.k6,
    scenario: 'download-steady',
    folder: context.folder,
    environment: {
      EXECUTOR: 'closed',
      BASE_URLS: urls.join(','),
      DURATION: String(SECONDS),
      REGION,
      CHECK_TIMES: 'no',
      CHECK_ETAGS: server === 'static' ? 'no' : 'yes',
      MANIFEST_KEY: manifestKeyOf(context.edge),
    },
    atMostSeconds: 60,
  });
  const failures = failuresOf(result);
  if (failures.length > 0)
    throw new Error(`load: downloads from ${server} failed in the comparison: ${failures.join('; ')}`);
  const { metrics } = result;
  return {
    server,
    sessionsPerSecond: (metrics['iterations']?.values['count'] ?? 0) / SECONDS,
    p95: metrics['session_duration']?.values['p(95)'] ?? 0,
  };
}

/** Median, lowest and highest of numbers. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * @param values at least one
 * @returns their spread
 */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, low: at(0), high: at(sorted.length - 1) };
}

/** @param repetitions of a comparison @returns whom it compared: older ones had fewer */
export const serversIn = (repetitions: readonly Repetition[]): Server[] =>
  SERVERS.filter((server) => repetitions.some((repetition) => repetition.server === server));

/**
 * @param repetitions of a comparison
 * @param server whose
 * @returns its sessions a second, and its share of the static server's in the same turn
 */
export function compared(repetitions: readonly Repetition[], server: Server): { rate: Spread; ofStatic: Spread } {
  const of = (wanted: Server): number[] =>
    repetitions.filter((repetition) => repetition.server === wanted).map((repetition) => repetition.sessionsPerSecond);
  const statics = of('static');
  return {
    rate: spreadOf(of(server)),
    ofStatic: spreadOf(of(server).map((value, turn) => value / (statics[turn] ?? Number.NaN))),
  };
}
