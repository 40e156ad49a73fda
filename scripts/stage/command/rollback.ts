/** @module `stage rollback`: back to what a release found, where migrations and secrets allow it (scripts/stage/steps/rollback.ts). */
import { rollback as goBack } from '../steps/rollback.ts';
import { openedToChange, type StageCommand } from './call.ts';

/** See the module. */
export const rollback: StageCommand = (call) =>
  openedToChange(call, async (rollout) => {
    const { io, release } = call;
    const report = await goBack(rollout, release);
    const wrong = report.probed.filter(({ right }) => !right).length;
    const went = report.wentBack.length === 0 ? 'no Worker had to go back' : `back: ${report.wentBack.join(', ')}`;
    io.print(report, [`release ${report.release}: ${went}`, ...report.left].join('\n'));
    return wrong === 0 ? 0 : 1;
  });
