/**
 * @module `npm run load`: starts the whole system on loopback, fills it with 14 days of a country, runs the short form of every
 * scenario and writes the report (load-tests/results/). `npm run load:ci` runs a few seconds of each, for correctness.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dateOfHour } from '../../protocol/gaen/intervals.ts';
import { configHeadPath, EVERYONE } from '../../protocol/parameters/config-head.ts';
import { existingFile, flag, wholeNumber } from '../../scripts/support/command-line/arguments.ts';
import { run } from '../../scripts/support/command-line/command.ts';
import { temporaryFolder } from '../../scripts/support/command-line/interrupt.ts';
import { ParameterPortal } from '../../scripts/support/portal.ts';
import { checkNginx } from '../edge-tier/tier.ts';
import { ensureK6 } from './k6.ts';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { measureBigHour, measureBytes, measureHeadAgain } from './bytes.ts';
import { compareServing } from './compare.ts';
import type { Context, ScenarioResult } from './context.ts';
import { machineName } from './machine.ts';
import { measureIndexCpu, measureUploadCpu } from './cpu.ts';
import type { LoadRun } from './load-run.ts';
import { drawAgain, writeReport } from './report.ts';
import { seedDays, seedHours, uploadCases } from './seed.ts';
import { downloads, findHeldFactor, sealUnderLoad, uploads } from './stages.ts';
import { setClock } from '../../scripts/support/operator.ts';

const HOUR = 3_600;
/** Hours before the last midnight that are sealed one by one: the day that bytes are measured on, and the one before. */
const HOURLY_HISTORY = 48;
/** In CI: enough keys that every hour is published (140 and 10 uploads), on a machine that does other things too. */
const CI = { hoursBefore: 4, casesPerDay: 12 * 24, held: 0.01, uploads: 0.02 };

/** The seeding calls an object from outside, which workerd remarks on at each call; everything else is shown. */
const onLog = (line: string): void => {
  if (!line.includes('RPC stub was not disposed')) process.stderr.write(`${line}\n`);
};

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** The default parameters, and the wait until a phone can read them. */
async function publishParameters(url: string): Promise<void> {
  const document = readFileSync(join(import.meta.dirname, '../../parameters/default.json'), 'utf8');
  const reply = await new ParameterPortal(url).publish({ document, audience: EVERYONE, dryRun: false }, 0);
  for (let tries = 0; tries < 50; tries += 1) {
    if ((await fetch(`${url}/${configHeadPath()}`)).ok) return;
    await sleep(200);
  }
  throw new Error(`load: parameters are not served; publishing was answered ${JSON.stringify(reply)}`);
}

/** History up to the hour before the last complete one, which waits to be sealed under load. */
async function fill(
  edge: LocalEdge,
  now: number,
  hoursBefore: number,
  casesPerDay: number,
  measure: (day: string) => Promise<void>,
) {
  const lastSealed = Math.floor(now / HOUR) - 2;
  const midnight = Math.floor(lastSealed / 24) * 24;
  const from = midnight - hoursBefore;
  const seed = (first: number, last: number) => seedHours(edge, { from: first, to: last, casesPerDay, progress: say });
  say(`load: sealing ${lastSealed - from + 1} hours of ${casesPerDay} cases a day …`);
  // Only the last days are read hour by hour.
  const hourly = Math.max(from, midnight - HOURLY_HISTORY);
  await seedDays(edge, { from, to: hourly, casesPerDay, progress: say });
  // The hour before midnight is sealed after the bytes of the whole day were measured.
  await seed(hourly, midnight - 2);
  await measure(dateOfHour(midnight - 1));
  await seed(midnight - 1, lastSealed);
  await setClock(edge.url, (lastSealed + 1) * HOUR + HOUR / 2);
  await uploadCases(edge, lastSealed + 1, Math.max(12, Math.round(casesPerDay / 24)));
  await setClock(edge.url, null);
  await publishParameters(edge.url);
  return dateOfHour(lastSealed + 1);
}

function reportFailures(results: readonly ScenarioResult[]): number {
  const failed = results.flatMap(({ scenario, assertions }) =>
    assertions.filter(({ holds }) => !holds).map(({ text }) => `${scenario}: ${text}`),
  );
  for (const line of failed) say(`MISSED  ${line}`);
  say(`load: ${results.length} scenarios, ${failed.length} assertions missed`);
  return failed.length === 0 ? 0 : 1;
}

await run(
  {
    name: 'npm run load',
    summary: `Starts the whole system on loopback, fills it with history, runs all scenarios in about fifteen minutes, and writes
      load-tests/measured.json and the report in load-tests/results/. Ends with 1 when an assertion is missed.`,
    options: {
      days: wholeNumber('days of history that are sealed first; in CI the last hours before midnight', {
        min: 3,
        max: 14,
        default: 14,
      }),
      cases: wholeNumber('cases a day in them', { min: 240, max: 5_000, default: 2_000 }),
      ci: flag('a few seconds of each scenario, correctness alone, no report: npm run load:ci'),
      draw: existingFile('draws the report of an earlier run anew, from its JSON', { default: null }),
    },
    notes: `
k6 is taken from PATH or built with Go once; nginx is Debian's nginx-light. All traffic stays on 127.0.0.1.`,
    examples: ['npm run load -- --days 3', 'npm run load:ci'],
  },
  async ({ days, cases, ci, draw }) => {
    if (draw !== null) {
      say(`load: ${drawAgain(draw).join(', ')}`);
      return 0;
    }
    const casesPerDay = ci ? CI.casesPerDay : cases;
    checkNginx();
    const k6 = await ensureK6();
    // Miniflare ends its workerd itself.
    const temporary = temporaryFolder('load');
    const folder = temporary.path;
    const now = Math.floor(Date.now() / 1000);
    let edge = await startLocalEdge({ state: join(folder, 'state'), onLog });
    try {
      const context = (day: string): Context => ({ k6, folder, ci, edge, day, say });
      const loadRun: LoadRun = {
        date: new Date(now * 1000),
        machine: machineName(),
        k6: k6.version,
        days,
        casesPerDay,
      };
      let bytes: LoadRun['bytes'];
      const day = await fill(edge, now, ci ? CI.hoursBefore : (days - 1) * 24, casesPerDay, async (measured) => {
        if (!ci) bytes = await measureBytes(context(measured), casesPerDay);
      });
      const seal = await sealUnderLoad(context(day), ci ? CI.held : 0.02);
      if (ci) {
        const results = [
          seal,
          ...(await downloads(context(day), CI.held)),
          ...(await uploads(context(day), CI.uploads)),
        ];
        return reportFailures(results);
      }
      const { held, steps } = await findHeldFactor(context(day));
      const results = [seal, ...(await downloads(context(day), held)), ...(await uploads(context(day), 0.05))];
      const headAgain = await measureHeadAgain(context(day));
      const uploadCpu = await measureUploadCpu(context(day));
      // The very files that are deployed, without counters and moved clock, for what is compared and billed.
      await edge.dispose();
      edge = await startLocalEdge({ state: join(folder, 'state'), entries: 'deployed', onLog });
      const comparison = await compareServing(context(day));
      const cpu = { index: await measureIndexCpu(context(day)), ...uploadCpu };
      await edge.dispose();
      edge = await startLocalEdge({ state: join(folder, 'state-big'), onLog });
      const big = await measureBigHour(context(day), now);
      const files = writeReport({ ...loadRun, bytes, big, headAgain, held, steps, results, comparison, cpu });
      say(`load: ${files.join(', ')}`);
      return reportFailures(results);
    } finally {
      await edge.dispose();
      temporary.remove();
    }
  },
);
