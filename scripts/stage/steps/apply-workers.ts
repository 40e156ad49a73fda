/**
 * @module The part of an apply that brings Workers: the release file first, then Workers that can't be in a gradual rollout, then all others as versions without traffic, smoke checks on
 * those, and the traffic. What a break leaves is said at each step, and in apply.ts in one table.
 */
import type { FoundVersion } from '../wrangler/account-workers.ts';
import { readVersion } from '../wrangler/account-workers.ts';
import { deployAlone, giveTraffic, giveTriggers, type How, prepare, uploadVersion } from '../wrangler/bring.ts';
import { makerOf, TRIGGER_FIELDS } from '../wrangler/compare.ts';
import { readTag } from '../wrangler/fingerprint.ts';
import { type SchemaVersions, schemasAhead, schemasOf, schemaVersions } from '../wrangler/schema-versions.ts';
import { lookAtWorkers, type WorkerPlan } from '../wrangler/workers.ts';
import type { Step } from './journal.ts';
import { probe, probedText } from './probe.ts';
import { knownSide, readReleases, type Release, type ReleaseSide, writeRelease } from './release-file.ts';
import type { Rollout } from './rollout.ts';

/** How an apply goes. */
export interface ApplyOptions {
  /** Whether what somebody did by hand, in the dashboard or by wrangler, is lost by it. */
  readonly overwrite: boolean;
  /** For tests: a break before a step. */
  readonly beforeStep?: (name: string) => void;
}

/** A Worker that is brought, and its version once it is there. */
interface Brought {
  readonly plan: WorkerPlan;
  readonly how: How;
  version: string | null;
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
  const schemas = await schemaVersions();
  requireNotOlder(plans, releases, schemas);
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
    message: `release ${release.release} of ${rollout.stage.name}`,
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

const deployStep = (rollout: Rollout, one: Brought, again: string): Step => ({
  name: `${one.plan.worker}: deployed by itself, with its secrets`,
  leaves: `${one.plan.script} may be new or as before, the others are as before; a Worker and those that it calls may be one version apart`,
  again,
  async run() {
    one.version = await deployAlone(rollout, one.plan, one.how);
  },
});

const uploadStep = (rollout: Rollout, one: Brought, again: string): Step => ({
  name: `${one.plan.worker}: new version uploaded, without traffic`,
  leaves: 'a version that takes no traffic; the next apply finds it by its tag',
  again,
  async run() {
    one.version = await uploadVersion(rollout, one.plan, one.how);
  },
});

/** A version that is to be asked by name must be in the deployment, if with no traffic. */
const zeroStep = (rollout: Rollout, { plan, version, how }: Brought, again: string): Step => ({
  name: `${plan.worker}: new version at 0 %`,
  leaves: 'the new version answers only who asks for it by name; all traffic goes where it went',
  again,
  async run() {
    const { active, traffic } = plan.found ?? { active: null, traffic: [] };
    const id = idOf(version);
    // An apply that was cut off has done it.
    if (active === null || traffic.some(({ versionId, percentage }) => versionId === id && percentage === 0)) return;
    await giveTraffic(
      rollout,
      plan,
      [
        { versionId: active.id, percentage: 100 },
        { versionId: id, percentage: 0 },
      ],
      how.message,
    );
  },
});

function idOf(version: string | null): string {
  if (version === null) throw new Error('its version isn’t known');
  return version;
}

const smokeStep = (rollout: Rollout, versions: readonly Brought[], again: string): Step => ({
  name: 'smoke checks: new versions are asked by name, before they have traffic',
  leaves: 'new versions without traffic; all traffic goes where it went',
  again,
  async run() {
    const wanted = Object.fromEntries(versions.map(({ plan, version }) => [plan.script, idOf(version)]));
    const probed = await probe(rollout, new Set(versions.map(({ plan }) => plan.worker)), wanted);
    for (const line of probedText(probed)) rollout.say(line);
    const wrong = probed.filter(({ right }) => !right);
    if (wrong.length === 0) return;
    throw new Error(`${probedText(wrong).join('\n')}\nNo traffic was moved.`);
  },
});

const trafficStep = (rollout: Rollout, { plan, version, how }: Brought, again: string): Step => ({
  name: plan.way === 'settings' ? `${plan.worker}: settings` : `${plan.worker}: traffic to the new version`,
  leaves: 'some Workers are new, some as before: one version apart, which is allowed',
  again: `${again}, or npm run stage -- rollback ${rollout.stage.name}`,
  run: () => giveTraffic(rollout, plan, [{ versionId: idOf(version), percentage: 100 }], how.message),
});

const triggerStep = (rollout: Rollout, { plan }: Brought, again: string): Step => ({
  name: `${plan.worker}: triggers`,
  leaves: 'cron expressions, and addresses on workers.dev, may be those of before',
  again,
  run: () => giveTriggers(rollout, plan),
});

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
