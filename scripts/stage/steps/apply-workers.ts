/**
 * @module The part of an apply that brings Workers: the release file first, then Workers that can't be in a gradual rollout, then all others as versions without traffic, smoke checks on
 * those, and the traffic. What a break leaves is said at each step, and in apply.ts in one table.
 */
import type { FoundVersion } from '../wrangler/account-workers.ts';
import { othersWorkers, readVersion, releaseMessage } from '../wrangler/account-workers.ts';
import { type How, prepare } from '../wrangler/bring.ts';
import { makerOf, TRIGGER_FIELDS } from '../wrangler/compare.ts';
import { readTag } from '../wrangler/fingerprint.ts';
import { SCHEMA_VERSIONS, type SchemaVersions } from '../../../domain/schema-versions.ts';
import { schemasAhead, schemasOf } from '../wrangler/schema-versions.ts';
import { lookAtWorkers, type WorkerPlan } from '../wrangler/workers.ts';
import type { Step } from './journal.ts';
import { knownSide, readReleases, type Release, type ReleaseSide, writeRelease } from './release-file.ts';
import type { Rollout } from './rollout.ts';
import {
  type Brought,
  deployStep,
  idOf,
  smokeStep,
  trafficStep,
  triggerStep,
  uploadStep,
  zeroStep,
} from './worker-steps.ts';

/** How an apply goes. */
export interface ApplyOptions {
  /** Whether what somebody did by hand, in the dashboard or by wrangler, is lost by it. */
  readonly overwrite: boolean;
  /** For tests: a break before a step. */
  readonly beforeStep?: (name: string) => void;
}

/**
 * @param rollout see {@link Rollout}
 * @param options see {@link ApplyOptions}
 * @param again how to go on after a break
 * @param numbered is told the release's number, if there is one
 * @returns steps, none where no Worker needs anything
 * @throws as lookAtWorkers; Error when the commit is older than what is stored, or somebody changed a Worker by hand and that isn't to be lost
 */
export async function* bringSteps(
  rollout: Rollout,
  options: ApplyOptions,
  again: string,
  numbered: (release: number) => void,
): AsyncGenerator<Step> {
  const plans = await lookAtWorkers(rollout);
  const releases = readReleases(rollout.places);
  const schemas = SCHEMA_VERSIONS;
  requireNotOlder(plans, releases, schemas);
  requireOwn(plans, rollout.stage.name);
  requireUntouched(plans, options, again);
  const begun = releases.findLast(({ state }) => state === 'begun') ?? null;
  const needed = plans.some(({ way }) => way !== 'none');
  if (!needed && begun === null) return;
  // Cut off after the last Worker: what is left is to write down that it ended.
  const release = needed ? newRelease(rollout, plans, releases, begun) : begun;
  if (release === null) return;
  numbered(release.release);
  const how = (plan: WorkerPlan): How => ({
    overwrite: isByHand(plan),
    message: releaseMessage(release.release, rollout.stage.name),
  });
  const brought = plans.map((plan): Brought => ({ plan, how: how(plan), version: plan.found?.active?.id ?? null }));
  const of = (...ways: readonly WorkerPlan['way'][]): Brought[] =>
    brought.filter(({ plan }) => ways.includes(plan.way));

  if (needed) {
    yield {
      name: `release ${release.release}: what is deployed now is written down`,
      leaves: 'nothing has changed in the account',
      again,
      async run() {
        for (const { plan } of of('new', 'migration', 'version', 'settings')) prepare(rollout, plan);
        // In this order: cut off between the two, the later of two that have begun says the same of before.
        writeRelease(rollout.places, release);
        if (begun !== null) writeRelease(rollout.places, { ...begun, state: 'replaced' });
      },
    };
  }
  for (const one of of('new', 'migration')) yield deployStep(rollout, one, again);
  const versions = of('version');
  for (const one of versions) yield uploadStep(rollout, one, again);
  for (const one of versions) yield zeroStep(rollout, one, again);
  if (versions.length > 0) yield smokeStep(rollout, versions, again);
  let written = release;
  if (needed) {
    yield {
      name: `release ${release.release}: new versions are written down, before they have traffic`,
      leaves: 'new versions without traffic; all traffic goes where it went',
      again,
      async run() {
        written = await withAfter(rollout, release, brought, schemas);
        writeRelease(rollout.places, written);
      },
    };
  }
  for (const one of of('version', 'settings')) yield trafficStep(rollout, one, again);
  for (const one of of('version', 'settings')) {
    if (one.plan.fields.settings.some(({ name }) => TRIGGER_FIELDS.has(name))) yield triggerStep(rollout, one, again);
  }
  yield {
    name: `release ${release.release}: is done`,
    leaves: 'all Workers are new; the release file says that some may not be',
    again,
    async run() {
      if (!needed) written = await withAfter(rollout, release, brought, schemas);
      writeRelease(rollout.places, { ...written, state: 'done', ended: new Date().toISOString() });
    },
  };
}

/** Refuses code that is older than what is stored: its objects wouldn't start. */
function requireNotOlder(plans: readonly WorkerPlan[], releases: readonly Release[], code: SchemaVersions): void {
  const stored = plans.flatMap(({ found }) => {
    const id = found?.active?.id;
    return id === undefined ? [] : [knownSide(releases, id)?.schemas ?? {}];
  });
  const ahead = [...new Set(stored.flatMap((schemas) => schemasAhead(schemas, code)))];
  if (ahead.length === 0) return;
  throw new Error(
    `This commit is older than what is stored: ${ahead.join('; ')}. Its objects would refuse to start. Check out the release that is deployed, or a newer one.`,
  );
}

/** Refuses what another stage deployed: its secrets would be lost, and its phones refused. */
function requireOwn(plans: readonly WorkerPlan[], stage: string): void {
  const others = othersWorkers(plans, stage);
  if (others.length === 0) return;
  throw new Error(
    `The account has Workers of another stage by these names:\n${others.join('\n')}\nNo Worker was changed. Give stages/${stage}.toml its own account, or another workers.prefix; to go on with that stage, use its file.`,
  );
}

/** Whether the version with the traffic was made by somebody else than an apply. */
const isByHand = ({ found }: WorkerPlan): boolean => {
  const active = found?.active ?? null;
  return active !== null && readTag(active.tag) === null;
};

function requireUntouched(plans: readonly WorkerPlan[], { overwrite }: ApplyOptions, again: string): void {
  const byHand = overwrite ? [] : plans.filter(isByHand);
  if (byHand.length === 0) return;
  const lines = byHand.map(({ script, found }) => `${script}: ${found?.active ? makerOf(found.active) : ''}`);
  throw new Error(
    `Changed by hand since the last apply:\n${lines.join('\n')}\nLook at it with plan; what is to be kept belongs into the stage's file or its secrets. To have it lost: ${again} --overwrite`,
  );
}

/** What was deployed when the last apply that ended had ended: not what one left that was cut off. */
function newRelease(
  rollout: Rollout,
  plans: readonly WorkerPlan[],
  releases: readonly Release[],
  begun: Release | null,
): Release {
  const workers: Partial<Release['workers']> = {};
  for (const { worker, script, way, found } of plans) {
    const now = found?.active ? sideNow(found.active, found.crons, releases) : null;
    const before = begun === null ? now : begun.workers[worker].before;
    workers[worker] = {
      script,
      way: begun === null ? way : furtherWay(begun.workers[worker].way, way),
      before,
      after: null,
    };
  }
  return {
    format: 1,
    stage: rollout.stage.name,
    release: (releases.at(-1)?.release ?? 0) + 1,
    state: 'begun',
    commit: rollout.commit,
    began: new Date().toISOString(),
    ended: null,
    workers: workers as Release['workers'],
  };
}

/** What was done before the cut counts too: a migration that is over is a migration. */
const FURTHER: readonly WorkerPlan['way'][] = ['none', 'settings', 'version', 'migration', 'new'];
const furtherWay = (a: WorkerPlan['way'], b: WorkerPlan['way']): WorkerPlan['way'] =>
  FURTHER.indexOf(a) > FURTHER.indexOf(b) ? a : b;

function sideNow(version: FoundVersion, crons: readonly string[], releases: readonly Release[]): ReleaseSide {
  const known = knownSide(releases, version.id);
  return {
    versionId: version.id,
    tag: version.tag,
    migrationTag: version.migrationTag,
    secrets: known?.secrets ?? null,
    schemas: known?.schemas ?? null,
    crons: [...crons],
  };
}

async function withAfter(
  rollout: Rollout,
  release: Release,
  brought: readonly Brought[],
  schemas: SchemaVersions,
): Promise<Release> {
  const workers = { ...release.workers };
  for (const { plan, version } of brought) {
    const id = idOf(version);
    const active = await readVersion(rollout.context, plan.script, id);
    workers[plan.worker] = {
      ...workers[plan.worker],
      after: {
        versionId: id,
        tag: active.tag,
        migrationTag: active.migrationTag,
        secrets: plan.marks,
        schemas: schemasOf(schemas, plan.wanted.configuration),
        crons: [...plan.wanted.configuration.triggers.crons],
      },
    };
  }
  return { ...release, workers };
}
