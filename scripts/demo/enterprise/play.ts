/** @module Sets the stage for the enterprise's story: its sites on this machine, in a folder that doesn't outlive it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../local-edge/workers.ts';
import type { RandomBytes } from '../../../phone/random.ts';
import { makePlan } from '../../federation/plan.ts';
import { startSites } from '../../federation/sites.ts';
import { isUsual } from '../../federation/usual-lines.ts';
import { temporaryFolder } from '../../support/command-line/interrupt.ts';
import { finish, type Progress } from '../report.ts';
import { SITE_VARS, sitesOf } from './sites.ts';
import { playEnterprise } from './story.ts';

/** Where summary.json is left. */
const OUT = join(ROOT, 'out/demo-enterprise');
const DAY = 86_400;
/** 0:20. */
const BEGIN = 20 * 60;
/** Each site listens for the end of the process, several times. */
const LISTENERS_A_SITE = 8;
/** The clock is moved by hours, and crons run by the machine's: peers were silent meanwhile (docs/federation.md). */
const LATE = /^alert_peer_late_[A-Z]{2}: \d+ hours without an answer that held$/;

/**
 * @param count of sites
 * @param random source of bytes
 * @param progress told of each step
 * @param json prints summary.json in place of the table
 * @returns exit code: 0, or 1 when a figure is wrong
 */
export async function enterpriseStory(
  count: number,
  random: RandomBytes,
  progress: Progress,
  json: boolean,
): Promise<number> {
  // Yesterday: TLS lives by the machine's clock, and no certificate is of the future there.
  const start = (Math.floor(Date.now() / 1000 / DAY) - 1) * DAY + BEGIN;
  const folder = temporaryFolder('enterprise');
  process.setMaxListeners(count * LISTENERS_A_SITE);
  const said: string[] = [];
  try {
    const plan = await makePlan(folder.path, sitesOf(count), start);
    const { sites, end } = await startSites(plan, {
      vars: SITE_VARS,
      now: start,
      onLog: (site, line) => void (isUsual(line) || LATE.test(line) || said.push(`${site}: a Worker said: ${line}`)),
      onStarted: (done) => void (done % 6 === 0 && progress(`${done} of ${count} sites run`)),
    });
    try {
      const { rows, problems } = await playEnterprise(sites, start, random, progress);
      progress('done');
      mkdirSync(OUT, { recursive: true });
      return finish(rows, [...problems, ...said], json, OUT);
    } finally {
      await end();
    }
  } catch (error) {
    for (const line of said) process.stderr.write(`${line}\n`);
    throw error;
  } finally {
    folder.remove();
  }
}
