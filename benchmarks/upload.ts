/**
 * @module `npm run bench:upload`: whole uploads of 14 keys through upload, verification and origin, durable on disk, in one
 * workerd. CPU is workerd's own, from /proc, not from a clock (docs/architecture.md §12).
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { machine, REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import { drive, type Job, type Measured, prepareDummies, prepareUploads } from './upload-clients.ts';
import { startUploadEdge } from './upload-edge.ts';
import { workerdCpuMs } from './workerd-process.ts';

const DUMMIES_A_REAL = 20;
/** The setting that the targets of docs/architecture.md §12 are held against. */
const MEASURED = '64 clients';
const TARGET_A_SECOND = 600;
const TARGET_CPU_MS = 1.5;
const MEASURED_WITH_DUMMIES = '64 clients, dummies 20 : 1';
const TARGET_REAL_A_SECOND = 150;
const TARGET_DUMMIES_A_SECOND = 3_000;

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/** @returns rows of all tables of all objects, whose databases workerd has open */
function rowsBelow(folder: string): number {
  let sum = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith('.sqlite')) continue;
    const database = new DatabaseSync(join(entry.parentPath, entry.name), { readOnly: true });
    const tables = database.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).all();
    for (const { name } of tables) {
      sum += Number(database.prepare(`SELECT count(*) AS n FROM "${String(name)}"`).get()?.['n']);
    }
    database.close();
  }
  return sum;
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
const median = (values: readonly number[]): number =>
  at(
    values.toSorted((a, b) => a - b),
    0.5,
  );

interface Row {
  readonly what: string;
  readonly acceptedPerSecond: readonly number[];
  readonly dummiesPerSecond: readonly number[];
  readonly cpuMs: readonly number[];
  readonly p50: readonly number[];
  readonly p99: readonly number[];
  /** Means of all runs, an upload. */
  readonly diskBytes: number;
  readonly diskRows: number;
}

interface Setting {
  readonly what: string;
  readonly clients: number;
  readonly deadlineMs: number;
  readonly dummies: boolean;
  readonly uploads: number;
}

async function measure(setting: Setting, repeat: number): Promise<Row> {
  const runs: (Measured & { cpuMs: number })[] = [];
  let diskBytes = 0;
  let diskRows = 0;
  for (let i = 0; i < repeat; i++) {
    // A new, empty store each time: cold is the case that must not be slower.
    const edge = await startUploadEdge(setting.deadlineMs);
    try {
      const real = await prepareUploads(
        edge,
        setting.uploads,
        Math.floor(Date.now() / 1000),
        `bench/${setting.what}/${i}`,
      );
      const fake = setting.dummies ? prepareDummies(setting.uploads * DUMMIES_A_REAL, `dummy/${i}`) : [];
      const jobs: Job[] = [];
      for (const [n, request] of real.entries()) {
        jobs.push({ request, real: true });
        for (let d = 0; d < DUMMIES_A_REAL && setting.dummies; d++) {
          jobs.push({ request: fake[n * DUMMIES_A_REAL + d] as Job['request'], real: false });
        }
      }
      const bytesBefore = bytesBelow(edge.state);
      const rowsBefore = rowsBelow(edge.state);
      const cpuBefore = workerdCpuMs();
      const measured = await drive(edge.url, jobs, setting.clients);
      if (measured.failed > 0) throw new Error(`${setting.what}: ${measured.failed} answers were not 200`);
      runs.push({ ...measured, cpuMs: workerdCpuMs() - cpuBefore });
      diskBytes += (bytesBelow(edge.state) - bytesBefore) / setting.uploads / repeat;
      diskRows += (rowsBelow(edge.state) - rowsBefore) / setting.uploads / repeat;
    } finally {
      await edge.dispose();
    }
  }
  return {
    what: setting.what,
    acceptedPerSecond: runs.map((r) => r.accepted / r.seconds),
    dummiesPerSecond: runs.map((r) => r.dummies / r.seconds),
    cpuMs: runs.map((r) => r.cpuMs / r.accepted),
    p50: runs.map((r) => at(r.latencies, 0.5)),
    p99: runs.map((r) => at(r.latencies, 0.99)),
    diskBytes,
    diskRows,
  };
}

const cell = (values: readonly number[], digits: number): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;

await run(
  {
    name: 'npm run bench:upload',
    summary: `Measures accepted uploads a second, CPU of workerd an upload, p50 and p99, at 1, 8 and 64 clients without the deadline, cold
      and warm, with dummies at ${DUMMIES_A_REAL} : 1, and with the deadline on. Writes benchmarks/results/upload.md. Ends with 1 where 64
      clients miss ${TARGET_A_SECOND} a second or ${TARGET_CPU_MS} ms, or ${TARGET_REAL_A_SECOND} + ${TARGET_DUMMIES_A_SECOND} with dummies.`,
    options: {
      uploads: wholeNumber('real uploads a measurement', { min: 100, max: 10_000, default: 1_000 }),
      repeat: wholeNumber('repetitions, of which median and spread are printed', { min: 1, max: 20, default: 3 }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ uploads, repeat, 'no-report': noReport }, { say, progress, print }) => {
    const settings: Setting[] = [
      { what: '1 client', clients: 1, deadlineMs: 0, dummies: false, uploads },
      { what: '8 clients', clients: 8, deadlineMs: 0, dummies: false, uploads },
      { what: MEASURED, clients: 64, deadlineMs: 0, dummies: false, uploads },
      { what: '64 clients, warm (4 × as many)', clients: 64, deadlineMs: 0, dummies: false, uploads: uploads * 4 },
      { what: MEASURED_WITH_DUMMIES, clients: 64, deadlineMs: 0, dummies: true, uploads: Math.ceil(uploads / 4) },
      { what: '600 clients, deadline 1,000 ms', clients: 600, deadlineMs: 1000, dummies: false, uploads: uploads * 2 },
      {
        what: '2,000 clients, deadline 1,000 ms, dummies 20 : 1',
        clients: 2000,
        deadlineMs: 1000,
        dummies: true,
        uploads: Math.ceil(uploads / 2),
      },
    ];
    const lines = [
      '| setting | accepted/s | dummies/s | workerd CPU ms an upload | p50 ms | p99 ms | bytes on disk an upload | rows on disk an upload |',
      '|---|---|---|---|---|---|---|---|',
    ];
    let target: Row | null = null;
    let mixed: Row | null = null;
    const rows: Row[] = [];
    for (const setting of settings) {
      progress('settings', rows.length, settings.length);
      const row = await measure(setting, repeat);
      const line = `| ${row.what} | ${cell(row.acceptedPerSecond, 0)} | ${setting.dummies ? cell(row.dummiesPerSecond, 0) : '–'} | ${cell(row.cpuMs, 2)} | ${cell(row.p50, 1)} | ${cell(row.p99, 1)} | ${row.diskBytes.toFixed(0)} | ${row.diskRows.toFixed(1)} |`;
      lines.push(line);
      say(line);
      rows.push(row);
      if (setting.what === MEASURED) target = row;
      if (setting.what === MEASURED_WITH_DUMMIES) mixed = row;
    }
    progress('settings', settings.length, settings.length);
    const report = {
      title: 'Uploads through upload, verification and origin',
      command: `npm run bench:upload -- --uploads ${uploads} --repeat ${repeat}`,
      body: `${lines.join('\n')}\n\nMedian (least–most) of ${repeat} runs, each on a new, empty store on disk; 14 keys an upload, sent to upload's own socket; the load generator and workerd share the machine. Bytes\ninclude the write-ahead log; rows are those of all objects, of which the TAN's was there before.`,
    };
    if (!noReport) writeReport('upload', report);
    if (target === null || mixed === null) throw new Error('a setting with a target was not measured');
    const perSecond = median(target.acceptedPerSecond);
    const cpuMs = median(target.cpuMs);
    const [real, dummies] = [median(mixed.acceptedPerSecond), median(mixed.dummiesPerSecond)];
    const good =
      perSecond >= TARGET_A_SECOND &&
      cpuMs <= TARGET_CPU_MS &&
      real >= TARGET_REAL_A_SECOND &&
      dummies >= TARGET_DUMMIES_A_SECOND;
    print(
      { machine: machine(), rows, pass: good },
      `${machine()}\n${good ? 'PASS' : 'FAIL'}: ${perSecond.toFixed(0)} accepted uploads a second at ${MEASURED}, ` +
        `${cpuMs.toFixed(2)} ms of workerd CPU each (targets ${TARGET_A_SECOND}, ${TARGET_CPU_MS} ms), ` +
        `${real.toFixed(0)} + ${dummies.toFixed(0)} dummies at 20 : 1 (${TARGET_REAL_A_SECOND} + ${TARGET_DUMMIES_A_SECOND})`,
    );
    return good ? 0 : 1;
  },
);
