/** @module Sets the stage for the travel story: three backends on this machine, in a folder that doesn't outlive it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../local-edge/workers.ts';
import type { RandomBytes } from '../../../phone/random.ts';
import { startFederation } from '../../federation/federation.ts';
import { makePlan } from '../../federation/plan.ts';
import { isUsual } from '../../federation/usual-lines.ts';
import { temporaryFolder } from '../../support/command-line/interrupt.ts';
import { finish, type Progress } from '../report.ts';
import { REGIONS } from './cast.ts';
import { playTravel, STORY_VARS } from './story.ts';
import { caseTable, phoneTable } from './table.ts';

/** Where summary.json is left. */
const OUT = join(ROOT, 'out/demo-travel');
const DAY = 86_400;
/** Its last day is over on the machine's clock, by which TLS lives. */
const DAYS_AGO = 3;
/** 10:20. */
const BEGIN = 10 * 3600 + 20 * 60;

/**
 * @param random source of bytes
 * @param progress told of each step
 * @param json prints summary.json in place of the tables
 * @returns exit code: 0, or 1 when a figure is wrong
 */
export async function travelStory(random: RandomBytes, progress: Progress, json: boolean): Promise<number> {
  const start = (Math.floor(Date.now() / 1000 / DAY) - DAYS_AGO) * DAY + BEGIN;
  const folder = temporaryFolder('travel');
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
      const { rows, problems, cases, phones } = await playTravel(federation, start, random, progress);
      progress('done');
      mkdirSync(OUT, { recursive: true });
      if (!json) process.stdout.write(`\n${caseTable(cases)}\n\n${phoneTable(phones)}\n`);
      return finish(rows, [...problems, ...said], json, OUT, { cases, phones });
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
