/**
 * @module `npm run bench:rollback`: a source is rolled back as two people do it (docs/rollback.md), by the portal's commands: keys of it that wait are dropped, its published keys are found among 14 days by their sealed
 * issue ids, and the next hour takes them back, in DE and EUR and in CWA's tree (docs/architecture.md §5.11). Writes results/rollback.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IssueSource } from '../domain/issue.ts';
import type { OriginBackOfficeRpc } from '../domain/rpc.ts';
import type { Rollback, RollbackPlan, RollbackTarget } from '../domain/rollback.ts';
import { RETENTION_DAYS } from '../protocol/gaen/intervals.ts';
import type { LocalEdge } from '../local-edge/local-edge.ts';
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import type { OnProgress } from '../scripts/support/command-line/progress.ts';
import { command, setClock } from '../scripts/support/operator.ts';
import { machine, REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import { FIRST_DAY, fillDays, keysOfDay, startOf } from './fourteen-days.ts';
import { watchIsolate } from './isolate-memory.ts';
import { accept, inTwoProcesses, ORIGIN, publisherOf } from './seal-edge.ts';
import { watchResidentSet, workerdCpuMs } from './workerd-process.ts';

const TARGET_SECONDS = 60;
const TARGET_MIB = 128;
/** CPU of one turn of the buffer, in which nothing else of it is heard: uploads wait so long (durable-objects/pace.ts). */
const TARGET_TURN_MS = 10;
/** Rows of a turn (durable-objects/submission-buffer/drop-ops.ts). */
const TURN_ROWS = 256;
const LABORATORY = 'lab-1';
const VERIFICATION = 'exposure-edge-verification';
/** Of the keys of 14 days, those that are still published at the end: the others' fortnight is over. */
const STILL_PUBLISHED = 0.65;

interface Row {
  readonly published: number;
  readonly parts: number;
  readonly dropped: number;
  readonly taken: number;
  readonly planSeconds: number;
  readonly dropSeconds: number;
  /** All CPU of workerd until then, by turns. */
  readonly turnCpuMs: number;
  /** Of a call of the buffer: with nothing to do beside it, and while rows are dropped. */
  readonly idleCallMs: number;
  readonly longestCallMs: number;
  readonly confirmSeconds: number;
  readonly idleHourSeconds: number;
  readonly seconds: number;
  readonly longestStep: number;
  readonly isolateMiB: number;
  readonly residentMiB: number;
}

/** Objects of the edge, as far as they are asked. */
interface Buffer {
  waits(): Promise<boolean>;
}
interface Desk {
  issueOf(about: IssueSource): Promise<string | null>;
}

async function objectOf<T>(edge: LocalEdge, binding: string, worker: string, name: string): Promise<T> {
  const namespace = await edge.miniflare.getDurableObjectNamespace(binding, worker);
  return namespace.get(namespace.idFromName(name)) as unknown as T;
}

/** @returns the issue id of the laboratory's one day: of all keys that are rolled back */
async function forgedIssue(edge: LocalEdge): Promise<string> {
  const desk = await objectOf<Desk>(edge, 'CODE_DESK', VERIFICATION, 'desk');
  const issueId = await desk.issueOf({ kind: 'laboratory', source: LABORATORY, day: FIRST_DAY });
  if (issueId === null) throw new Error('the desk gives no id');
  return issueId;
}

/** Fourteen days in which the laboratory has so many keys that about `taken` are published at the end, a call in so many. */
async function fill(edge: LocalEdge, keys: number, taken: number, progress: OnProgress): Promise<void> {
  await setClock(edge.url, startOf(0));
  const issueId = await forgedIssue(edge);
  const share = Math.min(1, taken / (keys * RETENTION_DAYS * STILL_PUBLISHED));
  let calls = 0;
  const isForged = (): boolean => Math.floor((calls + 1) * share) > Math.floor(calls++ * share);
  await fillDays(edge, keys, progress, () => (isForged() ? issueId : null));
}

/** @returns how many keys are published, and in how many parts of the private records they lie */
async function publishedParts(edge: LocalEdge): Promise<{ keys: number; parts: number }> {
  const bucket = await edge.miniflare.getR2Bucket('PRIVATE', ORIGIN);
  let [bytes, parts] = [0, 0];
  let cursor: string | undefined;
  do {
    const found = await bucket.list({ prefix: 'openings/', ...(cursor === undefined ? {} : { cursor }) });
    for (const { key, size } of found.objects) {
      const day = Number(/^openings\/\d+\/(\d+)-\d+\.bin$/.exec(key)?.[1] ?? 0);
      if (day <= FIRST_DAY + RETENTION_DAYS) continue;
      bytes += size;
      parts += 1;
    }
    cursor = found.truncated ? found.cursor : undefined;
  } while (cursor !== undefined);
  // A withdrawal hash a row.
  return { keys: bytes / 16, parts };
}

async function untilIdle(publisher: OriginBackOfficeRpc): Promise<{ seconds: number; longestStep: number }> {
  const began = performance.now();
  let longestStep = 0;
  for (;;) {
    const from = performance.now();
    const { idle } = await publisher.advance();
    longestStep = Math.max(longestStep, (performance.now() - from) / 1000);
    if (idle) return { seconds: (performance.now() - began) / 1000, longestStep };
  }
}

/** Asks the buffer, one call after the other, until nothing waits there. @returns after how many seconds that was, the longest call, ms, and workerd's CPU by then */
async function watchBuffer(
  buffer: Buffer,
  isOver: () => boolean,
): Promise<{ seconds: number; longestMs: number; cpuMs: number }> {
  const began = performance.now();
  let longestMs = 0;
  for (;;) {
    const from = performance.now();
    const waits = await buffer.waits();
    longestMs = Math.max(longestMs, performance.now() - from);
    if (!waits || isOver()) return { seconds: (performance.now() - began) / 1000, longestMs, cpuMs: workerdCpuMs() };
  }
}

/** Two people, as the chooser of the local portal would sign them in. */
const signedInAs = (name: string, at: number): Record<string, string> => ({
  cookie: `local-identity=${encodeURIComponent(JSON.stringify({ name, roles: ['health-authority'], provider: '', at }))}`,
});

async function rollback(edge: LocalEdge, state: string, wanted: number): Promise<Row> {
  const publisher = await publisherOf(edge);
  const buffer = await objectOf<Buffer>(edge, 'SUBMISSION_BUFFER', ORIGIN, 'buffer');
  const hour = (n: number): number => startOf(RETENTION_DAYS) + n * 3600;
  await setClock(edge.url, hour(1));
  await untilIdle(publisher);
  await setClock(edge.url, hour(2));
  const idleHour = await untilIdle(publisher);
  const published = await publishedParts(edge);
  const issueId = await forgedIssue(edge);
  await accept(edge, keysOfDay(RETENTION_DAYS, wanted), 'waits', () => issueId);
  const { longestMs: idleCallMs } = await watchBuffer(buffer, afterCalls(500));

  const undoKey = readFileSync(join(state, 'undo-private.pem'), 'utf8');
  const target: RollbackTarget = { kind: 'laboratory', name: LABORATORY, fromDay: FIRST_DAY, toDay: FIRST_DAY };
  const post = async (name: string, path: string, body: object): Promise<{ answer: unknown; seconds: number }> => {
    const from = performance.now();
    const sent = { ...body, undoKey };
    const answer = await command(edge.url, 'POST', `/operator/rollback/${path}`, sent, [], signedInAs(name, hour(2)));
    return { answer, seconds: (performance.now() - from) / 1000 };
  };
  const stopIsolate = await watchIsolate(edge, ORIGIN);
  const residentPeak = watchResidentSet();
  const asked = await post('anna@example.org', 'ask', { target });
  const { id } = asked.answer as RollbackPlan & { readonly id: string };
  let isConfirmed = false;
  const cpuBefore = workerdCpuMs();
  const confirm = post('berta@example.org', 'confirm', { id });
  const watched = watchBuffer(buffer, () => isConfirmed);
  const confirmed = await confirm.finally(() => (isConfirmed = true));
  const { outcome } = confirmed.answer as Rollback;
  if (outcome?.state !== 'waiting') {
    throw new Error(`the rollback does not wait for its hour: ${outcome?.state ?? 'nothing came of it'}`);
  }
  const drop = await watched;
  await setClock(edge.url, hour(3));
  const { seconds, longestStep } = await untilIdle(publisher);
  const residentMiB = residentPeak();
  const { above: isolateMiB } = await stopIsolate();
  const { counters } = await publisher.status();
  if (counters['keys_taken_back'] !== outcome.taken) throw new Error('the hour took something else back');
  return {
    published: published.keys,
    parts: published.parts,
    dropped: outcome.dropped,
    taken: outcome.taken,
    planSeconds: asked.seconds,
    dropSeconds: drop.seconds,
    turnCpuMs: (drop.cpuMs - cpuBefore) / Math.ceil(outcome.dropped / TURN_ROWS),
    idleCallMs,
    longestCallMs: drop.longestMs,
    confirmSeconds: confirmed.seconds,
    idleHourSeconds: idleHour.seconds,
    seconds,
    longestStep,
    isolateMiB,
    residentMiB,
  };
}

function afterCalls(count: number): () => boolean {
  let calls = 0;
  return () => (calls += 1) >= count;
}

const HEADS = [
  'keys published',
  'parts of records',
  'dropped',
  'taken back',
  'dry run, s',
  'until all are dropped, s',
  `CPU a turn of ${TURN_ROWS} rows, ms`,
  'longest call of the buffer meanwhile (idle), ms',
  'confirmed and handed over, s',
  'an hour with nothing to do, s',
  'the hour that takes them back, s',
  'longest step, s',
  'origin’s isolate, MiB above idle',
  'workerd, MiB above idle',
];

await run(
  {
    name: 'npm run bench:rollback',
    summary: `Seals ${RETENTION_DAYS} days of N keys each in DE and EUR, about T of them of one laboratory, and lets T more of it wait; then two people roll it back, and the next hour takes its keys back. Writes
      benchmarks/results/rollback.md. Ends with 1 where dry run, confirmation or hour take ${TARGET_SECONDS} s or more, a turn of the buffer takes ${TARGET_TURN_MS} ms of CPU, or the isolate grows by more than ${TARGET_MIB} MiB.`,
    options: {
      keys: wholeNumber('keys a day', { min: 240, max: 1_000_000, default: 28_000 }),
      taken: wholeNumber('keys that are dropped, and about as many that are taken back', {
        min: 1,
        max: 1_000_000,
        default: 100_000,
      }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ keys, taken, 'no-report': noReport }, { progress, print }) => {
    const row = await inTwoProcesses(
      (edge) => fill(edge, keys, taken, progress),
      (edge, state) => rollback(edge, state, taken),
    );
    const cells = [
      row.published.toLocaleString('en'),
      row.parts.toLocaleString('en'),
      row.dropped.toLocaleString('en'),
      row.taken.toLocaleString('en'),
      row.planSeconds.toFixed(1),
      row.dropSeconds.toFixed(1),
      row.turnCpuMs.toFixed(1),
      `${row.longestCallMs.toFixed(0)} (${row.idleCallMs.toFixed(0)})`,
      row.confirmSeconds.toFixed(1),
      row.idleHourSeconds.toFixed(1),
      row.seconds.toFixed(1),
      row.longestStep.toFixed(2),
      row.isolateMiB.toFixed(0),
      row.residentMiB.toFixed(0),
    ];
    const body = `| ${HEADS.join(' | ')} |
|${' --- |'.repeat(HEADS.length)}
| ${cells.join(' | ')} |

${keys.toLocaleString('en')} keys a day on ${RETENTION_DAYS} days; the laboratory's are a share of every hour's, so all days of both regions are cut again, CWA's too, and each region's revocations are signed exports of their own. Dry run and
confirmation are the portal's commands, with the undo key: books, rows that wait, every sealed object beside the records. A call of the buffer is one that asks whether a row waits, one after the other, from another process: it waits for turns and for what they write to be on disk, and on a shared machine for whatever else runs. CPU is all of workerd's until the last row is dropped. The whole hour: which rows
are still there, the masks, files, lists and heads, DE and EUR one after the other. Memory, from the dry run on, as in seal.md.`;
    const title = 'A rollback, and published keys taken back';
    const text = `npm run bench:rollback -- --keys ${keys} --taken ${taken}`;
    if (!noReport) writeReport('rollback', { title, command: text, body });
    const slowest = Math.max(row.planSeconds, row.confirmSeconds, row.seconds);
    const pass = slowest < TARGET_SECONDS && row.isolateMiB < TARGET_MIB && row.turnCpuMs < TARGET_TURN_MS;
    print({ machine: machine(), row, pass }, `${machine()}\n${body}\n${pass ? 'PASS' : 'FAIL'}`);
    return pass ? 0 : 1;
  },
);
