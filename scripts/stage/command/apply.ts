/** @module `stage apply`: brings the account to what the file says, in steps that each say what a break there leaves (scripts/stage/steps/apply.ts). */
import { apply as applyStage } from '../steps/apply.ts';
import { openedToChange, type StageCommand } from './call.ts';

/** See the module. */
export const apply: StageCommand = (call) =>
  openedToChange(call, async (rollout) => {
    const { stage, io, overwrite } = call;
    const report = await applyStage(rollout, { overwrite });
    const wrong = report.probed.filter(({ right }) => !right).length;
    const release = report.release === null ? 'no Worker needed anything' : `release ${report.release}`;
    const answers =
      wrong === 0 ? 'each host answers as it should' : `${wrong} of ${report.probed.length} answers are not right`;
    io.print(
      report,
      `${stage.name}: ${report.steps.length} ${report.steps.length === 1 ? 'step' : 'steps'}, ${release}; ${answers}`,
    );
    return wrong === 0 ? 0 : 1;
  });
