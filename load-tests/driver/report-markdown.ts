/**
 * @module The load report as Markdown: tables and the list of assertions, for the README to quote. Pure.
 */
import type { CompleteRun, ReportTargets } from './load-run.ts';
import {
  bytesTable,
  comparisonTable,
  cpuTable,
  scenarioTable,
  searchTable,
  type Table,
  targetTable,
} from './report-tables.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** @param parts of a table @returns it, below its title */
export function asTable({ title, note, heads, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [`## ${title}`, '', note, '', line(heads), line(heads.map(() => '---')), ...rows.map(line), ''].join('\n');
}

/**
 * @param run a complete run
 * @param targets load-tests/targets.json
 * @returns the report
 */
export function asMarkdown(run: CompleteRun, targets: ReportTargets): string {
  const assertions = run.results.map(({ scenario, question, assertions: all }) =>
    [
      `**${scenario}**: ${question}`,
      '',
      ...all.map(({ text, holds }) => `- ${holds ? 'holds' : '**MISSED**'}: ${text}`),
      '',
    ].join('\n'),
  );
  return [
    `# Load report, ${run.date.toISOString().slice(0, 10)}`,
    '',
    `Made by \`npm run load\` on ${run.machine}, k6 ${run.k6}; ${run.days} days of ${run.casesPerDay} cases were sealed first. Everything on 127.0.0.1.`,
    '',
    asTable(targetTable(run, targets)),
    asTable(bytesTable(run, targets)),
    asTable(scenarioTable(run)),
    asTable(searchTable(run)),
    asTable(comparisonTable(run)),
    asTable(cpuTable(run)),
    '## What each scenario asserted',
    '',
    ...assertions,
  ].join('\n');
}
