/**
 * @module Many backends in one process, for an enterprise of a few dozen sites: each has a workerd, a state directory, certificates and an address of its own; shared is what stands for the platform's
 * front. A process for each, as `npm run federation` starts them, would bundle all Workers once a site, and keep as many copies of Node.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { inParallel } from '../support/in-parallel.ts';
import { setClock } from '../support/operator.ts';
import { type BackendEdge, startBackendEdge } from './backend-edge.ts';
import { type CountingPort, countingPort } from './counting-port.ts';
import type { BackendPlan, FederationPlan } from './plan.ts';
import { Registry } from './registry.ts';
import { type Served, served } from './served.ts';
import { type MoreSettings, settingsOf } from './settings.ts';

/** Starting is CPU's work. */
const AT_ONCE = 2;

/** A site that runs. */
export interface Site extends Served {
  readonly backend: BackendEdge;
  /** Before its TLS front: what peers sent and got. */
  readonly wire: CountingPort;
}

/** How to start. */
interface SitesOptions extends Pick<MoreSettings, 'vars'> {
  /** Unix seconds, of the directory and of all clocks. */
  readonly now: number;
  /** Hears what a site's Workers print. */
  readonly onLog: (site: string, line: string) => void;
  /** Hears of each site that runs. */
  readonly onStarted: (done: number) => void;
}

/** Sites that run. */
export interface Sites {
  readonly sites: readonly Site[];
  readonly end: () => Promise<void>;
}

/**
 * Starts all sites and enters them into the directory.
 *
 * @param plan see `makePlan`
 * @param options see {@link SitesOptions}
 * @returns them, once each knows all others
 * @throws Error when one doesn't start
 */
export async function startSites(plan: FederationPlan, options: SitesOptions): Promise<Sites> {
  const { now, onLog, onStarted } = options;
  const started: { readonly end: () => Promise<void> }[] = [];
  const end = async (): Promise<void> =>
    void (await inParallel(
      started.map((one) => one.end),
      AT_ONCE,
    ));
  const start = async (own: BackendPlan): Promise<Site> => {
    const settings = settingsOf(plan, own, options);
    const front = { ...settings.front, port: 0 };
    const backend = await startBackendEdge({ ...settings, front }, { onLog: (line) => onLog(own.id, line) });
    started.push(backend);
    const wire = await countingPort(own.feedPort, Number(new URL(backend.ready.feedUrl).port));
    started.push({ end: () => wire.close() });
    await setClock(backend.ready.url, now);
    onStarted(started.length / 2);
    const feedUrl = `https://127.0.0.1:${own.feedPort}`;
    return { ...served(own, { ...backend.ready, feedUrl }), backend, wire };
  };
  try {
    const sites = await inParallel(
      plan.backends.map((own) => () => start(own)),
      AT_ONCE,
    );
    await new Registry(plan.dir).enter(sites, now);
    for (const { backend } of sites) await backend.copyDirectory();
    return { sites, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** @returns MiB that each workerd of this process has for itself (PSS), none where there is no /proc */
export function workerdMegabytes(): number[] {
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  const isWorkerd = (pid: string): boolean => {
    try {
      return readlinkSync(`/proc/${pid}/exe`).endsWith('/workerd');
    } catch {
      return false;
    }
  };
  const children = read(`/proc/self/task/${process.pid}/children`).split(' ').filter(isWorkerd);
  return children.map((pid) => Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024);
}
