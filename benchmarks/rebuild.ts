/**
 * @module `npm run bench:rebuild`: 14 days are sealed, then everything that is public is made again from the event log and the private records
 * alone and compared with what was published, byte for byte (docs/event-log.md). Writes results/rebuild.md.
 */
import { join } from 'node:path';
import { openBuckets } from '../local-edge/buckets.ts';
import { startLocalEdge, type LocalEdge } from '../local-edge/local-edge.ts';
import { INTERVALS_PER_DAY, RETENTION_DAYS, SECONDS_PER_DAY } from '../protocol/gaen/intervals.ts';
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { temporaryFolder } from '../scripts/support/command-line/interrupt.ts';
import type { OnProgress } from '../scripts/support/command-line/progress.ts';
import { compareObject } from '../scripts/support/compare-public.ts';
import { bucketStore, folderStore, type ObjectReader } from '../scripts/support/object-store.ts';
import { moveClock } from '../scripts/support/operator.ts';
import { eachObject, readLog } from '../scripts/support/read-log.ts';
import { rebuildAll } from '../scripts/support/rebuild.ts';
import { machine, REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import { DATA_SET_HOUR, dataSet } from './keys.ts';
import { accept } from './seal-edge.ts';

const TARGET_SECONDS = 60;
const TARGET_MIB = 512;
const FIRST_DAY = Math.floor(DATA_SET_HOUR / 24);
const MIB = 2 ** 20;

/** 14 days, and the first hours of the next: days and hours are both there to be made again. */
async function fill(edge: LocalEdge, count: number, progress: OnProgress): Promise<void> {
  for (let day = 0; day <= RETENTION_DAYS; day++) {
    const keys = dataSet(count, `rebuild ${day}`).map((key) => ({
      ...key,
      rollingStartIntervalNumber: key.rollingStartIntervalNumber + day * INTERVALS_PER_DAY,
    }));
    for (let hour = 0; hour < (day === RETENTION_DAYS ? 3 : 24); hour++) {
      await moveClock(edge.url, (FIRST_DAY + day) * SECONDS_PER_DAY + hour * 3600);
      const [from, to] = [hour, hour + 1].map((n) => Math.floor((n * count) / 24));
      await accept(edge, keys.slice(from, to), `day ${day} ${hour}`);
    }
    progress(`${count} a day`, day + 1, RETENTION_DAYS + 1);
  }
  await moveClock(edge.url, (FIRST_DAY + RETENTION_DAYS) * SECONDS_PER_DAY + 3 * 3600);
}

interface Row {
  readonly from: string;
  readonly entries: number;
  readonly logSeconds: number;
  readonly seconds: number;
  readonly objects: number;
  readonly mib: number;
  /** The whole process at its largest, that which filled the edge before. */
  readonly residentMiB: number;
}

async function measure(from: string, reader: ObjectReader, key: string, progress: OnProgress): Promise<Row> {
  let resident = 0;
  const look = (): void => void (resident = Math.max(resident, process.memoryUsage.rss()));
  const began = performance.now();
  const report = await readLog(reader, [key]);
  if (report.findings.length > 0) throw new Error(`the log is not whole: ${JSON.stringify(report.findings[0])}`);
  const read = performance.now();
  let [objects, bytes] = [0, 0];
  for await (const object of rebuildAll(reader, report, progress)) {
    objects += 1;
    bytes += object.bytes.length;
    look();
  }
  const [logSeconds, seconds] = [(read - began) / 1000, (performance.now() - began) / 1000];
  const entries = report.entries.length;
  return { from, entries, logSeconds, seconds, objects, mib: bytes / MIB, residentMiB: resident / MIB };
}

await run(
  {
    name: 'npm run bench:rebuild',
    summary: `Seals ${RETENTION_DAYS} days of N keys each in DE and EUR, makes everything that is public again from the private bucket, and compares. Writes
      benchmarks/results/rebuild.md. Ends with 1 where it takes ${TARGET_SECONDS} s or more, ${TARGET_MIB} MiB or more, or an object differs.`,
    options: {
      keys: wholeNumber('keys a day', { min: 24, max: 1_000_000, default: 28_000 }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ keys, 'no-report': noReport }, { progress, print }) => {
    const [state, copy] = [temporaryFolder('rebuild-state'), temporaryFolder('rebuild-copy')];
    try {
      const edge = await startLocalEdge({ state: state.path, vars: { origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' } } });
      try {
        await fill(edge, keys, progress);
      } finally {
        await edge.dispose();
      }
      const buckets = await openBuckets(state.path);
      const rows: Row[] = [];
      let different = 0;
      try {
        const [privateStore, publicStore] = [bucketStore(buckets.privateBucket), bucketStore(buckets.publicBucket)];
        const key = join(state.path, 'log-public.pem');
        const target = folderStore(copy.path);
        const puts: Promise<void>[] = [];
        const meta = { contentType: '', cacheControl: '', expires: null };
        const names = (await privateStore.list('')).filter((name) => /^(log|sets)\//.test(name));
        await eachObject(privateStore, names, (name, bytes) => void puts.push(target.put(name, bytes, meta)));
        await Promise.all(puts);
        rows.push(await measure('a folder', target, key, progress));
        rows.push(await measure('the local edge’s R2', privateStore, key, progress));
        const report = await readLog(target, [key]);
        for await (const object of rebuildAll(target, report, progress)) {
          if ((await compareObject(publicStore, object)) !== null) different += 1;
        }
      } finally {
        await buckets.dispose();
      }
      const good =
        different === 0 &&
        rows.every(({ seconds, residentMiB }) => seconds < TARGET_SECONDS && residentMiB < TARGET_MIB);
      const table = rows.map(
        (row) =>
          `| ${row.from} | ${row.entries.toLocaleString('en')} | ${row.logSeconds.toFixed(1)} | ${row.objects.toLocaleString('en')} | ${row.mib.toFixed(0)} | ${row.seconds.toFixed(1)} | ${row.residentMiB.toFixed(0)} |`,
      );
      const body = `| private bucket read from | entries of the log | log read and verified, s | objects made | MiB made | whole, s | Node, MiB at most |
| --- | --- | --- | --- | --- | --- | --- |
${table.join('\n')}

${keys.toLocaleString('en')} keys a day on ${RETENTION_DAYS} days and in three hours of the next, DE and EUR: chunks, CWA's tree, pages, lists and heads. ${different} of the objects differ
from what was published, in bytes or headers. Whole is from the first read of the log on; memory is that of the whole process, which filled the edge before.
Target (docs/architecture.md §12): less than ${TARGET_SECONDS} s and ${TARGET_MIB} MiB.`;
      const command = `npm run bench:rebuild -- --keys ${keys}`;
      if (!noReport)
        writeReport('rebuild', { title: 'Everything public, made again from log and records', command, body });
      print({ machine: machine(), rows, different, pass: good }, `${machine()}\n${body}\n${good ? 'PASS' : 'FAIL'}`);
      return good ? 0 : 1;
    } finally {
      state.remove();
      copy.remove();
    }
  },
);
