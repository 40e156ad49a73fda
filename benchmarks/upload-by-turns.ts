/**
 * @module `npm run bench:upload-by-turns`: CPU of a stored upload here and in another checkout of this project, whose edges run side by side and are sent
 * the same by turns, so that whatever else the machine does costs both as much. First the uploads after a start, then the later ones.
 */
import { join, resolve } from 'node:path';
import { existingFile, wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run, UsageError } from '../scripts/support/command-line/command.ts';
import { REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import { drive, type prepareUploads } from './upload-clients.ts';
import type { startUploadEdge } from './upload-edge.ts';
import { workerdProcesses } from './workerd-process.ts';

const HERE = resolve(import.meta.dirname, '..');
const CLIENTS = [1, 8, 64] as const;
/** After both edges have started, since a start goes on after it has answered. */
const SETTLE_MS = 4_000;

/** What one edge has cost in one run: CPU milliseconds of its workerd, and uploads a second, of each block. */
interface Cost {
  readonly cpuMs: number[];
  readonly perSecond: number[];
}

/** By modules of that checkout, an older one's too: their names and exports are the same since there is the benchmark. */
async function edgeOf(tree: string, uploads: number, name: string) {
  const clients = (await import(join(tree, 'benchmarks/upload-clients.ts'))) as {
    prepareUploads: typeof prepareUploads;
  };
  const edges = (await import(join(tree, 'benchmarks/upload-edge.ts'))) as { startUploadEdge: typeof startUploadEdge };
  const before = new Set(workerdProcesses().map(({ pid }) => pid));
  const edge = await edges.startUploadEdge(0);
  const pid = workerdProcesses().find((process) => !before.has(process.pid))?.pid;
  const requests = await clients.prepareUploads(edge, uploads, Math.floor(Date.now() / 1000), name);
  const cpuMs = (): number => workerdProcesses().find((process) => process.pid === pid)?.cpuMs ?? Number.NaN;
  return { edge, requests, cpuMs, cost: { cpuMs: [], perSecond: [] } as Cost };
}

/** @returns the costs of the other checkout and of this one, in one run of blocks by turns */
async function duel(other: string, clients: number, blocks: number, size: number, name: string): Promise<[Cost, Cost]> {
  const sides: Awaited<ReturnType<typeof edgeOf>>[] = [];
  try {
    for (const tree of [other, HERE]) sides.push(await edgeOf(tree, blocks * size, name));
    await new Promise((settled) => setTimeout(settled, SETTLE_MS));
    for (let block = 0; block < blocks; block++) {
      for (const { edge, requests, cpuMs, cost } of block % 2 === 0 ? sides : sides.toReversed()) {
        const jobs = requests.slice(block * size, (block + 1) * size).map((request) => ({ request, real: true }));
        const before = cpuMs();
        const { accepted, failed, seconds } = await drive(edge.url, jobs, clients);
        if (failed > 0) throw new Error(`${failed} answers were not 200`);
        cost.cpuMs.push(cpuMs() - before);
        cost.perSecond.push(accepted / seconds);
      }
    }
  } finally {
    for (const { edge } of sides) await edge.dispose();
  }
  return [sides[0]!.cost, sides[1]!.cost];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const spread = (values: readonly number[], digits: number): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;

await run(
  {
    name: 'npm run bench:upload-by-turns',
    summary: `Compares what a stored upload costs here and in another checkout (git worktree add ../before COMMIT, with node_modules of its own): edges side by
      side, blocks of uploads by turns, at ${CLIENTS.join(', ')} clients. Writes benchmarks/results/upload-by-turns.md.`,
    options: {
      against: existingFile('folder of the other checkout', { default: null, placeholder: 'FOLDER' }),
      size: wholeNumber('uploads of a block', { min: 50, max: 1_000, default: 100 }),
      blocks: wholeNumber('blocks of a run: the first half are those after a start', { min: 2, max: 100, default: 20 }),
      repeat: wholeNumber('runs, of which median and spread are printed', { min: 1, max: 20, default: 3 }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ against, size, blocks, repeat, 'no-report': noReport }, { progress, print, say }) => {
    if (against === null) throw new UsageError('--against: the folder of the other checkout is wanted');
    const other = resolve(against);
    const lines = [
      '| uploads | CPU ms, before | CPU ms, here | ratio | accepted/s, before | accepted/s, here | ratio |',
      '|---|---|---|---|---|---|---|',
    ];
    const half = Math.ceil(blocks / 2);
    const rows: { what: string; cpu: number; rate: number }[] = [];
    for (const [n, clients] of CLIENTS.entries()) {
      const runs: [Cost, Cost][] = [];
      for (let i = 0; i < repeat; i++) {
        progress('runs', n * repeat + i, CLIENTS.length * repeat);
        runs.push(await duel(other, clients, blocks, size, `turns/${clients}/${i}`));
      }
      for (const [part, from, to] of [
        ['after a start', 0, half],
        ['later', half, blocks],
      ] as const) {
        const cpu = (side: 0 | 1) => runs.map((costs) => sum(costs[side].cpuMs.slice(from, to)) / (to - from) / size);
        const rate = (side: 0 | 1) => runs.map((costs) => median(costs[side].perSecond.slice(from, to)));
        const ratio = (of: (side: 0 | 1) => number[]) => of(1).map((value, i) => value / of(0)[i]!);
        const what = `${clients === 1 ? '1 client' : `${clients} clients`}, ${(to - from) * size} ${part}`;
        lines.push(
          `| ${what} | ${spread(cpu(0), 2)} | ${spread(cpu(1), 2)} | ${spread(ratio(cpu), 2)} | ${spread(rate(0), 0)} | ${spread(rate(1), 0)} | ${spread(ratio(rate), 2)} |`,
        );
        say(lines.at(-1)!);
        rows.push({ what, cpu: median(ratio(cpu)), rate: median(ratio(rate)) });
      }
    }
    const table = lines.join('\n');
    const report = {
      title: 'Uploads, by turns with an earlier commit',
      command: `npm run bench:upload-by-turns -- --against ${against} --size ${size} --blocks ${blocks} --repeat ${repeat}`,
      body: `${table}\n\nMedian (least–most) of ${repeat} runs, each on two new, empty stores on disk; ratios are of the blocks of one run. 14 keys an upload, without the deadline.`,
    };
    if (!noReport) writeReport('upload-by-turns', report);
    print({ against, rows }, table);
    return 0;
  },
);
