/**
 * @module Going back from a release, by its file: each Worker gets the version that it had before, in the reverse of the order in which they went up. Refused where what was before can't
 * run on what is stored now, or has a secret that is no longer the stage's.
 *
 * Left behind by a crash: some Workers gone back, some not, one version apart; the next rollback goes on, since it reads the account.
 */
import { readWorker, type FoundWorker } from '../wrangler/account-workers.ts';
import { runWrangler } from '../wrangler/run-wrangler.ts';
import { writeConfiguration } from '../wrangler/configuration.ts';
import { readTag } from '../wrangler/fingerprint.ts';
import { DEPLOY_ORDER, type WorkerName } from '../wrangler/order.ts';
import { schemasAhead } from '../wrangler/schema-versions.ts';
import { stageConfiguration, workerFolder } from '../wrangler/workers.ts';
import { runSteps, type Step } from './journal.ts';
import { takeLock } from './lock.ts';
import { probe, type Probed, probedText } from './probe.ts';
import { readRelease, type Release, releaseNumbers, writeRelease } from './release-file.ts';
import type { Rollout } from './rollout.ts';

/** Why a release can't be gone back from; each names what to do instead. */
export class RollbackRefused extends Error {
  readonly reasons: readonly string[];

  constructor(release: number, reasons: readonly string[]) {
    super(`There is no way back from release ${release}:\n${reasons.join('\n')}`);
    this.name = 'RollbackRefused';
    this.reasons = reasons;
  }
}

/** What a rollback did. */
export interface RollbackReport {
  readonly release: number;
  /** Workers that went back, in order. */
  readonly wentBack: readonly WorkerName[];
  /** Lines about what it leaves as it is. */
  readonly left: readonly string[];
  readonly probed: readonly Probed[];
}

/** Reverse of the order of deployment. */
const BACK = DEPLOY_ORDER.toReversed();

/**
 * @param rollout see {@link Rollout}; versions keep the secrets and variables that they have
 * @param number of the release to go back from; null: the latest
 * @returns what was done
 * @throws RollbackRefused naming each Worker, what stands in the way and what to do instead; StepError
 */
export async function rollback(rollout: Rollout, number: number | null = null): Promise<RollbackReport> {
  const latest = number ?? latestOf(rollout);
  const unlock = await takeLock(rollout, 'rollback');
  try {
    const release = readRelease(rollout.places, latest);
    const found = new Map<WorkerName, FoundWorker | null>();
    for (const worker of BACK) found.set(worker, await readWorker(rollout.context, release.workers[worker].script));
    const reasons = refusals(release, found);
    if (reasons.length > 0) throw new RollbackRefused(latest, reasons);
    const going = BACK.filter((worker) => {
      const { before } = release.workers[worker];
      return before !== null && found.get(worker)?.active?.id !== before.versionId;
    });
    let probed: readonly Probed[] = [];
    await runSteps(
      steps(rollout, release, going, (all) => {
        probed = all;
      }),
      { places: rollout.places, command: 'rollback', commit: rollout.commit, say: rollout.say },
    );
    return { release: latest, wentBack: going, left: leftOf(release), probed };
  } finally {
    await unlock();
  }
}

function latestOf({ places, stage }: Rollout): number {
  const latest = releaseNumbers(places).findLast((number) =>
    ['begun', 'done'].includes(readRelease(places, number).state),
  );
  if (latest === undefined) {
    throw new Error(
      `${places.work} has no release to go back from: ${stage.name} was never applied from this machine, or its release files are lost. Where they are kept, put them there. Instead: check out the commit before, and apply`,
    );
  }
  return latest;
}

function* steps(
  rollout: Rollout,
  release: Release,
  going: readonly WorkerName[],
  told: (probed: readonly Probed[]) => void,
): Generator<Step> {
  const again = `npm run stage -- rollback ${rollout.stage.name}`;
  const leaves = 'some Workers have gone back, some not: one version apart, which is allowed';
  for (const worker of going) {
    const { before, script } = release.workers[worker];
    yield {
      name: `${worker}: traffic back to the version before release ${release.release}`,
      leaves,
      again,
      run: () =>
        goBack(rollout, { worker, script, versionId: before?.versionId ?? '', crons: before?.crons ?? [] }, release),
    };
  }
  yield {
    name: `release ${release.release}: is rolled back`,
    leaves: 'all Workers have gone back; the release file doesn’t say so',
    again,
    run: async () =>
      writeRelease(rollout.places, { ...release, state: 'rolled back', ended: new Date().toISOString() }),
  };
  yield {
    name: 'probe: each host is asked what phones, laboratories, peers and staff ask',
    leaves: 'everything is done; nobody has looked whether it answers',
    again: `npm run stage -- check ${rollout.stage.name}`,
    async run() {
      const probed = await probe(rollout);
      told(probed);
      for (const line of probedText(probed)) rollout.say(line);
    },
  };
}

async function goBack(
  rollout: Rollout,
  to: {
    readonly worker: WorkerName;
    readonly script: string;
    readonly versionId: string;
    readonly crons: readonly string[];
  },
  release: Release,
): Promise<void> {
  const { account, context, stage } = rollout;
  const folder = workerFolder(rollout, to.worker);
  // Of the script's settings that no version has: logs stay off.
  writeConfiguration(folder, stageConfiguration(rollout, to.worker, await rollout.made()), `stages/${stage.name}.toml`);
  const message = `back from release ${release.release} of ${release.stage}`;
  await runWrangler(account, folder, ['versions', 'deploy', `${to.versionId}@100%`, '--yes', '--message', message]);
  await context.client.workers.scripts.schedules.update(to.script, {
    account_id: context.accountId,
    body: to.crons.map((cron) => ({ cron })),
  });
}

/**
 * @param release see release-file.ts
 * @param found what the account has, by Worker
 * @returns what stands in the way, each with the Worker and what to do instead; empty: nothing
 */
export function refusals(
  release: Release,
  found: ReadonlyMap<WorkerName, { readonly active: Pick<NonNullable<FoundWorker['active']>, 'id'> | null } | null>,
): string[] {
  const { workers, commit } = release;
  if (BACK.every((worker) => workers[worker].before === null)) {
    return [
      'It made every Worker: there is nothing before it to go back to. Instead: set the code or the file right, and apply.',
    ];
  }
  if (release.state === 'rolled back') return ['It was gone back from already. An apply brings it again.'];
  return BACK.flatMap((worker) => {
    const { before, after, script } = workers[worker];
    const active = found.get(worker)?.active?.id ?? null;
    if (before === null || active === before.versionId) return [];
    if (after === null) {
      return [`${worker}: the release was cut off before its version was written down. Apply again first.`];
    }
    if (active !== after.versionId) {
      return [
        `${worker}: version ${active ?? 'none'} has the traffic, not the one that this release made: somebody changed ${script} since, by hand or by a later release. Look at it with check.`,
      ];
    }
    return versionRefusals(worker, before, after, commit);
  });
}

type Side = NonNullable<Release['workers']['upload']['before']>;

function versionRefusals(worker: WorkerName, before: Side, after: Side, commit: string | null): string[] {
  const forward = `Instead: set the code right, or check out the commit before ${commit ?? 'this one'} and keep`;
  if (before.migrationTag !== after.migrationTag) {
    return [
      `${worker}: its classes migrated from ${before.migrationTag ?? 'none'} to ${after.migrationTag ?? 'none'}, and no version of before can run on them. ${forward} the migration, then apply.`,
    ];
  }
  if (before.versionId === after.versionId) return [];
  if (before.secrets === null || before.schemas === null) {
    return [
      `${worker}: its version of before was made on another machine, or by hand: which secrets and schemas it has isn't known here. Instead: check out its commit${before.tag === null ? '' : ` (${before.tag})`} and apply it.`,
    ];
  }
  const changed = [...new Set([...Object.keys(before.secrets), ...Object.keys(after.secrets ?? {})])].filter(
    (name) => before.secrets?.[name] !== after.secrets?.[name],
  );
  const ahead = schemasAhead(after.schemas ?? {}, before.schemas);
  return [
    ...(changed.length === 0
      ? []
      : [
          `${worker}: ${changed.toSorted().join(', ')} changed with it, and a version of before has the former one. Instead: ${isSameCode(before, commit) ? "go on with the rotation, or set the stage's file right and apply; the code was the same" : `check out the commit before ${commit ?? 'this one'} and apply it; it gets today's secrets`}.`,
        ]),
    ...(ahead.length === 0
      ? []
      : [
          `${worker}: ${ahead.join('; ')}: objects that have started since would refuse to. ${forward} the schema, then apply.`,
        ]),
  ];
}

/** Whether what was before was made of the same commit: a release for a secret or a setting. */
function isSameCode({ tag }: Side, commit: string | null): boolean {
  const before = readTag(tag)?.commit;
  return before !== undefined && commit?.startsWith(before) === true;
}

function leftOf({ workers, release }: Release): string[] {
  const made = DEPLOY_ORDER.filter((worker) => workers[worker].before === null);
  return [
    ...made.map(
      (worker) => `${worker} was new in release ${release}: it stays, and those that went back don't call it`,
    ),
    'Rules, hosts and buckets stay as the stage’s file says: go back in the file and apply to change them.',
  ];
}
