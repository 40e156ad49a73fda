/** @module `stage init`: draws and seals what the stage lacks. */
import { initLines, initStage } from '../secrets/init.ts';
import type { StageCommand } from './call.ts';

/** See the module. */
export const init: StageCommand = async ({ stage, places, identity, bring, io }) => {
  const report = await initStage(stage, places, { identity, bring });
  io.print(report, initLines(report, stage.name).join('\n'));
  return 0;
};
