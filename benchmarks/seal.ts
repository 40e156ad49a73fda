/**
 * @module `npm run bench:seal`: an hour of 10,000, 100,000 and 1,000,000 keys, from the buffer to signed chunks, lists
 * and heads of DE and EUR, in the local edge's workerd with SQLite and R2 on disk. Time is the wall clock of each step;
 * memory is the peak of `origin`'s isolate above idle, which the platform limits (decision 013), beside workerd's resident
 * set and what of it the simulated R2 costs by itself. Writes results/seal.md.
 */
import type { LocalEdge } from '../local-edge/local-edge.ts';
import { text, wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { setClock } from '../scripts/support/operator.ts';
import { machine, REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import { bucketAlone, type BucketStep } from './bucket-alone.ts';
import { watchIsolate } from './isolate-memory.ts';
import { DATA_SET_HOUR, dataSet } from './keys.ts';
import { accept, inTwoProcesses, ORIGIN, publisherOf } from './seal-edge.ts';
import { watchResidentSet } from './workerd-process.ts';

const COUNTS = [10_000, 100_000, 1_000_000];
const TARGET_SECONDS_A_REGION = 5;
const TARGET_MIB = 128;
/** The machine is shared, and memory depends on when garbage is collected: one run says little. */
const REPEAT = 3;

interface Row {
  readonly keys: number;
  readonly seconds: number;
  /** Peaks above idle, MiB. */
  readonly isolateMiB: number;
  readonly residentMiB: number;
  readonly steps: Readonly<Record<string, number>>;
  readonly bytesAKey: number;
}

/** Names of the steps of one hour, in the order in which `advance` takes them. */
const stepsWith = (feeds: string): string[] => [
  'start',
  'log the regions',
  'freeze',
  'record',
  'write DE',
  'compose DE',
  'publish DE',
  'write EUR',
  'compose EUR',
  'publish EUR',
  'purge',
  ...(feeds === '' ? [] : feeds.split(',').flatMap((feed) => [`batches ${feed}`, `document ${feed}`])),
  'log the midnight',
  'forget',
  'idle',
];
/** Those of them that a target holds for. */
const SEALING = ['freeze', 'record', 'write DE', 'compose DE', 'publish DE', 'write EUR', 'compose EUR', 'publish EUR'];

async function fill(edge: LocalEdge, count: number): Promise<void> {
  await setClock(edge.url, DATA_SET_HOUR * 3600);
  await accept(edge, dataSet(count), 'fill');
  await setClock(edge.url, (DATA_SET_HOUR + 1) * 3600);
}

async function seal(
  edge: LocalEdge,
  count: number,
  feeds: string,
): Promise<Row & { readonly objects: readonly BucketStep[] }> {
  const publisher = await publisherOf(edge);
  const stopIsolate = await watchIsolate(edge, ORIGIN);
  const residentPeak = watchResidentSet();
  const steps: Record<string, number> = {};
  for (const step of stepsWith(feeds)) {
    const from = performance.now();
    const { idle } = await publisher.advance();
    steps[step] = (performance.now() - from) / 1000;
    // The names are of an order that another version may not keep: what is summed would be something else.
    if (idle !== (step === 'idle')) throw new Error(`step "${step}" is not the one that it is called`);
  }
  const residentMiB = residentPeak();
  const { above: isolateMiB } = await stopIsolate();
  const chunks = (await sizes(edge, 'PUBLIC', 'v1/DE/chunks/')).filter(([name]) => name.endsWith('.zip'));
  const seconds = SEALING.reduce((sum, step) => sum + (steps[step] ?? Number.NaN), 0);
  const bytesAKey = chunks.reduce((sum, [, size]) => sum + size, 0) / count;
  return { keys: count, seconds, isolateMiB, residentMiB, steps, bytesAKey, objects: await bucketSteps(edge) };
}

async function sizes(edge: LocalEdge, binding: string, prefix: string): Promise<[string, number][]> {
  const bucket = await edge.miniflare.getR2Bucket(binding, ORIGIN);
  const { objects } = await bucket.list({ prefix });
  return objects.map(({ key, size }) => [key, size]);
}

/** What sealing puts and reads, in its order: the record, then for each region its files out of the record. */
async function bucketSteps(edge: LocalEdge): Promise<BucketStep[]> {
  const record = await sizes(edge, 'PRIVATE', '');
  const steps: BucketStep[] = [{ put: record, get: [] }];
  for (const region of ['DE', 'EUR']) {
    const files = await sizes(edge, 'PUBLIC', `v1/${region}/`);
    const tree = await sizes(edge, 'PUBLIC', `version/v1/diagnosis-keys/country/${region}/`);
    steps.push({ put: [...files, ...tree], get: record.map(([name]) => name) });
  }
  return steps;
}

/** The run of median time, and the peaks of all. */
interface Repeated extends Row {
  readonly isolates: readonly number[];
  readonly residents: readonly number[];
  readonly bucketMiB: number;
}

function whole(values: readonly number[]): string {
  return values.map((value) => value.toFixed(0)).join(' · ');
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
const HEADINGS = [
  'keys',
  'whole, s',
  'a region, s',
  'keys/s a region',
  ...SEALING,
  'origin’s isolate, MiB above idle',
  'workerd, MiB above idle',
  'of it R2 alone',
  'bytes a key',
];
await run(
  {
    name: 'npm run bench:seal',
    summary: `Seals an hour of ${COUNTS.map((count) => count.toLocaleString('en')).join(', ')} keys, from the buffer to signed chunks, lists
      and heads of DE and EUR. Writes benchmarks/results/seal.md. Ends with 1 where the largest takes more than ${TARGET_SECONDS_A_REGION} s
      a region, or the isolate grows by more than ${TARGET_MIB} MiB.`,
    options: {
      keys: wholeNumber('one hour of N keys instead, and no report', { min: 140, max: 3_000_000, default: null }),
      feeds: text('feeds for peers too, comma separated (docs/architecture.md §9); with --keys', { default: '' }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ keys, feeds, 'no-report': noReport }, { say, progress, print }) => {
    const rows: Repeated[] = [];
    const counts = keys === null ? COUNTS : [keys];
    for (const count of counts) {
      const runs: Awaited<ReturnType<typeof seal>>[] = [];
      for (let i = 0; i < REPEAT; i++) {
        progress(`${count} keys`, i, REPEAT);
        runs.push(
          await inTwoProcesses(
            (edge) => fill(edge, count),
            (edge) => seal(edge, count, feeds),
            feeds,
          ),
        );
      }
      const median = runs.toSorted((a, b) => a.seconds - b.seconds)[Math.floor(REPEAT / 2)]!;
      const sorted = (field: 'isolateMiB' | 'residentMiB') => runs.map((one) => one[field]).toSorted((a, b) => a - b);
      const bucketMiB = await bucketAlone(median.objects);
      const row = { ...median, isolates: sorted('isolateMiB'), residents: sorted('residentMiB'), bucketMiB };
      rows.push(row);
      const detail = Object.entries(row.steps).map(([step, s]) => `${step} ${s.toFixed(2)}`);
      progress(`${count} keys`, REPEAT, REPEAT);
      say(
        `${count} keys: ${row.seconds.toFixed(2)} s, isolate +${whole(row.isolates)} MiB, workerd +${whole(row.residents)} MiB ` +
          `(R2 alone +${bucketMiB.toFixed(0)}), ${row.bytesAKey.toFixed(2)} B/key (${detail.join(', ')})`,
      );
    }

    const table = rows.map((row) =>
      line([
        row.keys.toLocaleString('en'),
        row.seconds.toFixed(2),
        (row.seconds / 2).toFixed(2),
        Math.round(row.keys / (row.seconds / 2)).toLocaleString('en'),
        ...SEALING.map((step) => (row.steps[step] ?? Number.NaN).toFixed(2)),
        whole(row.isolates),
        whole(row.residents),
        row.bucketMiB.toFixed(0),
        row.bytesAKey.toFixed(2),
      ]),
    );
    if (keys === null && feeds === '' && !noReport) {
      writeReport('seal', {
        title: 'Sealing an hour',
        command: 'npm run bench:seal',
        body: `One hour's set from the SubmissionBuffer through its private record to signed chunks, lists and heads of DE and EUR, both due at
once, in one workerd with SQLite and simulated R2 on disk, in a process that has done nothing before. Seconds are wall clock, a step each, of
the run of median time of ${REPEAT}; both regions hold the same keys, "a region" is half of the whole. Memory is the peak above idle of each run: of
the isolate that \`origin\` runs in, heap and array buffers, which the platform limits to 128 MB (decision 013); and of the whole workerd, which here
holds the simulated R2, SQLite and seven other Workers too. "R2 alone" is a Worker that only puts and reads objects of the same sizes. Targets at
1,000,000 keys: ≤ ${TARGET_SECONDS_A_REGION} s a region, ≤ ${TARGET_MIB} MiB in the isolate.

${line(HEADINGS)}|${' --- |'.repeat(HEADINGS.length)}
${table.join('')}`.trimEnd(),
      });
    }
    const largest = rows.at(-1)!;
    const mostMiB = largest.isolates.at(-1)!;
    const good = largest.seconds / 2 <= TARGET_SECONDS_A_REGION && mostMiB <= TARGET_MIB;
    print(
      { machine: machine(), rows, pass: good },
      `${good ? 'PASS' : 'FAIL'}: ${largest.keys} keys in ${(largest.seconds / 2).toFixed(2)} s a region, ` +
        `isolate at most +${mostMiB.toFixed(0)} MiB (targets ${TARGET_SECONDS_A_REGION} s, ${TARGET_MIB} MiB)`,
    );
    return good ? 0 : 1;
  },
);
