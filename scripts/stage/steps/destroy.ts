/**
 * @module The end of a stage: everything of it in the account goes, in the reverse of the order in which it came: hosts and rules first, so that nobody reaches what is half gone, Workers
 * with their objects next, buckets last. Nothing of it can be brought back. Phones aren't told: that is another way (docs/sunset.md), and the one to go first.
 *
 * Left behind by a crash: part of it; the next destroy goes on, since it reads the account.
 */
import { NotFoundError } from 'cloudflare';
import type { Difference } from '../resources/resource.ts';
import { type FoundWorker, othersWorkers, readWorker } from '../wrangler/account-workers.ts';
import { makerOf } from '../wrangler/compare.ts';
import { configurationOf } from '../wrangler/configuration.ts';
import { readTag } from '../wrangler/fingerprint.ts';
import { DEPLOY_ORDER, scriptName, type WorkerName } from '../wrangler/order.ts';
import { runSteps, type Step } from './journal.ts';
import { takeLock } from './lock.ts';
import type { Rollout } from './rollout.ts';

/** A bucket that has objects. */
interface FullBucket {
  readonly bucket: string;
  /** Of its objects; a few, to be recognised by. */
  readonly keys: readonly string[];
}

/** What would go. */
export interface DestroyPlan {
  readonly workers: readonly string[];
  /** Lines about Workers by our names that another stage deployed: they stop it. */
  readonly others: readonly string[];
  /** Lines about Workers by our names whose version with the traffic no apply made: they go, too. */
  readonly byHand: readonly string[];
  readonly resources: readonly Difference[];
  /** They stop it, unless their data is to go too. */
  readonly full: readonly FullBucket[];
}

/** How it goes. */
export interface DestroyOptions {
  /** Whether objects in buckets go too. */
  readonly withData: boolean;
}

const SHOWN_KEYS = 3;

/** @returns what would go; changes nothing @throws the library's errors, ResourceError */
export async function planDestroy(rollout: Rollout): Promise<DestroyPlan> {
  const { context, resources, stage } = rollout;
  const workers: { readonly script: string; readonly found: FoundWorker }[] = [];
  for (const worker of DEPLOY_ORDER.toReversed()) {
    const script = scriptName(worker, stage.workers.prefix);
    const found = await readWorker(context, script);
    if (found !== null) workers.push({ script, found });
  }
  const ours: Difference[] = [];
  for (const resource of resources.toReversed()) {
    // What is kept, changed or deleted is there and ours.
    ours.push(
      ...resource
        .plan(context, await resource.read(context))
        .filter(({ action, foreign }) => foreign !== true && action !== 'create'),
    );
  }
  const full: FullBucket[] = [];
  for (const bucket of bucketsOf(rollout)) {
    const keys = await keysIn(rollout, bucket, SHOWN_KEYS);
    if (keys.length > 0) full.push({ bucket, keys });
  }
  return {
    workers: workers.map(({ script }) => script),
    byHand: workers.flatMap(({ script, found: { active } }) =>
      active === null || readTag(active.tag) !== null ? [] : [`${script}: ${makerOf(active)}`],
    ),
    others: othersWorkers(workers, stage.name),
    resources: ours,
    full,
  };
}

/**
 * @param rollout see {@link Rollout}
 * @param options see {@link DestroyOptions}
 * @returns steps that were done
 * @throws Error naming buckets that have objects, or Workers of another stage; StepError
 */
export async function destroy(rollout: Rollout, options: DestroyOptions): Promise<readonly string[]> {
  const { full, others } = await planDestroy(rollout);
  requireOwn(others, rollout.stage.name);
  if (full.length > 0 && !options.withData) {
    const lines = full.map(({ bucket, keys }) => `${bucket}: ${keys.join(', ')}, …`);
    throw new Error(
      `These buckets have objects:\n${lines.join('\n')}\nNothing was done. What phones and auditors still read is lost with them; to have it lost: --with-data`,
    );
  }
  const unlock = await takeLock(rollout, 'destroy');
  try {
    return await runSteps(destroySteps(rollout, options), {
      places: rollout.places,
      command: 'destroy',
      commit: rollout.commit,
      say: rollout.say,
    });
  } finally {
    await unlock();
  }
}

/** @param others see {@link DestroyPlan} @param stage its name @throws Error where another stage has Workers, and so buckets, by our names */
export function requireOwn(others: readonly string[], stage: string): void {
  if (others.length === 0) return;
  throw new Error(
    `The account has Workers of another stage by these names:\n${others.join('\n')}\nNothing was done: buckets of these names are that stage's too. stages/${stage}.toml has its account and its workers.prefix; correct it, or use that stage's file.`,
  );
}

function* destroySteps(rollout: Rollout, { withData }: DestroyOptions): Generator<Step> {
  const { context, resources, stage, say } = rollout;
  const again = `npm run stage -- destroy ${stage.name}${withData ? ' --with-data' : ''}`;
  const takeAway = (phase: string): Step[] =>
    resources
      .filter((resource) => resource.phase === phase)
      .toReversed()
      .map((resource) => ({
        name: `${resource.name}: taken away`,
        leaves: 'some of them are gone',
        again,
        run: () => resource.destroy(context, say),
      }));
  yield* takeAway('after-workers');
  for (const worker of DEPLOY_ORDER.toReversed()) yield deleteStep(rollout, worker, again);
  yield* takeAway('before-workers');
}

const deleteStep = ({ context, stage }: Rollout, worker: WorkerName, again: string): Step => {
  const script = scriptName(worker, stage.workers.prefix);
  return {
    name: `${worker}: deleted, its objects and secrets with it`,
    leaves: `${script} may be gone; those that it calls are there`,
    again,
    async run() {
      try {
        await context.client.workers.scripts.delete(script, { account_id: context.accountId, force: true });
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error;
      }
    },
  };
};

/** Of all Workers, each once. */
function bucketsOf({ stage }: Rollout): string[] {
  const names = DEPLOY_ORDER.flatMap((worker) => {
    const placed = { jurisdiction: stage.jurisdiction, prefix: stage.workers.prefix, certificates: [] };
    const { r2_buckets: buckets = [] } = configurationOf(worker, { placed, vars: {}, secrets: [] });
    return buckets.map(({ bucket_name: name }) => name);
  });
  return [...new Set(names)];
}

const where = ({ context, stage }: Rollout) =>
  ({
    account_id: context.accountId,
    ...(stage.jurisdiction === 'none' ? {} : { 'cf-r2-jurisdiction': stage.jurisdiction }),
  }) as const;

async function keysIn(rollout: Rollout, bucket: string, limit: number): Promise<string[]> {
  const keys: string[] = [];
  try {
    const list = rollout.context.client.r2.buckets.objects.list(bucket, { ...where(rollout), per_page: limit });
    for await (const { key } of list) {
      if (key !== undefined) keys.push(key);
      if (keys.length >= limit) break;
    }
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
  return keys;
}
