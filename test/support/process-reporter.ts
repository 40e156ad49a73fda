/**
 * @module A reporter of what the tests cost: peak memory and CPU of vitest, of each worker and of everything they start
 * (workerd, Chromium, our own commands), and how long each lived. A process above the budget fails the run, so that all
 * tests fit on a laptop. Written for .ci/run, which prints the file at its end; elsewhere
 * `npx vitest run --reporter=default --reporter=./test/support/process-reporter.ts`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import { type ProcessFigures, processTree } from './process-table.ts';

/** The most that one process of a test may take (issue 12). */
const MOST_MB = 1500;
const LOOK_EVERY_MS = 250;
const MS_PER_SECOND = 1000;
const FOLDER = '.cache/test-processes';

interface Seen {
  figures: ProcessFigures;
  peakMb: number;
  readonly first: number;
  last: number;
  /** Projects that had a test file under way in workerd while this process lived. */
  readonly projects: Set<string>;
}

/** A test file, and its worker's peak by the worker's own word. */
interface TestFile {
  readonly name: string;
  readonly peakMb: number;
}

/** One line of the report: all processes of one name. */
interface Line {
  readonly name: string;
  readonly count: number;
  readonly peakMb: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
}

export default class ProcessReporter implements Reporter {
  readonly #seen = new Map<string, Seen>();
  readonly #running = new Set<TestModule>();
  #togetherMb = 0;
  #timer: NodeJS.Timeout | undefined;

  onTestRunStart(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  onTestModuleQueued(module: TestModule): void {
    this.#running.add(module);
  }

  onTestModuleEnd(module: TestModule): void {
    this.#look();
    this.#running.delete(module);
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    clearInterval(this.#timer);
    this.#look();
    const lines = this.#lines(modules);
    if (lines.length === 0) return;
    const text = [
      'peak MB   CPU s  alive s  process',
      ...lines.map(
        ({ name, count, peakMb, cpuSeconds, seconds }) =>
          `${peakMb.toFixed(0).padStart(7)} ${cpuSeconds.toFixed(1).padStart(7)} ${seconds.toFixed(1).padStart(8)}  ${name}${count > 1 ? ` (${count} of them)` : ''}`,
      ),
      `All together: ${lines.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0).toFixed(0)} s of CPU, at most ${this.#togetherMb.toFixed(0)} MB at a time.`,
    ];
    const above = lines.filter(({ peakMb }) => peakMb > MOST_MB);
    for (const { name, peakMb } of above) text.push(`ABOVE THE BUDGET of ${MOST_MB} MB: ${name} with ${peakMb.toFixed(0)} MB`);
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, `${process.env['npm_lifecycle_event'] ?? 'vitest'}.txt`.replace(':', '-')), `${text.join('\n')}\n`);
    if (above.length > 0) process.exitCode = 1;
  }

  #look(): void {
    const now = performance.now();
    const tree = processTree(process.pid);
    this.#togetherMb = Math.max(this.#togetherMb, tree.reduce((sum, { residentMb }) => sum + residentMb, 0));
    const inWorkerd = [...this.#running].filter(({ project }) => project.config.pool !== 'forks');
    const projects = new Set(inWorkerd.map(({ project }) => project.name));
    for (const figures of tree) {
      const key = `${figures.pid}/${figures.started}`;
      const seen = this.#seen.get(key) ?? { figures, peakMb: 0, first: now, last: now, projects: new Set() };
      seen.figures = figures;
      seen.peakMb = Math.max(seen.peakMb, figures.peakMb);
      seen.last = now;
      for (const project of projects) seen.projects.add(project);
      this.#seen.set(key, seen);
    }
  }

  #lines(modules: readonly TestModule[]): Line[] {
    const files = new Map<number, TestFile>();
    for (const module of modules) {
      const { ranIn } = module.meta();
      if (ranIn !== undefined) files.set(ranIn.pid, { name: module.relativeModuleId, peakMb: ranIn.peakMb });
    }
    const all = [...this.#seen.values()].map((seen) => ({
      ...seen,
      name: nameOf(seen, files),
      peakMb: Math.max(seen.peakMb, files.get(seen.figures.pid)?.peakMb ?? 0),
    }));
    return [...Map.groupBy(all, ({ name }) => name)]
      .map(([name, of]) => ({
        name,
        count: of.length,
        peakMb: Math.max(...of.map(({ peakMb }) => peakMb)),
        cpuSeconds: of.reduce((sum, { figures }) => sum + figures.cpuSeconds, 0),
        seconds: of.reduce((sum, { first, last }) => sum + last - first, 0) / MS_PER_SECOND,
      }))
      .sort((a, b) => b.peakMb - a.peakMb);
  }
}

function nameOf({ figures, projects }: Seen, files: ReadonlyMap<number, TestFile>): string {
  const { pid, parent, command } = figures;
  if (pid === process.pid) return 'vitest';
  const file = files.get(pid);
  if (file !== undefined) return file.name;
  const [program = '', ...args] = command;
  const script = args.find((arg) => /\.(ts|m?js)$/.test(arg)) ?? '';
  const name = `${basename(program)} ${basename(script)}`.trim();
  if (files.has(parent)) return `${name}, for ${files.get(parent)?.name}`;
  return parent === process.pid && name === 'workerd' ? `workerd of ${[...projects].join(' or ')}` : name;
}
