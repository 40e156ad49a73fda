/**
 * @module Reports of benchmarks: what was run, where and when stands beside each figure (CONTRIBUTING.md, "Rules of the house").
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { ROOT } from '../../local-edge/workers.ts';
import { flag, JSON_FLAG } from './command-line/arguments.ts';

/** Options of every benchmark. */
export const REPORT_OPTIONS = {
  'no-report': flag('leaves benchmarks/results/ as it is'),
  json: JSON_FLAG,
} as const;

/** @returns the machine in a line */
export function machine(): string {
  const cores = cpus();
  return `${cores.length} × ${cores[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${process.platform}`;
}

/**
 * Writes `benchmarks/results/<name>.md`.
 *
 * @param report.command what repeats it
 * @param report.body Markdown
 */
export function writeReport(
  name: string,
  report: { readonly title: string; readonly command: string; readonly body: string },
): void {
  const folder = `${ROOT}/benchmarks/results`;
  mkdirSync(folder, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(
    `${folder}/${name}.md`,
    `# ${report.title}\n\nMachine: ${machine()} (shared)  \nDate: ${date}  \nCommand: \`${report.command}\`\n\n${report.body}\n`,
  );
}
