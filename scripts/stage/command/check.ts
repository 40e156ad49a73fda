/** @module `stage check`: whether account and file are the same, and whether each host answers as it should. Changes nothing. */
import { type CheckReport, check as checkStage, isFine } from '../steps/check.ts';
import { heldText } from '../steps/lock.ts';
import { probedText } from '../steps/probe.ts';
import { opened, type StageCommand } from './call.ts';
import { differenceLines } from './plan-text.ts';

/** See the module. */
export const check: StageCommand = (call) =>
  opened(call, async (rollout) => {
    const report = await checkStage(rollout);
    const lines = [
      ...differenceLines([...report.drift, ...report.foreign]),
      ...found(
        report.journal === null
          ? 'made by an apply of another machine'
          : 'made by the apply that was cut off, or by one of another machine',
        report.unknown,
      ),
      ...found('edited by hand, and lost at the next apply', report.edited),
      ...(report.lock === null ? [] : [heldText(rollout, report.lock)]),
      ...journalLines(report),
      ...probedText(report.probed),
      verdict(report, call.stage.name),
    ];
    call.io.print({ ...report, fine: isFine(report) }, lines.join('\n'));
    return isFine(report) ? 0 : 1;
  });

const found = (what: string, names: readonly string[]): string[] => names.map((name) => `${what}: ${name}`);

function journalLines({ journal, lock }: CheckReport): string[] {
  if (journal === null) return [];
  const { command, began, current } = journal;
  const where =
    current === null ? 'between two steps' : `in the step "${current.name}"; what is left: ${current.leaves}`;
  // The lock of a run that was killed looks like the lock of one that still runs.
  const state = lock === null ? 'was cut off' : 'still runs, or was cut off,';
  return [`${command} of ${began} ${state} ${where}`, ...(current === null ? [] : [`to go on: ${current.again}`])];
}

function verdict(report: CheckReport, stage: string): string {
  if (isFine(report)) return `${stage}: the account is as the file says, and each host answers as it should`;
  const wrong = report.probed.filter(({ right }) => !right).length;
  const [differences, all] = [report.drift.length, report.probed.length];
  const answers = wrong === 0 ? `all ${all} answers right` : `${wrong} of ${all} answers not right`;
  return `${stage}: ${differences === 1 ? '1 difference' : `${differences} differences`} from the file, ${answers}`;
}
