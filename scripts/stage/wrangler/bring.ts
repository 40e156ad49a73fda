/**
 * @module What is done to one Worker, each by wrangler and each safe to be done again: deployed by itself, uploaded as a version, given traffic, given its triggers.
 *
 * Left behind by a crash: after an upload, a version that takes no traffic, which the next run finds by its tag; after a deployment that wrangler couldn't tell of any more, a version
 * that is active and has the tag; after half of a deployment's calls (version, deployment, settings, triggers), what the next look at the account shows as fields that differ.
 */
import type { Rollout } from '../steps/rollout.ts';
import { versionWithTag } from './account-workers.ts';
import { writeBundle } from './bundles.ts';
import { writeConfiguration } from './configuration.ts';
import { runWrangler, type WranglerEntry, WranglerError } from './run-wrangler.ts';
import { type WorkerPlan, workerFolder } from './workers.ts';

/** Versions and their part of the traffic, percent; together 100. */
export type Traffic = readonly { readonly versionId: string; readonly percentage: number }[];

/**
 * Writes what wrangler is given; tells of an edit that is lost by it.
 *
 * @param rollout see {@link Rollout}
 * @param plan of the Worker
 */
export function prepare(rollout: Rollout, { worker, wanted, bundle }: WorkerPlan): void {
  const folder = workerFolder(rollout, worker);
  writeBundle(folder, bundle);
  const edited = writeConfiguration(folder, wanted.configuration, `stages/${rollout.stage.name}.toml`);
  if (edited) {
    rollout.say(
      `${worker}: somebody had edited the generated ${folder}/wrangler.jsonc; the edit is lost, since it is made of the stage's file`,
    );
  }
}

/**
 * Deploys a Worker that is new or whose classes migrate, with its secrets: all traffic goes to it at once.
 *
 * @param rollout see {@link Rollout}
 * @param plan of the Worker, prepared
 * @param how.overwrite whether what somebody did by hand is lost by it
 * @param how.message for people who look at versions
 * @returns the version's id
 * @throws WranglerError
 */
export async function deployAlone(rollout: Rollout, plan: WorkerPlan, how: How): Promise<string> {
  const entries = await wrangler(rollout, plan, ['deploy', ...flagsOf(plan, how)]);
  return idIn(entries, 'deploy') ?? (await uploadedId(rollout, plan, 'deploy'));
}

/** How an upload goes. */
export interface How {
  readonly overwrite: boolean;
  readonly message: string;
}

/**
 * Uploads a version that takes no traffic yet, or finds the one that a run before this one uploaded.
 *
 * @param rollout see {@link Rollout}
 * @param plan of the Worker, prepared
 * @param how see {@link deployAlone}
 * @returns the version's id
 * @throws WranglerError
 */
export async function uploadVersion(rollout: Rollout, plan: WorkerPlan, how: How): Promise<string> {
  const there = await versionWithTag(rollout.context, plan.script, plan.tag, plan.found?.active?.number ?? 0);
  if (there !== null) return there;
  const entries = await wrangler(rollout, plan, ['versions', 'upload', ...flagsOf(plan, how)]);
  return idIn(entries, 'version-upload') ?? (await uploadedId(rollout, plan, 'versions upload'));
}

const flagsOf = ({ tag }: WorkerPlan, { overwrite, message }: How): string[] => [
  ...(overwrite ? [] : ['--strict']),
  '--tag',
  tag,
  '--message',
  message,
];

/**
 * Gives versions their part of the traffic, and the script its settings that no version has.
 *
 * @param rollout see {@link Rollout}
 * @param plan of the Worker, prepared
 * @param traffic one version or two
 * @param message for people who look at deployments
 * @throws WranglerError
 */
export async function giveTraffic(
  rollout: Rollout,
  plan: WorkerPlan,
  traffic: Traffic,
  message: string,
): Promise<void> {
  const specs = traffic.map(({ versionId, percentage }) => `${versionId}@${percentage}%`);
  await runWrangler(rollout.account, workerFolder(rollout, plan.worker), [
    'versions',
    'deploy',
    ...specs,
    '--yes',
    '--message',
    message,
  ]);
}

/** Cron expressions, and no address beside the stage's hosts. @throws WranglerError */
export async function giveTriggers(rollout: Rollout, { worker }: WorkerPlan): Promise<void> {
  await runWrangler(rollout.account, workerFolder(rollout, worker), ['triggers', 'deploy']);
}

async function wrangler(
  rollout: Rollout,
  { worker }: WorkerPlan,
  args: readonly string[],
): Promise<readonly WranglerEntry[]> {
  return runWrangler(rollout.account, workerFolder(rollout, worker), args, rollout.secrets.of(worker));
}

const idIn = (entries: readonly WranglerEntry[], type: string): string | null =>
  entries.find((entry) => entry.type === type)?.version_id ?? null;

/** wrangler ended well and named no version. */
async function uploadedId(rollout: Rollout, { script, tag, found }: WorkerPlan, what: string): Promise<string> {
  const id = await versionWithTag(rollout.context, script, tag, found?.active?.number ?? 0);
  if (id === null)
    throw new WranglerError(`${script}: wrangler ${what}`, 'it ended well, but there is no version with our tag');
  return id;
}
