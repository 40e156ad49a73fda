/**
 * @module A federation on this machine: peered backends, each a whole local edge behind TLS with client certificates, and the directory in which they find each other.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleAll } from '../../local-edge/compose.ts';
import { CHECKPOINT_PATH } from '../../protocol/directory/tiles.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { setClock } from '../support/operator.ts';
import { ParameterPortal } from '../support/portal.ts';
import { BackendProcess } from './backend-process.ts';
import { directoryFiles, type FederationPlan } from './plan.ts';
import { Registry } from './registry.ts';
import { type Served, served } from './served.ts';
import { type MoreSettings, settingsOf } from './settings.ts';

const PARAMETERS = new URL('../../parameters/default.json', import.meta.url);

/** Publishes parameters in which people can say that they were in any of the regions, where none are published yet. */
async function nameCountries(url: string, supportedCountries: readonly string[]): Promise<void> {
  const portal = new ParameterPortal(url);
  if ((await portal.status()).version !== 0) return;
  const document = JSON.stringify({ ...(JSON.parse(readFileSync(PARAMETERS, 'utf8')) as object), supportedCountries });
  const reply = await portal.publish({ document, audience: null, dryRun: false }, 0);
  if (reply.kind !== 'published' && reply.kind !== 'accepted') throw new Error(`parameters: ${JSON.stringify(reply)}`);
}

/** How to start. */
export interface FederationOptions extends MoreSettings {
  /** Hears what a backend's Workers print. */
  readonly onLog: (region: string, line: string) => void;
  /** Unix seconds, of the directory. */
  readonly now: () => number;
  /** Sets the backends' clocks to it at the start; by default they have the machine's. */
  readonly setClocks?: boolean;
}

/** A backend that runs. */
export interface Member extends Served {
  readonly process: BackendProcess;
}

/** A federation that runs. */
export interface Federation {
  readonly plan: FederationPlan;
  readonly registry: Registry;
  readonly members: readonly Member[];
  /** Waits until each backend that runs has the directory as it is now. */
  readonly settled: () => Promise<void>;
  readonly end: () => Promise<void>;
}

/**
 * Starts all backends and enters them into the directory.
 *
 * @param plan see `makePlan`
 * @param options see {@link FederationOptions}
 * @returns the federation, once each backend knows all others
 * @throws Error when one doesn't start
 */
export async function startFederation(plan: FederationPlan, options: FederationOptions): Promise<Federation> {
  const { onLog, now } = options;
  // Before any starts: a process of its own would bundle them anew, at each start.
  writeFileSync(directoryFiles(plan.dir).bundles, JSON.stringify(await bundleAll()));
  const processes = plan.backends.map(
    (own) => new BackendProcess(own, settingsOf(plan, own, options), (line) => onLog(own.id, line)),
  );
  const end = async (): Promise<void> => void (await Promise.all(processes.map((one) => one.end())));
  const registry = new Registry(plan.dir);
  const settled = async (): Promise<void> => {
    const checkpoint = readFileSync(join(directoryFiles(plan.dir).log, CHECKPOINT_PATH));
    const wanted = toHex(sha256(new Uint8Array(checkpoint)));
    await Promise.all(processes.filter(({ isRunning }) => isRunning).map((one) => one.hasDirectory(wanted)));
  };
  try {
    const members = await Promise.all(
      processes.map(async (process) => ({ ...served(process.plan, await process.start()), process })),
    );
    if (options.setClocks === true) await Promise.all(members.map(({ url }) => setClock(url, now())));
    const countries = plan.backends.map(({ id }) => id).toSorted();
    await Promise.all(members.map(({ url }) => nameCountries(url, countries)));
    await registry.enter(members, now());
    await settled();
    return { plan, registry, members, settled, end };
  } catch (error) {
    await end();
    throw error;
  }
}
