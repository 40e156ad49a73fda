/**
 * @module `npm run simulate`: a town lives through some weeks with the reference phones in its pockets. Their cryptography,
 * matching and scoring are real, the air between them is a model (docs/simulator.md).
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeViolation, parseParameters } from '../protocol/parameters/document.ts';
import { UsageError, readOptions, run, wholeNumber } from '../scripts/support/cli.ts';
import { ROOT } from '../local-edge/workers.ts';
import { writeReport } from '../scripts/support/report.ts';
import { type Findings, findings } from './findings.ts';
import { DEFAULTS, type SimulationOptions } from './options.ts';
import { asCsv, asMarkdown, asSvg, asTable } from './output.ts';
import { progressBar } from './progress.ts';
import { simulate } from './simulation.ts';

const USAGE = `
npm run simulate -- [options]

Households, work, transport, friends and shops; phones that hear each other as figure 13 says; tests, uploads, chunks and
warnings. Prints sensitivity, false alarms, delay from swab to warning and bytes a phone and day under each scoring. Same
options, same result. Writes simulate.csv, simulate.svg and simulate.json.

  --phones N          phones that take part, 100..1000000 (default ${DEFAULTS.phones})
  --days N            days in which people meet, 1..60 (default ${DEFAULTS.days})
  --seed N            0..4294967295 (default ${DEFAULTS.seed})
  --adoption X        share of people with such a phone, 0.01..1 (default ${DEFAULTS.adoption})
  --incidence X       positive tests per 100,000 people and day, 0..5000 (default ${DEFAULTS.incidence})
  --test-delay HOURS  mean time from swab to result, 0..240 (default ${DEFAULTS.testDelay})
  --sharing X         share of positive phone owners who upload, 0..1 (default ${DEFAULTS.sharing})
  --android X         share of Android, 0..1 (default ${DEFAULTS.android})
  --reference-db X    attenuation at 2 m without obstacle, 30..80 (default ${DEFAULTS.referenceDb}, CWA solution architecture)
  --sample N          phones that download, store and match everything, 0..100 (default ${DEFAULTS.sample})
  --parameters FILE   parameter document (default parameters/default.json)
  --out DIR           where the files go (default out/simulate)
  --report            also write benchmarks/results/simulate.md
  --json              the findings as JSON alone
`;

const MS_PER_SECOND = 1000;
const BYTES_PER_MB = 1e6;

function decimal(name: string, text: string, { min, max }: { readonly min: number; readonly max: number }): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max)) {
    throw new UsageError(`--${name}: "${text}" must be a number, ${min}..${max}`);
  }
  return value;
}

function readParameters(file: string) {
  const parsed = parseParameters(JSON.parse(readFileSync(file, 'utf8')) as unknown);
  if (!parsed.ok) throw new Error(`${file}: ${parsed.error.map(describeViolation).join('; ')}`);
  return parsed.value;
}

/** Without the single delays, which are for the curves alone. */
function asJson(found: Findings): string {
  return `${JSON.stringify(found, (name, value: unknown) => (name === 'steps' ? undefined : value), 2)}\n`;
}

await run(async () => {
  const text = { type: 'string' } as const;
  const given = readOptions(USAGE, {
    phones: text,
    days: text,
    seed: text,
    adoption: text,
    incidence: text,
    'test-delay': text,
    sharing: text,
    android: text,
    'reference-db': text,
    sample: text,
    parameters: { type: 'string', default: join(ROOT, 'parameters', 'default.json') },
    out: { type: 'string', default: join(ROOT, 'out', 'simulate') },
    report: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  });
  const whole = (name: 'phones' | 'days' | 'seed' | 'sample', min: number, max: number): number =>
    wholeNumber(name, given[name] ?? String(DEFAULTS[name]), { min, max });
  const number = (name: keyof typeof given, fallback: number, min: number, max: number): number =>
    decimal(name, String(given[name] ?? fallback), { min, max });
  const options: SimulationOptions = {
    phones: whole('phones', 100, 1_000_000),
    days: whole('days', 1, 60),
    seed: whole('seed', 0, 2 ** 32 - 1),
    adoption: number('adoption', DEFAULTS.adoption, 0.01, 1),
    incidence: number('incidence', DEFAULTS.incidence, 0, 5000),
    testDelay: number('test-delay', DEFAULTS.testDelay, 0, 240),
    sharing: number('sharing', DEFAULTS.sharing, 0, 1),
    android: number('android', DEFAULTS.android, 0, 1),
    referenceDb: number('reference-db', DEFAULTS.referenceDb, 30, 80),
    sample: whole('sample', 0, 100),
  };
  const parameters = readParameters(given.parameters);
  const began = performance.now();
  const isTty = process.stderr.isTTY;
  const bar = progressBar({ isTty, write: (line) => process.stderr.write(line), now: () => performance.now() });
  const found = findings(await simulate(options, parameters, bar));
  const seconds = ((performance.now() - began) / MS_PER_SECOND).toFixed(0);
  const megabytes = Math.round((process.resourceUsage().maxRSS * 1024) / BYTES_PER_MB);
  const cost = `${seconds} s, ${megabytes} MB at most, one thread.`;
  mkdirSync(given.out, { recursive: true });
  writeFileSync(join(given.out, 'simulate.csv'), asCsv(found));
  writeFileSync(join(given.out, 'simulate.svg'), asSvg(found));
  writeFileSync(join(given.out, 'simulate.json'), asJson(found));
  if (given.json) process.stdout.write(asJson(found));
  else process.stdout.write(`${asTable(found)}\n\n${cost} Files: ${given.out}\n`);
  if (given.report) {
    const command = `npm run simulate -- ${process.argv.slice(2).join(' ')}`;
    const body = `${asMarkdown(found)}\n\nCost: ${cost}\n\nWhat is a model, what is real, what is assumed: docs/simulator.md.`;
    writeReport('simulate', { title: 'A simulated population', command, body });
  }
  const wrong = found.sample.filter(({ agrees }) => !agrees);
  for (const { person } of wrong)
    process.stderr.write(`phone of person ${person}: full matching found something else\n`);
  return wrong.length === 0 ? 0 : 1;
});
