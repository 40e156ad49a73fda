/**
 * @module `npm run bench:journal`: the journal of what waits (docs/decisions/038) with 10,000, 100,000 and 1,000,000 keys in the buffer, written by the real object to R2 in the local edge's
 * workerd; and how long an upload waits that comes meanwhile. Memory as in `bench:seal`. Writes results/journal.md.
 */
import { JOURNAL_KEY } from '../domain/journal.ts';
import { packUpload, type PackedUpload } from '../domain/packed-upload.ts';
import type { LocalEdge } from '../local-edge/local-edge.ts';
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { setClock } from '../scripts/support/operator.ts';
import { machine, REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import { watchIsolate } from './isolate-memory.ts';
import { DATA_SET_HOUR, dataSet } from './keys.ts';
import { accept, inTwoProcesses, ORIGIN } from './seal-edge.ts';
import { watchResidentSet } from './workerd-process.ts';

const COUNTS = [10_000, 100_000, 1_000_000];
const TARGET_MIB = 128;
const MIB = 2 ** 20;

interface Row {
  readonly keys: number;
  readonly seconds: number;
  /** Of the object in R2. */
  readonly sizeMiB: number;
  /** Peaks above idle. */
  readonly isolateMiB: number;
  readonly residentMiB: number;
  /** Of those that came one after the other while a second journal was written. */
  readonly uploads: number;
  readonly slowestUpload: number;
}

/** What the local edge's buffer offers. */
interface Buffer {
  firstHour(): Promise<number | null>;
  writeJournal(): Promise<void>;
  accept(uploadId: string, upload: PackedUpload): Promise<unknown>;
}

async function bufferOf(edge: LocalEdge): Promise<Buffer> {
  const namespace = await edge.miniflare.getDurableObjectNamespace('SUBMISSION_BUFFER', ORIGIN);
  return namespace.get(namespace.idFromName('buffer')) as unknown as Buffer;
}

async function journal(edge: LocalEdge, keys: number): Promise<Row> {
  const buffer = await bufferOf(edge);
  await buffer.firstHour();
  const stopIsolate = await watchIsolate(edge, ORIGIN);
  const residentPeak = watchResidentSet();
  const began = performance.now();
  await buffer.writeJournal();
  const seconds = (performance.now() - began) / 1000;
  const residentMiB = residentPeak();
  const { above: isolateMiB } = await stopIsolate();
  const bucket = await edge.miniflare.getR2Bucket('PRIVATE', ORIGIN);
  const { size } = (await bucket.head(JOURNAL_KEY))!;
  return { keys, seconds, sizeMiB: size / MIB, isolateMiB, residentMiB, ...(await uploadsMeanwhile(buffer)) };
}

async function uploadsMeanwhile(buffer: Buffer): Promise<Pick<Row, 'uploads' | 'slowestUpload'>> {
  const others = dataSet(14 * 500, 'meanwhile');
  const state = { ended: false };
  const writing = buffer.writeJournal().finally(() => (state.ended = true));
  let [uploads, slowestUpload] = [0, 0];
  while (!state.ended && uploads < 500) {
    const keys = others.slice(uploads * 14, (uploads + 1) * 14);
    const upload = { keys, regions: ['DE'], consentToFederation: true, origin: 'DE', issueId: null };
    const began = performance.now();
    await buffer.accept(`meanwhile ${uploads++}`, packUpload(upload));
    slowestUpload = Math.max(slowestUpload, (performance.now() - began) / 1000);
  }
  await writing;
  return { uploads, slowestUpload };
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
const HEADINGS = [
  'keys that wait',
  'written in, s',
  'object, MiB',
  'origin’s isolate, MiB above idle',
  'workerd, MiB above idle',
  'uploads meanwhile',
  'the slowest, s',
];

await run(
  {
    name: 'npm run bench:journal',
    summary: `Writes the journal of ${COUNTS.map((count) => count.toLocaleString('en')).join(', ')} waiting keys, and uploads while it is written. Writes benchmarks/results/journal.md. Ends
      with 1 where the isolate grows by more than ${TARGET_MIB} MiB.`,
    options: {
      keys: wholeNumber('N waiting keys instead, and no report', { min: 140, max: 3_000_000, default: null }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ keys, 'no-report': noReport }, { progress, print }) => {
    const rows: Row[] = [];
    const counts = keys === null ? COUNTS : [keys];
    for (const [n, count] of counts.entries()) {
      progress(`${count} keys`, n, counts.length);
      const fill = async (edge: LocalEdge): Promise<void> => {
        await setClock(edge.url, DATA_SET_HOUR * 3600);
        await accept(edge, dataSet(count), 'fill');
      };
      rows.push(await inTwoProcesses(fill, (edge) => journal(edge, count)));
    }
    const table = rows.map((row) =>
      line([
        row.keys.toLocaleString('en'),
        row.seconds.toFixed(2),
        row.sizeMiB.toFixed(1),
        row.isolateMiB.toFixed(0),
        row.residentMiB.toFixed(0),
        row.uploads.toLocaleString('en'),
        row.slowestUpload.toFixed(2),
      ]),
    );
    const body = `${line(HEADINGS)}|${' --- |'.repeat(HEADINGS.length)}
${table.join('')}
All keys of one release hour, read from SQLite, opened, packed, sealed to the restore key and put, in a process that has done nothing before; the object doubles from 1.5 MiB. Then once more, while one
client uploads 14 keys at a time without a pause: an upload waits for the slice that runs. Memory as in seal.md; target: ≤ ${TARGET_MIB} MiB in the isolate.`;
    if (keys === null && !noReport) {
      writeReport('journal', { title: 'The journal of what waits', command: 'npm run bench:journal', body });
    }
    const pass = rows.every(({ isolateMiB }) => isolateMiB <= TARGET_MIB);
    print({ machine: machine(), rows, pass }, `${machine()}\n${body}\n${pass ? 'PASS' : 'FAIL'}`);
    return pass ? 0 : 1;
  },
);
