/** @module What an apply does to one Worker, each as a step that says what a break there leaves. */
import { deployAlone, giveTraffic, giveTriggers, type How, uploadVersion } from '../wrangler/bring.ts';
import type { WorkerPlan } from '../wrangler/workers.ts';
import type { Step } from './journal.ts';
import { planResources } from './plan-resources.ts';
import { probe, type Probed, probedText } from './probe.ts';
import type { Rollout } from './rollout.ts';

/** A Worker that is brought, and its version once it is there. */
export interface Brought {
  readonly plan: WorkerPlan;
  readonly how: How;
  version: string | null;
}

/** @param rollout see {@link Rollout} @param one a Worker that is new, or whose classes migrate @param again how to go on after a break @returns the step */
export const deployStep = (rollout: Rollout, one: Brought, again: string): Step => ({
  name: `${one.plan.worker}: deployed by itself, with its secrets`,
  leaves: `${one.plan.script} may be new or as before, the others are as before; a Worker and those that it calls may be one version apart`,
  again,
  async run() {
    one.version = await deployAlone(rollout, one.plan, one.how);
  },
});

/** @param rollout see {@link Rollout} @param one a Worker that goes by versions @param again how to go on after a break @returns the step */
export const uploadStep = (rollout: Rollout, one: Brought, again: string): Step => ({
  name: `${one.plan.worker}: new version uploaded, without traffic`,
  leaves: 'a version that takes no traffic; the next apply finds it by its tag',
  again,
  async run() {
    one.version = await uploadVersion(rollout, one.plan, one.how);
  },
});

/**
 * A version that is to be asked by name must be in the deployment, if with no traffic.
 *
 * @param rollout see {@link Rollout}
 * @param one that goes by versions
 * @param again how to go on after a break
 * @returns the step
 */
export const zeroStep = (rollout: Rollout, { plan, version, how }: Brought, again: string): Step => ({
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

/** @returns the version's id @throws Error before it is known */
export function idOf(version: string | null): string {
  if (version === null) throw new Error('its version isn’t known');
  return version;
}

/** @param rollout see {@link Rollout} @param versions all that are uploaded @param again how to go on after a break @returns the step */
export const smokeStep = (rollout: Rollout, versions: readonly Brought[], again: string): Step => ({
  name: 'smoke checks: new versions are asked by name, before they have traffic',
  leaves: 'new versions without traffic; all traffic goes where it went',
  again,
  async run() {
    const wanted = Object.fromEntries(versions.map(({ plan, version }) => [plan.script, idOf(version)]));
    const only = new Set(versions.map(({ plan }) => plan.worker));
    const probed = await probe(rollout, { only, versions: wanted, absent: await absentHosts(rollout) });
    for (const worker of only) {
      if (probed.some((one) => one.worker === worker)) continue;
      rollout.say(`${worker}: has no host yet, or none: its new version can't be asked before it has traffic`);
    }
    requireRight(rollout, probed, 'No traffic was moved.');
  },
});

/** Hosts that this apply is still to make: after one that was cut off in its beginning, say. */
async function absentHosts(rollout: Rollout): Promise<ReadonlySet<string>> {
  const planned = await planResources(rollout, 'after-workers');
  return new Set(
    planned.flatMap(({ action, resource }) => (action === 'create' ? resource.replace(/^host /, '') : [])),
  );
}

function requireRight(rollout: Rollout, probed: readonly Probed[], left: string): void {
  for (const line of probedText(probed.filter(({ right }) => right))) rollout.say(line);
  const wrong = probed.filter(({ right }) => !right);
  if (wrong.length > 0) throw new Error(`${probedText(wrong).join('\n')}\n${left}`);
}

/** @param rollout see {@link Rollout} @param one a Worker that goes by versions, or whose settings differ @param again how to go on after a break @returns the step */
export const trafficStep = (rollout: Rollout, { plan, version, how }: Brought, again: string): Step => ({
  name: plan.way === 'settings' ? `${plan.worker}: settings` : `${plan.worker}: traffic to the new version`,
  leaves: 'some Workers are new, some as before: one version apart, which is allowed',
  again: `${again}, or npm run stage -- rollback ${rollout.stage.name}`,
  async run() {
    await giveTraffic(rollout, plan, [{ versionId: idOf(version), percentage: 100 }], how.message);
    if (plan.way === 'settings') return;
    const probed = await probe(rollout, { only: new Set([plan.worker]), absent: await absentHosts(rollout) });
    requireRight(rollout, probed, 'It has all traffic; no other was given any after it.');
  },
});

/** @param rollout see {@link Rollout} @param one a Worker whose cron expressions or addresses differ @param again how to go on after a break @returns the step */
export const triggerStep = (rollout: Rollout, { plan }: Brought, again: string): Step => ({
  name: `${plan.worker}: triggers`,
  leaves: 'cron expressions, and addresses on workers.dev, may be those of before',
  again,
  run: () => giveTriggers(rollout, plan),
});
