/**
 * @module `npm run load`: starts the whole system on loopback, fills it with 14 days of a country, runs the short form of every
 * scenario and writes the report (load-tests/results/). `npm run load:ci` runs a few seconds of each, for correctness.
 */
import { join } from 'node:path';
import { existingFile, flag, parsed, wholeNumber } from '../../scripts/support/command-line/arguments.ts';
import { run } from '../../scripts/support/command-line/command.ts';
import { temporaryFolder } from '../../scripts/support/command-line/interrupt.ts';
import { checkNginx } from '../../scripts/support/edge-tier/tier.ts';
import { ensureK6 } from './k6.ts';
import { startLocalEdge } from '../../local-edge/local-edge.ts';
import { measureBigHour, measureBytes, measureHeadAgain } from './bytes.ts';
import { compareServing } from './compare.ts';
import type { Context, ScenarioResult } from './context.ts';
import { machineName } from './machine.ts';
import { measureCover, measureIndexCpu, measureUploadCpu } from './cpu.ts';
import { fill, fillToMidnight, SHORT_HISTORY } from './fill.ts';
import type { LoadRun } from './load-run.ts';
import { drawAgain, writeComparison, writePhoneDays, writeReport } from './report.ts';
import { downloads, findHeldFactor, isScenario, SCENARIO_NAMES, sealUnderLoad, staff, uploads } from './stages.ts';

/** In CI, and for chosen scenarios: what a machine holds that does other things too. */
const LOW = { held: 0.01, uploads: 0.02 };

/** The seeding calls an object from outside, which workerd remarks on at each call; everything else is shown. */
const onLog = (line: string): void => {
  if (!line.includes('RPC stub was not disposed')) process.stderr.write(`${line}\n`);
};

const say = (line: string): void => void process.stderr.write(`${line}\n`);

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
      only: parsed<readonly string[], null>(
        `these scenarios alone, comma separated, at a low rate and without a report: ${SCENARIO_NAMES.join(', ')}`,
        { placeholder: 'NAMES', mustBe: `names out of ${SCENARIO_NAMES.join(', ')}, comma separated`, default: null },
        (given) => {
          const names = given.split(',');
          return names.every(isScenario) ? names : undefined;
        },
      ),
      bytes: flag('bytes a phone and day alone, of one region and on a journey, into load-tests/measured.json'),
      compare: flag(
        'the comparison with static files alone, npm run serve among them, into load-tests/results/own-hardware.md (minutes)',
      ),
      draw: existingFile('draws the report of an earlier run anew, from its JSON', { default: null }),
    },
    notes: `
k6 is taken from PATH or built with Go once; nginx is Debian's nginx-light. All traffic stays on 127.0.0.1.`,
    examples: [
      'npm run load -- --days 3',
      'npm run load -- --bytes --days 3',
      'npm run load -- --compare',
      'npm run load:ci',
      'npm run load:ci -- --only download-peak,config',
    ],
  },
  async ({ days, cases, ci, only, bytes: bytesAlone, compare, draw }) => {
    if (draw !== null) {
      say(`load: ${drawAgain(draw).join(', ')}`);
      return 0;
    }
    const casesPerDay = ci ? SHORT_HISTORY.casesPerDay : cases;
    checkNginx();
    const k6 = await ensureK6();
    // Miniflare ends its workerd itself.
    const temporary = temporaryFolder('load');
    const folder = temporary.path;
    const now = Math.floor(Date.now() / 1000);
    let edge = await startLocalEdge({ state: join(folder, 'state'), onLog });
    try {
      const context = (day: string): Context => ({ k6, folder, ci, only, edge, day, say });
      const loadRun: LoadRun = {
        date: new Date(now * 1000),
        machine: machineName(),
        k6: k6.version,
        days,
        casesPerDay,
      };
      if (bytesAlone) {
        const day = await fillToMidnight(edge, { now, hoursBefore: (days - 1) * 24, casesPerDay, say });
        const measured = await measureBytes(context(day), casesPerDay);
        say(`load: ${writePhoneDays(measured, loadRun.date)}`);
        return 0;
      }
      if (compare) {
        const day = await fill(edge, { now, ...SHORT_HISTORY, casesPerDay, say });
        await edge.dispose();
        edge = await startLocalEdge({ state: join(folder, 'state'), entries: 'deployed', onLog });
        say(`load: ${writeComparison(await compareServing(context(day)), loadRun)}`);
        return 0;
      }
      let bytes: LoadRun['bytes'];
      const complete = !ci && only === null;
      const day = await fill(edge, {
        now,
        hoursBefore: ci ? SHORT_HISTORY.hoursBefore : (days - 1) * 24,
        casesPerDay,
        say,
        async beforeMidnight(measured) {
          if (complete) bytes = await measureBytes(context(measured), casesPerDay);
        },
      });
      const seal = await sealUnderLoad(context(day), complete ? 0.02 : LOW.held);
      if (!complete) {
        const more = [...(await downloads(context(day), LOW.held)), ...(await uploads(context(day), LOW.uploads))];
        return reportFailures([...seal, ...more, ...(await staff(context(day)))]);
      }
      const { held, steps } = await findHeldFactor(context(day));
      const phones = [...(await downloads(context(day), held)), ...(await uploads(context(day), 0.05))];
      const results = [...seal, ...phones, ...(await staff(context(day)))];
      const headAgain = await measureHeadAgain(context(day));
      const uploadCpu = await measureUploadCpu(context(day));
      const cover = await measureCover(context(day));
      // The very files that are deployed, without counters and moved clock, for what is compared and billed.
      await edge.dispose();
      edge = await startLocalEdge({ state: join(folder, 'state'), entries: 'deployed', onLog });
      const comparison = await compareServing(context(day));
      const cpu = { index: await measureIndexCpu(context(day)), ...uploadCpu };
      await edge.dispose();
      edge = await startLocalEdge({ state: join(folder, 'state-big'), onLog });
      const big = await measureBigHour(context(day), now);
      const files = writeReport({ ...loadRun, bytes, big, headAgain, cover, held, steps, results, comparison, cpu });
      say(`load: ${files.join(', ')}`);
      return reportFailures(results);
    } finally {
      await edge.dispose();
      temporary.remove();
    }
  },
);
