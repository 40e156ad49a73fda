/**
 * @module A reporter of what the tests cost: peak memory and CPU of vitest, of each worker and of everything they start
 * (workerd, Chromium, our own commands), and how long each lived. A process above the budget of memory fails the run, so that
 * all tests fit on a laptop; CPU is printed beside its budget and fails nothing, since the same tests take a third more on a
 * busier machine. .ci/run uses it, and prints the tables of .cache/test-processes/ at its end.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import { type ProcessFigures, processTree, proportionalMb } from './process-table.ts';

/** The most that one process of a test may take. */
const MOST_MB = 1500;
/** Of `npm test`: what two cores do in four minutes. A figure to compare with, never a limit. */
const BUDGET_CPU_SECONDS: Readonly<Record<string, number>> = { test: 2 * 4 * 60 };
/** Four times as often took a seventh of a core. Peaks and CPU only grow, so that a look misses a process's last moment alone. */
const LOOK_EVERY_MS = 1000;
/** The sum of all is taken at each fourth look: for it the kernel walks every page. */
const LOOKS_A_SUM = 4;
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
  #looks = 0;
  #timer: NodeJS.Timeout | undefined;

  onTestRunStart(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  onTestModuleStart(module: TestModule): void {
    this.#running.add(module);
  }

  onTestModuleEnd(module: TestModule): void {
    this.#look();
    this.#running.delete(module);
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    clearInterval(this.#timer);
    const run = process.env['npm_lifecycle_event'] ?? 'vitest';
    const { text, faults } = this.report(modules, { mostMb: MOST_MB, cpuSeconds: BUDGET_CPU_SECONDS[run] });
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, `${run.replace(':', '-')}.txt`), `${text}\n`);
    if (faults.length === 0) return;
    process.stderr.write(`${faults.join('\n')}\n`);
    process.exitCode = 1;
  }

  /**
   * @param modules that ran
   * @param budget the most that one process may take, MB; and what all together should take, seconds, to be printed beside
   *   what they took
   * @returns the table, dearest first, and a line for each process above `mostMb`
   */
  report(
    modules: readonly TestModule[],
    budget: { readonly mostMb: number; readonly cpuSeconds?: number | undefined },
  ): { readonly text: string; readonly faults: readonly string[] } {
    this.#look();
    const lines = this.#lines(modules);
    const cpuSeconds = lines.reduce((sum, line) => sum + line.cpuSeconds, 0);
    const faults = lines
      .filter(({ peakMb }) => peakMb > budget.mostMb)
      .map(({ name, peakMb }) => `ABOVE THE BUDGET of ${budget.mostMb} MB: ${name} with ${peakMb.toFixed(0)} MB`);
    const table = lines.map(({ name, count, ...figures }) => {
      const cells = [figures.peakMb.toFixed(0), figures.cpuSeconds.toFixed(1), figures.seconds.toFixed(1)];
      return `${cells.map((cell) => cell.padStart(8)).join('')}  ${name}${count > 1 ? ` (${count} of them)` : ''}`;
    });
    const beside = budget.cpuSeconds === undefined ? '' : ` (budget: ${budget.cpuSeconds} s)`;
    const sum = `All together: ${cpuSeconds.toFixed(0)} s of CPU${beside}, at most ${this.#togetherMb.toFixed(0)} MB at a time.`;
    return { text: [' peak MB   CPU s alive s  process', ...table, sum, ...faults].join('\n'), faults };
  }

  #look(): void {
    const now = performance.now();
    const tree = processTree(process.pid);
    if (this.#looks++ % LOOKS_A_SUM === 0) {
      this.#togetherMb = Math.max(
        this.#togetherMb,
        tree.reduce((sum, { pid }) => sum + proportionalMb(pid), 0),
      );
    }
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
    const byPid = new Map([...this.#seen.values()].map((seen) => [seen.figures.pid, seen]));
    const all = [...this.#seen.values()].map((seen) => ({
      ...seen,
      name: nameOf(seen, files, byPid),
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
      .toSorted((a, b) => b.peakMb - a.peakMb);
  }
}

/** What a process is to a reader: the test file it runs, or the program and the test file it runs for. */
function nameOf(seen: Seen, files: ReadonlyMap<number, TestFile>, all: ReadonlyMap<number, Seen>): string {
  const { pid, command } = seen.figures;
  if (pid === process.pid) return 'vitest';
  const file = files.get(pid);
  if (file !== undefined) return file.name;
  // Chromium writes all its arguments into the first.
  const [program = '', ...args] = command.flatMap((part) => part.split(' '));
  const script = args.find((arg) => /\.(ts|m?js)$/.test(arg)) ?? '';
  const name = `${basename(program)} ${basename(script)}`.trim().replace(/^playwright_chromium.*/, 'chromium');
  for (let above = all.get(seen.figures.parent); above !== undefined; above = all.get(above.figures.parent)) {
    const owner = files.get(above.figures.pid);
    if (owner !== undefined) return `${name}, for ${owner.name}`;
  }
  return name === 'workerd' ? `workerd of ${[...seen.projects].join(' or ')}` : name;
}
