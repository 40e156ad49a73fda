/**
 * @module `npm run bench:rebuild`: 14 days are sealed, then everything that is public is made again from the event log and the private records
 * alone and compared with what was published, byte for byte (docs/event-log.md). Writes results/rebuild.md.
 */
import { join } from 'node:path';
import { openBuckets } from '../local-edge/buckets.ts';
import { startLocalEdge, type LocalEdge } from '../local-edge/local-edge.ts';
import { ROOT } from '../local-edge/workers.ts';
import { INTERVALS_PER_DAY, RETENTION_DAYS, SECONDS_PER_DAY } from '../protocol/gaen/intervals.ts';
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { runChild } from '../scripts/support/command-line/child.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { temporaryFolder } from '../scripts/support/command-line/interrupt.ts';
import type { OnProgress } from '../scripts/support/command-line/progress.ts';
import { bucketStore, folderStore } from '../scripts/support/object-store.ts';
import { moveClock } from '../scripts/support/operator.ts';
import { eachObject } from '../scripts/support/read-log.ts';
import { machine, REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import { DATA_SET_HOUR, dataSet } from './keys.ts';
import { accept } from './seal-edge.ts';

const TARGET_SECONDS = 60;
const TARGET_MIB = 512;
const FIRST_DAY = Math.floor(DATA_SET_HOUR / 24);

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

/** Written to stderr by the command when it ends: the largest that its process was, kB. */
const SAY_MEMORY = `process.on('exit',()=>process.stderr.write('maxRSS '+process.resourceUsage().maxRSS))`;

interface Row {
  readonly command: string;
  readonly seconds: number;
  /** The command's own process at its largest; of --state, the R2 that it starts is another. */
  readonly mib: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- what a command prints as JSON is looked at by its fields
  readonly result: any;
}

/** Runs a command in a process of its own, as people do. @throws Error when it fails */
async function measure(script: 'log' | 'rebuild', args: readonly string[], shown: string): Promise<Row> {
  const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(SAY_MEMORY)}` };
  const began = performance.now();
  const call = [`scripts/${script}.ts`, ...args, '--json'];
  const { code, stdout, stderr } = await runChild(process.execPath, call, { cwd: ROOT, environment, output: 'kept' });
  const seconds = (performance.now() - began) / 1000;
  if (code !== 0) throw new Error(`${shown} ended with ${code}: ${stderr}`);
  const mib = Number(/maxRSS (\d+)/.exec(stderr)?.[1] ?? Number.NaN) / 1024;
  return { command: shown, seconds, mib, result: JSON.parse(stdout) };
}

/** Copies what an audit copies: no key of a row that waits. */
async function copyPrivate(state: string, folder: string): Promise<void> {
  const buckets = await openBuckets(state);
  try {
    const store = bucketStore(buckets.privateBucket);
    const target = folderStore(folder);
    const names = (await store.list('')).filter((name) => /^(log|sets|openings|issues|taken)\//.test(name));
    const puts: Promise<void>[] = [];
    const meta = { contentType: '', cacheControl: '', expires: null };
    await eachObject(store, names, (name, bytes) => void puts.push(target.put(name, bytes, meta)));
    await Promise.all(puts);
  } finally {
    await buckets.dispose();
  }
}

await run(
  {
    name: 'npm run bench:rebuild',
    summary: `Seals ${RETENTION_DAYS} days of N keys each in DE and EUR, makes everything that is public again from the private bucket, and compares. Writes
      benchmarks/results/rebuild.md. Ends with 1 where that takes ${TARGET_SECONDS} s or ${TARGET_MIB} MiB or more from a copy, or an object differs.`,
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
      await copyPrivate(state.path, copy.path);
      const ofCopy = ['--private', copy.path, '--log-key', join(state.path, 'log-public.pem')];
      const log = await measure('log', ['verify', ...ofCopy], 'log verify --private');
      const made = await measure('rebuild', [...ofCopy, '--to', join(copy.path, 'public')], 'rebuild --private --to');
      const compared = await measure('rebuild', ['--state', state.path, '--verify'], 'rebuild --state --verify');
      const rows = [log, made, compared];
      const different = (compared.result as { differences: unknown[] }).differences.length;
      const good =
        different === 0 && [log, made].every(({ seconds, mib }) => seconds < TARGET_SECONDS && mib < TARGET_MIB);
      const table = rows.map(
        ({ command, seconds, mib }) => `| ${command} | ${seconds.toFixed(1)} | ${mib.toFixed(0)} |`,
      );
      const body = `| command | whole, s | its process, MiB at most |
| --- | --- | --- |
${table.join('\n')}

${keys.toLocaleString('en')} keys a day on ${RETENTION_DAYS} days and in three hours of the next, DE and EUR: ${log.result.entries} entries of the log, each with its signature verified, and ${made.result.objects} objects made: chunks,
CWA's tree, pages, lists and heads. ${different} of them differ from what was published, in bytes or headers. Whole is the command from its start to its end; with --state it starts R2 in a process of
its own, which isn't counted. Target (docs/architecture.md §12): less than ${TARGET_SECONDS} s and ${TARGET_MIB} MiB from a copy; of a local edge's R2 each read is a call of another process.`;
      const title = 'Everything public, made again from log and records';
      const command = `npm run bench:rebuild -- --keys ${keys}`;
      if (!noReport) writeReport('rebuild', { title, command, body });
      print({ machine: machine(), rows, different, pass: good }, `${machine()}\n${body}\n${good ? 'PASS' : 'FAIL'}`);
      return good ? 0 : 1;
    } finally {
      state.remove();
      copy.remove();
    }
  },
);
