/**
 * @module `npm run capacity`: carries the load tests to a country: requests, bytes, operations and the bill for so many phones and cases
 * (docs/architecture.md §12). Prices and targets: load-tests/targets.json. Measured inputs: load-tests/measured.json.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decimal, existingFile, JSON_FLAG, oneOf, text } from '../../scripts/support/command-line/arguments.ts';
import { run } from '../../scripts/support/command-line/command.ts';
import { UsageError } from '../../scripts/support/command-line/declaration.ts';
import { type Assumptions, enterprise, type Measured, ours, SEED, VUKOLIC } from './assumptions.ts';
import { type Parameters, parseParameters } from '../../protocol/parameters/document.ts';
import { attackedSchedules } from './attacked.ts';
import { monthlyBill, type Prices, SERVING } from './bill.ts';
import { capacity } from './model.ts';
import { asCsv, asSvg, asTable } from './output.ts';
import { asPrivacyTable, privacyChart, weigh } from './privacy.ts';
import { scheduleOf } from './schedule.ts';

const LOAD_TESTS = join(import.meta.dirname, '..');
const ROOT = join(LOAD_TESTS, '..');
const DEFAULT_PARAMETERS = join(ROOT, 'parameters/default.json');
const ATTACKS = join(ROOT, 'benchmarks/results/attack-cover.md');

/** @throws UsageError naming what is wrong with the document */
function parametersIn(file: string): Parameters {
  const read = (() => {
    try {
      return parseParameters(JSON.parse(readFileSync(file, 'utf8')));
    } catch {
      throw new UsageError(`--parameters: ${file} is no JSON`);
    }
  })();
  if (read.ok) return read.value;
  throw new UsageError(`--parameters: ${file} is refused, see npm run config -- validate ${file}`);
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(LOAD_TESTS, name), 'utf8'));
}

/** Options that overwrite one number of the assumptions. */
const NUMBERS = {
  phones: 'phones',
  cases: 'casesPerDay',
  'keys-per-case': 'keysPerCase',
  peak: 'peakFactor',
  regions: 'regions',
  decoys: 'decoysPerReal',
  'head-ttl': 'headTtlSeconds',
  sites: 'sites',
} as const;

const number = (about: string) =>
  decimal(about, { min: 0, max: Number.POSITIVE_INFINITY, default: null, defaultText: "the preset's" });

await run(
  {
    name: 'npm run capacity',
    summary:
      'Requests, bytes, operations and the bill for so many phones and cases. Prices and targets: load-tests/targets.json.',
    options: {
      phones: number('phones that poll, such as 60e6'),
      cases: number('cases a day'),
      'keys-per-case': number('keys a case'),
      peak: number('requests at the peak by those of the mean'),
      regions: number('regions that each key is published in'),
      decoys: number('dummies to one upload, as CWA counts, in place of the cover traffic of the parameters'),
      'head-ttl': number('seconds that a cache keeps a head'),
      sites: decimal('backends that read each other, phones and cases being those of all', {
        min: 1,
        max: 1000,
        default: null,
        defaultText: "the preset's",
      }),
      parameters: existingFile('a parameter document, whose cover traffic and polls are counted', {
        default: DEFAULT_PARAMETERS,
        defaultText: 'parameters/default.json',
      }),
      rhythm: oneOf('how often phones download', { hourly: '', daily: '' }, 'hourly'),
      view: oneOf("which tree they read, ours or Corona-Warn-App's", { manifest: '', cwa: '' }, 'manifest'),
      preset: oneOf('whose assumptions', { ours: '', seed: '', vukolic: '', enterprise: '' }, 'ours'),
      csv: text('writes the table', { placeholder: 'FILE', default: null }),
      svg: text('writes the charts', { placeholder: 'FILE', default: null }),
      json: JSON_FLAG,
    },
    examples: [
      'npm run capacity -- --phones 60e6 --cases 2000 --csv out.csv --svg out.svg',
      'npm run capacity -- --phones 5e6 --parameters parameters/default.json',
    ],
  },
  ({ rhythm, view, preset, parameters, csv, svg, ...given }, { print }) => {
    const document = parametersIn(parameters);
    // Who counts dummies by uploads has no schedule of phones.
    const schedule = given.decoys === null ? scheduleOf(document) : null;
    const measured = readJson('measured.json') as Measured;
    const base = {
      ours: () => ours(measured, view, rhythm, schedule),
      seed: () => SEED,
      vukolic: () => VUKOLIC,
      enterprise: () => enterprise(measured, schedule),
    };
    const names = Object.keys(NUMBERS) as (keyof typeof NUMBERS)[];
    const numbers = names.filter((name) => given[name] !== null).map((name) => [NUMBERS[name], given[name]]);
    const assumptions: Assumptions = { ...base[preset](), ...(Object.fromEntries(numbers) as Partial<Assumptions>) };
    const { prices } = readJson('targets.json') as { prices: Prices };
    const figures = capacity(assumptions);
    const bills = SERVING.map((serving) => monthlyBill(serving, assumptions, figures, prices));
    const attacked = attackedSchedules(readFileSync(ATTACKS, 'utf8'), parametersIn(DEFAULT_PARAMETERS));
    const privacy = assumptions.decoysPerReal === null ? weigh(assumptions, document, attacked, prices) : [];
    const tables = [asTable(assumptions, prices), ...(privacy.length === 0 ? [] : [asPrivacyTable(privacy)])];
    print({ assumptions, capacity: figures, bills, privacy }, tables.join('\n\n'));
    if (csv !== null) writeFileSync(csv, asCsv(assumptions, prices));
    const charts = privacy.length === 0 ? [] : [privacyChart(privacy)];
    if (svg !== null) writeFileSync(svg, asSvg(assumptions, prices, charts));
    return 0;
  },
);
