/**
 * @module What the demo prints: one line a step with the time it began, a table at the end, and why it failed if it did.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OUT } from './stage.ts';

/** One row of the final table: its name in summary.json, its label, its value. */
export interface Row {
  readonly name: string;
  readonly label: string;
  readonly value: number | string | boolean;
}

/** Prints steps as they happen. */
export type Progress = (text: string) => void;

/** @param say prints a line @returns a {@link Progress} that shows seconds since now */
export function startProgress(say: (line: string) => void): Progress {
  const start = performance.now();
  return (text) => {
    const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(5);
    say(`[${seconds} s] ${text}`);
  };
}

const shown = (value: Row['value']): string => {
  if (typeof value === 'boolean') return value ? 'yes' : 'NO';
  return typeof value === 'number' ? value.toLocaleString('en-US') : value;
};

/**
 * Writes summary.json and prints the table.
 *
 * @param rows of the table
 * @param problems what is wrong; empty when all is well
 * @param json prints summary.json instead of the table
 * @param folder where summary.json is written
 * @param more of summary.json, that no row has
 * @returns exit code: 0, or 1 when there is a problem
 */
export function finish(
  rows: readonly Row[],
  problems: readonly string[],
  json: boolean,
  folder = OUT,
  more: Readonly<Record<string, unknown>> = {},
): number {
  const summary = {
    ok: problems.length === 0,
    ...Object.fromEntries(rows.map((row) => [row.name, row.value])),
    ...more,
    problems,
  };
  const text = `${JSON.stringify(summary, null, 2)}\n`;
  writeFileSync(join(folder, 'summary.json'), text);
  if (json) {
    process.stdout.write(text);
  } else {
    const width = Math.max(...rows.map(({ label }) => label.length));
    const values = Math.max(...rows.map(({ value }) => shown(value).length));
    const line = `+-${'-'.repeat(width)}-+-${'-'.repeat(values)}-+`;
    const body = rows.map(({ label, value }) => `| ${label.padEnd(width)} | ${shown(value).padStart(values)} |`);
    process.stdout.write(`\n${[line, ...body, line].join('\n')}\n`);
  }
  for (const problem of problems) process.stderr.write(`WRONG: ${problem}\n`);
  return problems.length === 0 ? 0 : 1;
}
