/** @module Sets the stage for the federation's story: three backends on this machine in a folder that doesn't outlive it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../local-edge/workers.ts';
import type { RandomBytes } from '../../../phone/random.ts';
import { startFederation } from '../../federation/federation.ts';
import { makePlan } from '../../federation/plan.ts';
import { isUsual } from '../../federation/usual-lines.ts';
import { temporaryFolder } from '../../support/command-line/interrupt.ts';
import { type Progress, finish } from '../report.ts';
import { playFederation, REGIONS, STORY_VARS } from './story.ts';

/** Where summary.json is left. */
const OUT = join(ROOT, 'out/demo-federation');
const DAY = 86_400;
/** 10:20. */
const BEGIN = 10 * 3600 + 20 * 60;

/**
 * @param random source of bytes
 * @param progress told of each step
 * @param json prints summary.json in place of the table
 * @returns exit code: 0, or 1 when a figure is wrong
 */
export async function federationStory(random: RandomBytes, progress: Progress, json: boolean): Promise<number> {
  // Yesterday: TLS lives by the machine's clock, and no certificate is of the future there.
  const start = (Math.floor(Date.now() / 1000 / DAY) - 1) * DAY + BEGIN;
  const folder = temporaryFolder('federation');
  const said: string[] = [];
  try {
    const plan = await makePlan(folder.path, REGIONS, start);
    const federation = await startFederation(plan, {
      vars: STORY_VARS,
      now: () => start,
      setClocks: true,
      onLog: (region, line) => void (isUsual(line) || said.push(`${region}: a Worker said: ${line}`)),
    });
    try {
      const { rows, problems } = await playFederation(federation, start, random, progress);
      progress('done');
      mkdirSync(OUT, { recursive: true });
      return finish(rows, [...problems, ...said], json, OUT);
    } finally {
      await federation.end();
    }
  } catch (error) {
    for (const line of said) process.stderr.write(`${line}\n`);
    throw error;
  } finally {
    folder.remove();
  }
}
