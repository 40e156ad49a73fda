/**
 * @module `npm run bench:midnight`: the midnight after 14 days, when every day's chunk is cut again from the private records
 * without the keys whose retention has ended, in DE and EUR and in CWA's tree: each public file is built anew, as a
 * rebuild would (docs/architecture.md §5.9, §12). Writes results/midnight.md.
 */
import { keyEnd, RETENTION_DAYS, SECONDS_PER_DAY } from '../protocol/gaen/intervals.ts';
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import type { LocalEdge } from '../local-edge/local-edge.ts';
import { setClock } from '../scripts/support/operator.ts';
import { machine, REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import { FIRST_DAY, fillDays, keysOfDay, startOf } from './fourteen-days.ts';
import { watchIsolate } from './isolate-memory.ts';
import { inTwoProcesses, ORIGIN, publisherOf } from './seal-edge.ts';
import { watchResidentSet } from './workerd-process.ts';

const TARGET_KEYS = 28_000;
const TARGET_SECONDS = 60;
const TARGET_MIB = 128;
/** DE and EUR. */
const REGIONS = 2;

interface Row {
  readonly keysADay: number;
  /** Keys that are published again, in one region. */
  readonly keys: number;
  readonly seconds: number;
  readonly longestStep: number;
  /** Parts of private records that are read, both regions. */
  readonly reads: number;
  readonly isolateMiB: number;
  readonly residentMiB: number;
}

/** @returns parts of the private records whose keys stay; each is one read a region, as long as it fits a window */
async function partsLeft(edge: LocalEdge): Promise<number> {
  const bucket = await edge.miniflare.getR2Bucket('PRIVATE', ORIGIN);
  let parts = 0;
  let cursor: string | undefined;
  do {
    const found = await bucket.list({ prefix: 'sets/', ...(cursor === undefined ? {} : { cursor }) });
    const days = found.objects.map(({ key }) => Number(/\/(\d+)-\d+\.bin$/.exec(key)?.[1] ?? 0));
    parts += days.filter((day) => day > FIRST_DAY + RETENTION_DAYS).length;
    cursor = found.truncated ? found.cursor : undefined;
  } while (cursor !== undefined);
  return parts;
}

async function midnight(edge: LocalEdge, count: number): Promise<Row> {
  const publisher = await publisherOf(edge);
  await setClock(edge.url, startOf(RETENTION_DAYS));
  const stopIsolate = await watchIsolate(edge, ORIGIN);
  const residentPeak = watchResidentSet();
  let longestStep = 0;
  const began = performance.now();
  for (;;) {
    const from = performance.now();
    const { idle } = await publisher.advance();
    longestStep = Math.max(longestStep, (performance.now() - from) / 1000);
    if (idle) break;
  }
  const seconds = (performance.now() - began) / 1000;
  const residentMiB = residentPeak();
  const { above: isolateMiB } = await stopIsolate();
  const reads = REGIONS * (await partsLeft(edge));
  // Takes seconds without a pause: nothing is asked of the edge after it, whose idle connections are gone by then.
  const cut = startOf(RETENTION_DAYS) - RETENTION_DAYS * SECONDS_PER_DAY;
  let keys = 0;
  for (let day = 0; day < RETENTION_DAYS; day++) {
    keys += keysOfDay(day, count).filter((key) => keyEnd(key) > cut).length;
  }
  return { keysADay: count, keys, seconds, longestStep, reads, isolateMiB, residentMiB };
}

await run(
  {
    name: 'npm run bench:midnight',
    summary: `Seals ${RETENTION_DAYS} days of N keys each and measures the midnight at which all of them are cut again, for N and N / 10.
      Writes benchmarks/results/midnight.md. Ends with 1 where ${TARGET_KEYS} keys a day take ${TARGET_SECONDS} s or more, or the
      isolate grows by more than ${TARGET_MIB} MiB.`,
    options: {
      keys: wholeNumber('keys a day; the default is of 20,000 cases', { min: 10, max: 3_000_000, default: 280_000 }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ keys: most, 'no-report': noReport }, { say, progress, print }) => {
    const rows: Row[] = [];
    for (const count of [Math.round(most / 10), most]) {
      const row = await inTwoProcesses(
        (edge) => fillDays(edge, count, progress),
        (edge) => midnight(edge, count),
      );
      rows.push(row);
      say(
        `${count} keys a day: ${row.keys} keys cut again in ${row.seconds.toFixed(1)} s for both regions, longest step ` +
          `${row.longestStep.toFixed(2)} s, ${row.reads} reads of R2, isolate +${row.isolateMiB.toFixed(0)} MiB, workerd +${row.residentMiB.toFixed(0)} MiB`,
      );
    }
    const table = rows.map((row) => {
      const cells = [
        row.keysADay.toLocaleString('en'),
        row.keys.toLocaleString('en'),
        row.seconds.toFixed(1),
        Math.round((REGIONS * row.keys) / row.seconds).toLocaleString('en'),
        row.longestStep.toFixed(2),
        row.reads.toLocaleString('en'),
        row.isolateMiB.toFixed(0),
        row.residentMiB.toFixed(0),
      ];
      return `| ${cells.join(' | ')} |`;
    });
    const report = {
      title: 'The midnight at which 14 days are cut again',
      command: `npm run bench:midnight -- --keys ${most}`,
      body: `| keys a day | keys left of 14 days | whole, s | keys/s | longest step, s | parts read from R2 | origin’s isolate, MiB above idle | workerd, MiB above idle |
| --- | --- | --- | --- | --- | --- | --- | --- |
${table.join('\n')}

A day's keys are spread over its hours. Whole: everything that the Publisher does at the last midnight, the hour before it, its lists and heads
included, DE and EUR one after the other, each file built anew from the private records: as a rebuild of everything public would.
Keys/s counts each region. Memory as in seal.md. Target (docs/architecture.md §12, "rebuild"): ${TARGET_KEYS.toLocaleString('en')} keys a day in less than ${TARGET_SECONDS} s.`,
    };
    if (!noReport) writeReport('midnight', report);
    const worst = Math.max(...rows.map(({ isolateMiB }) => isolateMiB));
    const small = rows.find(({ keysADay }) => keysADay === TARGET_KEYS);
    const good = worst <= TARGET_MIB && (small === undefined || small.seconds < TARGET_SECONDS);
    const last = rows.at(-1)!;
    print(
      { machine: machine(), rows, pass: good },
      `${machine()}\n${good ? 'PASS' : 'FAIL'}: 14 days of ${last.keysADay} keys cut again in ${last.seconds.toFixed(1)} s` +
        `${small === undefined ? '' : `, of ${TARGET_KEYS} in ${small.seconds.toFixed(1)} s (target ${TARGET_SECONDS} s)`}, isolate at most +${worst.toFixed(0)} MiB`,
    );
    return good ? 0 : 1;
  },
);
