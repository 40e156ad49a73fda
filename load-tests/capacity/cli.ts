/**
 * @module `npm run capacity`: carries the load tests to a country: requests, bytes, operations and the bill for so many phones and cases
 * (docs/architecture.md §12). Prices and targets: load-tests/targets.json. Measured inputs: load-tests/measured.json.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decimal, JSON_FLAG, oneOf, text } from '../../scripts/support/command-line/arguments.ts';
import { run } from '../../scripts/support/command-line/command.ts';
import { type Assumptions, enterprise, type Measured, ours, SEED, VUKOLIC } from './assumptions.ts';
import type { Prices } from './bill.ts';
import { capacity } from './model.ts';
import { asCsv, asSvg, asTable } from './output.ts';

const LOAD_TESTS = join(import.meta.dirname, '..');

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
      decoys: number('dummies to one upload'),
      'head-ttl': number('seconds that a cache keeps a head'),
      sites: decimal('backends that read each other, phones and cases being those of all', {
        min: 1,
        max: 1000,
        default: null,
        defaultText: "the preset's",
      }),
      rhythm: oneOf('how often phones download', { hourly: '', daily: '' }, 'hourly'),
      view: oneOf("which tree they read, ours or Corona-Warn-App's", { manifest: '', cwa: '' }, 'manifest'),
      preset: oneOf('whose assumptions', { ours: '', seed: '', vukolic: '', enterprise: '' }, 'ours'),
      csv: text('writes the table', { placeholder: 'FILE', default: null }),
      svg: text('writes the charts', { placeholder: 'FILE', default: null }),
      json: JSON_FLAG,
    },
    examples: ['npm run capacity -- --phones 60e6 --cases 2000 --csv out.csv --svg out.svg'],
  },
  ({ rhythm, view, preset, csv, svg, ...given }, { print }) => {
    const base = {
      ours: () => ours(readJson('measured.json') as Measured, view, rhythm),
      seed: () => SEED,
      vukolic: () => VUKOLIC,
      enterprise: () => enterprise(readJson('measured.json') as Measured),
    };
    const names = Object.keys(NUMBERS) as (keyof typeof NUMBERS)[];
    const numbers = names.filter((name) => given[name] !== null).map((name) => [NUMBERS[name], given[name]]);
    const assumptions: Assumptions = { ...base[preset](), ...(Object.fromEntries(numbers) as Partial<Assumptions>) };
    const { prices } = readJson('targets.json') as { prices: Prices };
    print({ assumptions, capacity: capacity(assumptions) }, asTable(assumptions, prices));
    if (csv !== null) writeFileSync(csv, asCsv(assumptions, prices));
    if (svg !== null) writeFileSync(svg, asSvg(assumptions, prices));
    return 0;
  },
);
