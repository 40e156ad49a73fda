/** @module `stage plan`: what an apply would do, resource by resource. Reads, and changes nothing. */
import type { Difference, Phase } from '../resources/resource.ts';
import type { Rollout } from '../steps/rollout.ts';
import { planWorkers } from '../wrangler/workers.ts';
import { opened, type StageCommand } from './call.ts';
import { differenceLines, isNothing, summaryLine, summaryOf } from './plan-text.ts';

/**
 * @param rollout see {@link Rollout}
 * @param progress how far reading is
 * @returns every difference between account and file, in the order of an apply
 */
async function differencesOf(
  rollout: Rollout,
  progress: (phase: string, done: number, total: number) => void,
): Promise<readonly Difference[]> {
  const { resources, context } = rollout;
  const total = resources.length + 1;
  let done = 0;
  const inPhase = async (phase: Phase): Promise<Difference[]> => {
    const planned: Difference[] = [];
    for (const resource of resources.filter((one) => one.phase === phase)) {
      planned.push(...resource.plan(context, await resource.read(context)));
      progress('account', (done += 1), total);
    }
    return planned;
  };
  const before = await inPhase('before-workers');
  const workers = await planWorkers(rollout);
  progress('account', (done += 1), total);
  return [...before, ...workers, ...(await inPhase('after-workers'))];
}

/** See the module. */
export const plan: StageCommand = (call) =>
  opened(call, async (rollout) => {
    const { stage, io } = call;
    const differences = await differencesOf(rollout, io.progress);
    const summary = summaryOf(differences);
    const next = isNothing(summary)
      ? 'the account is as the file says'
      : `npm run stage -- apply ${stage.name} does it`;
    const last = `plan of ${stage.name}, account ${stage.account}: ${summaryLine(summary)}. Nothing was changed; ${next}`;
    io.print(
      { stage: stage.name, account: stage.account, differences, summary },
      [...differenceLines(differences), last].join('\n'),
    );
    return 0;
  });
