/** @module Sets the stage for the story of Google's dialect: a local edge with its own health authority. */
import type { RandomBytes } from '../../../phone/random.ts';
import { startWithAuthorities } from '../../support/local-authorities.ts';
import { finish, type Progress } from '../report.ts';
import { clearOut } from '../stage.ts';
import { OUT, playGoogle, STORY_POLICY } from './story.ts';

/**
 * @param random source of bytes
 * @param progress told of each step
 * @param json prints summary.json in place of the table
 * @returns exit code: 0, or 1 when a figure is wrong
 */
export async function googleStory(random: RandomBytes, progress: Progress, json: boolean): Promise<number> {
  clearOut(OUT);
  const said: string[] = [];
  const onLog = (line: string): void => void said.push(`a Worker said: ${line}`);
  const edge = await startWithAuthorities({ vars: { origin: STORY_POLICY }, onLog }, false);
  try {
    const { rows, problems } = await playGoogle(edge, random, progress);
    progress('done');
    return finish(rows, [...problems, ...said], json, OUT);
  } finally {
    await edge.dispose();
  }
}
