/**
 * @module `npm run bench:seal`: an hour of 10,000, 100,000 and 1,000,000 keys, from the buffer to signed chunks, lists
 * and heads of DE and EUR, in the local edge's workerd with SQLite and R2 on disk. Time is the wall clock of each step;
 * memory is workerd's peak resident set above what it held idle, the simulated R2 included. Writes results/seal.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { argv, exit, pid as ownPid, stdout, version } from 'node:process';
import type { IntakeRpc, OriginBackOfficeRpc } from '../domain/rpc.ts';
import { startLocalEdge, type LocalEdge } from '../scripts/local-edge/local-edge.ts';
import { DATA_SET_HOUR, dataSet } from './keys.ts';

const COUNTS = argv.length > 2 ? argv.slice(2).map(Number) : [10_000, 100_000, 1_000_000];
const TARGET_SECONDS_A_REGION = 5;
const TARGET_MIB = 128;
/** Peak memory depends on when garbage is collected: one run says little. */
const REPEAT = 3;
const ORIGIN = 'exposure-edge-origin';
/** Keys of one call when the buffer is filled, as many as one of its statements takes: the fill isn't measured. */
const KEYS_A_CALL = 100;
const CALLS_AT_ONCE = 32;
const RESULT = new URL('results/seal.md', import.meta.url);

interface Row {
  readonly keys: number;
  readonly seconds: number;
  readonly peakMiB: number;
  readonly steps: Readonly<Record<string, number>>;
  readonly bytesAKey: number;
}

/** @returns the one workerd that this process has started */
function workerdPid(): number {
  for (const child of readFileSync(`/proc/self/task/${ownPid}/children`, 'utf8').trim().split(' ').map(Number)) {
    if (readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'workerd') return child;
  }
  throw new Error('no workerd among the children of this process');
}

function memoryMiB(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) / 1024;
}

async function fill(edge: LocalEdge, count: number): Promise<void> {
  const namespace = await edge.miniflare.getDurableObjectNamespace('SUBMISSION_BUFFER', ORIGIN);
  const buffer = namespace.get(namespace.idFromName('buffer')) as unknown as IntakeRpc;
  const keys = dataSet(count);
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < keys.length) {
      const from = next;
      next += KEYS_A_CALL;
      const part = keys.slice(from, next);
      const upload = { keys: part, regions: ['DE'], consentToFederation: true, origin: 'DE', codeBatchId: null };
      await buffer.accept(`fill-${from}`, upload);
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, client));
}

async function setClock(edge: LocalEdge, now: number): Promise<void> {
  const reply = await fetch(`${edge.url}/local/clock`, { method: 'PUT', body: JSON.stringify({ now }) });
  if (!reply.ok) throw new Error(`clock: ${reply.status}`);
}

/** Names of the steps of one hour, in the order in which `advance` takes them. */
const STEPS = [
  'start',
  'freeze',
  'record',
  'write DE',
  'write EUR',
  'index DE',
  'index EUR',
  'purge',
  'forget',
  'idle',
];

async function seal(count: number): Promise<Row> {
  // Minima off: the data set's uploads are packed into few calls.
  const edge = await startLocalEdge({ vars: { origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' } } });
  try {
    await setClock(edge, DATA_SET_HOUR * 3600);
    await fill(edge, count);
    const namespace = await edge.miniflare.getDurableObjectNamespace('PUBLISHER', ORIGIN);
    const publisher = namespace.get(namespace.idFromName('publisher')) as unknown as OriginBackOfficeRpc;
    await setClock(edge, (DATA_SET_HOUR + 1) * 3600);
    const pid = workerdPid();
    const idle = memoryMiB(pid, 'VmRSS');
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    const steps: Record<string, number> = {};
    for (const step of STEPS) {
      const from = performance.now();
      const { idle: done } = await publisher.advance();
      steps[step] = (performance.now() - from) / 1000;
      if (done) break;
    }
    const peakMiB = memoryMiB(pid, 'VmHWM') - idle;
    const bucket = await edge.miniflare.getR2Bucket('PUBLIC', ORIGIN);
    const listed = await bucket.list({ prefix: 'v1/DE/chunks/' });
    const bytes = listed.objects.reduce((sum, object) => sum + object.size, 0);
    const sealing = ['freeze', 'record', 'write DE', 'write EUR', 'index DE', 'index EUR'];
    const seconds = sealing.reduce((sum, step) => sum + (steps[step] ?? Number.NaN), 0);
    return { keys: count, seconds, peakMiB, steps, bytesAKey: bytes / count };
  } finally {
    await edge.dispose();
  }
}

/** The run of median time, and the peaks of all. */
interface Repeated extends Row {
  readonly peaks: readonly number[];
}

const rows: Repeated[] = [];
for (const count of COUNTS) {
  const runs: Row[] = [];
  for (let i = 0; i < REPEAT; i++) runs.push(await seal(count));
  const median = runs.toSorted((a, b) => a.seconds - b.seconds)[Math.floor(REPEAT / 2)]!;
  const peaks = runs.map(({ peakMiB }) => peakMiB).toSorted((a, b) => a - b);
  rows.push({ ...median, peaks });
  const detail = Object.entries(median.steps).map(([step, s]) => `${step} ${s.toFixed(2)}`);
  stdout.write(
    `${count} keys: ${median.seconds.toFixed(2)} s, +${peaks.map((peak) => peak.toFixed(0)).join('/')} MiB, `,
  );
  stdout.write(`${median.bytesAKey.toFixed(2)} B/key (${detail.join(', ')})\n`);
}
const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
const cell = (row: Row, step: string): string => (row.steps[step] ?? Number.NaN).toFixed(2);
const report = `# Sealing an hour

${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${version};
\`npm run bench:seal\`. One hour's set from the SubmissionBuffer through its private record to signed chunks, lists and heads of DE and EUR,
both due at once, in one workerd with SQLite and simulated R2 on disk. Seconds are wall clock, a step each; memory is the peak resident
set of workerd above idle, with the simulated R2 and SQLite's cache, which on the platform live elsewhere. Both regions hold the same keys;
"a region" is half of the whole. Seconds are those of the run of median time of ${REPEAT}, memory is the peak of each. Targets: ≤ ${TARGET_SECONDS_A_REGION} s a region and ≤ ${TARGET_MIB} MiB at 1,000,000 keys.

${line(['keys', 'whole, s', 'a region, s', 'keys/s a region', 'freeze', 'record', 'write DE', 'write EUR', 'index DE', 'index EUR', 'peak above idle, MiB', 'bytes a key'])}|${' --- |'.repeat(12)}
${rows
  .map((row) =>
    line([
      row.keys.toLocaleString('en'),
      row.seconds.toFixed(2),
      (row.seconds / 2).toFixed(2),
      Math.round(row.keys / (row.seconds / 2)).toLocaleString('en'),
      ...['freeze', 'record', 'write DE', 'write EUR', 'index DE', 'index EUR'].map((step) => cell(row, step)),
      row.peaks.map((peak) => peak.toFixed(0)).join(' · '),
      row.bytesAKey.toFixed(2),
    ]),
  )
  .join('')}`;
if (argv.length === 2) writeFileSync(RESULT, report);
const largest = rows.at(-1)!;
const mostMiB = largest.peaks.at(-1)!;
const good = largest.seconds / 2 <= TARGET_SECONDS_A_REGION && mostMiB <= TARGET_MIB;
stdout.write(
  `${good ? 'PASS' : 'FAIL'}: ${largest.keys} keys in ${(largest.seconds / 2).toFixed(2)} s a region, ` +
    `at most +${mostMiB.toFixed(0)} MiB (targets ${TARGET_SECONDS_A_REGION} s, ${TARGET_MIB} MiB)\n`,
);
exit(good ? 0 : 1);
