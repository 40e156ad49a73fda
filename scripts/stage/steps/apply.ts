/**
 * @module An apply: brings an account to what the stage's file says. What comes before what, and what a break at each step leaves:
 *
 * | Step | Leaves | To go on |
 * |---|---|---|
 * | lock | the bucket of the lock | unlock, then apply |
 * | resources before Workers | some of them, each whole | apply: what is there is kept |
 * | release file | a file that says `begun` | apply |
 * | deploy (new, or classes migrate) | that Worker new, the others as before: one version apart is allowed (docs/architecture.md) | apply |
 * | upload | versions without traffic | apply: it finds them by their tags |
 * | 0 % | new versions that answer only who asks for them by name | apply, or rollback |
 * | smoke checks | as before them | apply |
 * | traffic | some Workers new, some as before: one version apart | apply, or rollback |
 * | triggers | cron expressions of before for some | apply |
 * | resources after Workers | some of them | apply |
 * | probe | everything done | check |
 *
 * What is still to be done is read from the account each time, so the second apply ends as the first would have.
 */
import type { Difference, Phase } from '../resources/resource.ts';
import { bring } from '../resources/bring.ts';
import { type ApplyOptions, bringSteps } from './apply-workers.ts';
import { type Step, runSteps } from './journal.ts';
import { takeLock } from './lock.ts';
import { probe, type Probed, probedText } from './probe.ts';
import type { Rollout } from './rollout.ts';

/** What an apply did. */
export interface ApplyReport {
  /** Of the release file; null: no Worker needed anything. */
  readonly release: number | null;
  readonly steps: readonly string[];
  readonly probed: readonly Probed[];
}

const AGAIN = 'npm run stage -- apply';

/**
 * @param rollout see {@link Rollout}
 * @param options see {@link ApplyOptions}
 * @returns what was done; it failed where a probe isn't right
 * @throws StepError naming the step, what it leaves and how to go on
 */
export async function apply(rollout: Rollout, options: ApplyOptions): Promise<ApplyReport> {
  const report: { release: number | null; probed: readonly Probed[] } = { release: null, probed: [] };
  const unlock = await takeLock(rollout, 'apply');
  try {
    const steps = await runSteps(broken(applySteps(rollout, options, report), options), {
      places: rollout.places,
      command: 'apply',
      commit: rollout.commit,
      say: rollout.say,
    });
    return { ...report, steps };
  } finally {
    await unlock();
  }
}

async function* broken(steps: AsyncIterable<Step>, { beforeStep }: ApplyOptions): AsyncGenerator<Step> {
  for await (const step of steps) {
    yield {
      ...step,
      async run() {
        beforeStep?.(step.name);
        await step.run();
      },
    };
  }
}

async function* applySteps(
  rollout: Rollout,
  options: ApplyOptions,
  report: { release: number | null; probed: readonly Probed[] },
): AsyncGenerator<Step> {
  const again = `${AGAIN} ${rollout.stage.name}`;
  yield* resourceSteps(rollout, 'before-workers', again);
  yield* bringSteps(rollout, options, again, (release) => {
    report.release = release;
  });
  yield* resourceSteps(rollout, 'after-workers', again);
  yield {
    name: 'probe: each host is asked what phones, laboratories, peers and staff ask',
    leaves: 'everything is done; nobody has looked whether it answers',
    again: `npm run stage -- check ${rollout.stage.name}`,
    async run() {
      report.probed = await probe(rollout);
      for (const line of [...probedText(report.probed), ...authoritiesText(rollout)]) rollout.say(line);
      if (report.release !== null && report.probed.some(({ right }) => !right)) {
        rollout.say(`To give the traffic back: npm run stage -- rollback ${rollout.stage.name}`);
      }
    },
  };
}

/** Certificates of an authority publish keys: bringing one into force wants two people, so an apply doesn't. */
function authoritiesText({ stage }: Rollout): string[] {
  if (stage.authorities.document === null) return [];
  return [
    `The stage names a document of health authorities. One person proposes it, another agrees: npm run authorities -- import FILE --url https://${stage.hosts.portal}`,
  ];
}

async function* resourceSteps({ resources, context, say }: Rollout, phase: Phase, again: string): AsyncGenerator<Step> {
  for (const resource of resources.filter((each) => each.phase === phase)) {
    const differences = resource.plan(context, await resource.read(context));
    if (differences.every(({ action }) => action === 'keep')) continue;
    yield {
      name: `${resource.name}: ${countsOf(differences)}`,
      leaves: resource.afterBreak,
      again,
      run: async () => void (await bring(resource, context, say)),
    };
  }
}

function countsOf(differences: readonly Difference[]): string {
  const counts = (['create', 'change', 'delete'] as const).map(
    (action) => [action, differences.filter((difference) => difference.action === action).length] as const,
  );
  return counts.flatMap(([action, count]) => (count === 0 ? [] : [`${action} ${count}`])).join(', ');
}
