/**
 * @module `npm run simulate`: a town lives through some weeks with the reference phones in its pockets. Their cryptography,
 * matching and scoring are real, the air between them is a model (docs/simulator.md).
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { validateParametersText } from '../domain/parameters/validate.ts';
import { describeViolation } from '../protocol/parameters/violation.ts';
import { ROOT } from '../local-edge/workers.ts';
import {
  decimal,
  existingFile,
  flag,
  JSON_FLAG,
  text,
  wholeNumber,
} from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { writeReport } from '../scripts/support/report.ts';
import { type Findings, findings } from './findings.ts';
import { DEFAULTS, type SimulationOptions } from './options.ts';
import { asCsv, asMarkdown, asSvg, asTable } from './output.ts';
import { simulate } from './simulation.ts';

const MS_PER_SECOND = 1000;
const BYTES_PER_MB = 1e6;

/** Holds a document to what publishing holds it to: phones never live by any other. */
function readParameters(file: string) {
  const parsed = validateParametersText(readFileSync(file, 'utf8'));
  if (!parsed.ok) throw new Error(`${file} could not be published:\n${parsed.error.map(describeViolation).join('\n')}`);
  return parsed.value;
}

/** Without the single delays, which are for the curves alone. */
function asValue(found: Findings): unknown {
  return JSON.parse(JSON.stringify(found, (name, value: unknown) => (name === 'steps' ? undefined : value)));
}

await run(
  {
    name: 'npm run simulate',
    summary: `Households, work, transport, friends and shops; phones that hear each other as figure 13 says; tests, uploads, chunks and
      warnings. Prints sensitivity, false alarms, delay from swab to warning and bytes a phone and day under each scoring. Same
      options, same result. Writes simulate.csv, simulate.svg and simulate.json.`,
    options: {
      phones: wholeNumber('phones that take part', { min: 100, max: 1_000_000, default: DEFAULTS.phones }),
      days: wholeNumber('days in which people meet', { min: 1, max: 60, default: DEFAULTS.days }),
      seed: wholeNumber('same seed, same town', { min: 0, max: 2 ** 32 - 1, default: DEFAULTS.seed }),
      adoption: decimal('share of people with such a phone', { min: 0.01, max: 1, default: DEFAULTS.adoption }),
      incidence: decimal('positive tests per 100,000 people and day', {
        min: 0,
        max: 5000,
        default: DEFAULTS.incidence,
      }),
      'test-delay': decimal('mean time from swab to result', {
        placeholder: 'HOURS',
        min: 0,
        max: 240,
        default: DEFAULTS.testDelay,
      }),
      sharing: decimal('share of positive phone owners who upload', { min: 0, max: 1, default: DEFAULTS.sharing }),
      android: decimal('share of Android', { min: 0, max: 1, default: DEFAULTS.android }),
      'reference-db': decimal("attenuation at 2 m without obstacle (CWA's solution architecture)", {
        placeholder: 'DB',
        min: 30,
        max: 80,
        default: DEFAULTS.referenceDb,
      }),
      sample: wholeNumber('phones that download, store and match everything', {
        min: 0,
        max: 100,
        default: DEFAULTS.sample,
      }),
      parameters: existingFile('parameter document', {
        default: join(ROOT, 'parameters', 'default.json'),
        defaultText: 'parameters/default.json',
      }),
      out: text('where the files go', {
        placeholder: 'DIR',
        default: join(ROOT, 'out', 'simulate'),
        defaultText: 'out/simulate',
      }),
      report: flag('also writes benchmarks/results/simulate.md'),
      json: JSON_FLAG,
    },
    examples: ['npm run simulate -- --phones 2000 --days 14 --seed 1'],
    computes: true,
  },
  async ({ parameters: file, out, report, ...given }, { progress, print, called }) => {
    const options: SimulationOptions = {
      phones: given.phones,
      days: given.days,
      seed: given.seed,
      adoption: given.adoption,
      incidence: given.incidence,
      testDelay: given['test-delay'],
      sharing: given.sharing,
      android: given.android,
      referenceDb: given['reference-db'],
      sample: given.sample,
    };
    const parameters = readParameters(file);
    const began = performance.now();
    const found = findings(await simulate(options, parameters, progress));
    const seconds = ((performance.now() - began) / MS_PER_SECOND).toFixed(0);
    const megabytes = Math.round((process.resourceUsage().maxRSS * 1024) / BYTES_PER_MB);
    const cost = `${seconds} s, ${megabytes} MB at most, one thread.`;
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, 'simulate.csv'), asCsv(found));
    writeFileSync(join(out, 'simulate.svg'), asSvg(found));
    writeFileSync(join(out, 'simulate.json'), `${JSON.stringify(asValue(found), null, 2)}\n`);
    print(asValue(found), `${asTable(found)}\n\n${cost} Files: ${out}`);
    if (report) {
      const body = `${asMarkdown(found)}\n\nCost: ${cost}\n\nWhat is a model, what is real, what is assumed: docs/simulator.md.`;
      writeReport('simulate', { title: 'A simulated population', command: called, body });
    }
    const wrong = found.sample.filter(({ agrees }) => !agrees);
    for (const { person } of wrong)
      process.stderr.write(`phone of person ${person}: full matching found something else\n`);
    return wrong.length === 0 ? 0 : 1;
  },
);
