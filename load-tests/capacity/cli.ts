/**
 * @module Carries the load tests to a country: requests, bytes, operations and the bill for so many phones and cases
 * (docs/architecture.md §12). Prices and targets: load-tests/targets.json. Measured inputs: load-tests/measured.json.
 *
 * Usage: npm run capacity -- [--phones 60e6] [--cases 2000] [--rhythm hourly|daily] [--view manifest|cwa]
 *          [--preset ours|seed|vukolic] [--peak 1] [--regions 2] [--decoys 20] [--head-ttl 300] [--keys-per-case 14]
 *          [--csv FILE] [--svg FILE] [--json]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Assumptions, type Measured, ours, SEED, VUKOLIC } from './assumptions.ts';
import type { Prices } from './bill.ts';
import { capacity } from './model.ts';
import { asCsv, asSvg, asTable } from './output.ts';

const LOAD_TESTS = join(import.meta.dirname, '..');

/** A mistake in the command line; its message says what is allowed. */
class UsageError extends Error {}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(LOAD_TESTS, name), 'utf8'));
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new UsageError(`--${name} ${value}: one of ${allowed.join(', ')}`);
  return found;
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new UsageError(`--${name} ${text}: a number ≥ 0, such as 60e6`);
  }
  return value;
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
} as const;

function main(): void {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, text])),
      rhythm: { type: 'string', default: 'hourly' },
      view: { type: 'string', default: 'manifest' },
      preset: { type: 'string', default: 'ours' },
      csv: text,
      svg: text,
      json: { type: 'boolean', default: false },
    },
  });
  const rhythm = oneOf('rhythm', values.rhythm, ['hourly', 'daily']);
  const view = oneOf('view', values.view, ['manifest', 'cwa']);
  const preset = oneOf('preset', values.preset, ['ours', 'seed', 'vukolic']);
  const base = {
    ours: () => ours(readJson('measured.json') as Measured, view, rhythm),
    seed: () => SEED,
    vukolic: () => VUKOLIC,
  };
  const given = values as Record<string, string | boolean | undefined>;
  const numbers = Object.entries(NUMBERS).flatMap(([option, field]) => {
    const value = given[option];
    return typeof value === 'string' ? [[field, numberOf(option, value)] as const] : [];
  });
  const assumptions: Assumptions = { ...base[preset](), ...Object.fromEntries(numbers) };
  const { prices } = readJson('targets.json') as { prices: Prices };
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ assumptions, capacity: capacity(assumptions) }, null, 2)}\n`);
  } else {
    process.stdout.write(`${asTable(assumptions, prices)}\n`);
  }
  if (values.csv !== undefined) writeFileSync(values.csv, asCsv(assumptions, prices));
  if (values.svg !== undefined) writeFileSync(values.svg, asSvg(assumptions, prices));
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    process.stderr.write(`capacity: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
