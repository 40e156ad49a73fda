/** @module `stage destroy`: takes everything of a stage out of its account, once a person has seen what goes and has typed its name. */
import { type DestroyPlan, destroy as destroyStage, planDestroy, requireOwn } from '../steps/destroy.ts';
import { nameTyped, openedToChange, type StageCommand } from './call.ts';

/** See the module. */
export const destroy: StageCommand = (call) =>
  openedToChange(call, async (rollout) => {
    const { stage, io, withData } = call;
    const plan = await planDestroy(rollout);
    requireOwn(plan.others, stage.name);
    for (const line of planLines(plan)) io.say(line);
    const what = withData ? 'This takes away all of it, with what is stored.' : 'This takes away all of it.';
    if (!(await nameTyped(call, `${what} Nothing of it can be brought back; phones aren't told (docs/sunset.md).`))) {
      return 1;
    }
    const steps = await destroyStage(rollout, { withData });
    io.print(
      { plan, steps },
      `${stage.name}: ${steps.length} steps; nothing of it is left in the account ${stage.account}`,
    );
    return 0;
  });

function planLines({ workers, byHand, resources, full }: DestroyPlan): string[] {
  return [
    ...resources.map(({ resource }) => `delete     ${resource}`),
    ...workers.map((worker) => `delete     Worker ${worker}, with all that its objects store`),
    ...byHand.map((line) => `by hand    ${line}; no apply made it, and it goes, too`),
    ...full.map(({ bucket, keys }) => `holds data ${bucket}: ${keys.join(', ')}, …`),
  ];
}
