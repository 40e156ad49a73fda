/**
 * @module `npm run bench:rollback`: many keys are taken back out of 14 published days, in DE and EUR and in CWA's tree (docs/architecture.md §5.11): from the request to the heads that
 * name days without them and revocations with them. Writes results/rollback.md.
 */
import { RETENTION_DAYS } from '../protocol/gaen/intervals.ts';
import type { TakeBackReply, TakeBackRequest, TakenRows } from '../domain/publication/taken.ts';
import { ROW_BYTES } from '../domain/publication/packed-keys.ts';
import type { LocalEdge } from '../local-edge/local-edge.ts';
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { setClock } from '../scripts/support/operator.ts';
import { machine, REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import { FIRST_DAY, fillDays, startOf } from './fourteen-days.ts';
import { watchIsolate } from './isolate-memory.ts';
import { inTwoProcesses, ORIGIN, publisherOf } from './seal-edge.ts';
import { watchResidentSet } from './workerd-process.ts';

const TARGET_SECONDS = 60;
const TARGET_MIB = 128;
const REQUEST_ID = '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b';

interface Row {
  readonly published: number;
  readonly taken: number;
  readonly parts: number;
  readonly askSeconds: number;
  readonly idleHourSeconds: number;
  readonly seconds: number;
  readonly longestStep: number;
  readonly isolateMiB: number;
  readonly residentMiB: number;
}

interface Part extends Pick<TakenRows, 'hour' | 'day' | 'n'> {
  readonly keys: number;
}

/** @returns the parts of the private records whose keys are published, with how many they hold */
async function publishedParts(edge: LocalEdge): Promise<Part[]> {
  const bucket = await edge.miniflare.getR2Bucket('PRIVATE', ORIGIN);
  const parts: Part[] = [];
  let cursor: string | undefined;
  do {
    const found = await bucket.list({ prefix: 'sets/', ...(cursor === undefined ? {} : { cursor }) });
    for (const { key, size } of found.objects) {
      const [hour, day, n] = (/^sets\/(\d+)\/(\d+)-(\d+)\.bin$/.exec(key) ?? []).slice(1).map(Number);
      if (hour === undefined || day === undefined || n === undefined || day <= FIRST_DAY + RETENTION_DAYS) continue;
      parts.push({ hour, day, n, keys: size / ROW_BYTES });
    }
    cursor = found.truncated ? found.cursor : undefined;
  } while (cursor !== undefined);
  return parts;
}

/** @returns rows of every part, evenly, about as many as are wanted */
function evenly(parts: readonly Part[], wanted: number): TakenRows[] {
  const all = parts.reduce((sum, { keys }) => sum + keys, 0);
  let before = 0;
  return parts.flatMap(({ hour, day, n, keys }) => {
    const [from, to] = [before, before + keys].map((at) => Math.floor((at * wanted) / all)) as [number, number];
    before += keys;
    const rows = Uint32Array.from({ length: to - from }, (_, i) => Math.floor((i * keys) / (to - from)));
    return rows.length === 0 ? [] : [{ hour, day, n, rows }];
  });
}

type Taker = Awaited<ReturnType<typeof publisherOf>> & { takeBack(request: TakeBackRequest): Promise<TakeBackReply> };

async function untilIdle(publisher: Taker): Promise<{ seconds: number; longestStep: number }> {
  const began = performance.now();
  let longestStep = 0;
  for (;;) {
    const from = performance.now();
    const { idle } = await publisher.advance();
    longestStep = Math.max(longestStep, (performance.now() - from) / 1000);
    if (idle) return { seconds: (performance.now() - began) / 1000, longestStep };
  }
}

async function rollback(edge: LocalEdge, wanted: number): Promise<Row> {
  const publisher = (await publisherOf(edge)) as Taker;
  await setClock(edge.url, startOf(RETENTION_DAYS) + 3600);
  await untilIdle(publisher);
  await setClock(edge.url, startOf(RETENTION_DAYS) + 2 * 3600);
  const idleHour = await untilIdle(publisher);
  const published = await publishedParts(edge);
  const parts = evenly(published, wanted);
  const stopIsolate = await watchIsolate(edge, ORIGIN);
  const residentPeak = watchResidentSet();
  const asked = performance.now();
  await publisher.takeBack({ id: REQUEST_ID, cause: 'rollback', parts });
  const askSeconds = (performance.now() - asked) / 1000;
  await setClock(edge.url, startOf(RETENTION_DAYS) + 3 * 3600);
  const { seconds, longestStep } = await untilIdle(publisher);
  const residentMiB = residentPeak();
  const { above: isolateMiB } = await stopIsolate();
  const status = await publisher.status();
  const taken = status.counters['keys_taken_back'] ?? 0;
  const keys = published.reduce((sum, part) => sum + part.keys, 0);
  return {
    published: keys,
    taken,
    parts: parts.length,
    askSeconds,
    idleHourSeconds: idleHour.seconds,
    seconds,
    longestStep,
    isolateMiB,
    residentMiB,
  };
}

await run(
  {
    name: 'npm run bench:rollback',
    summary: `Seals ${RETENTION_DAYS} days of N keys each in DE and EUR, then takes T of them back with the next hour, spread evenly over all days, and measures it. Writes
      benchmarks/results/rollback.md. Ends with 1 where the hour takes ${TARGET_SECONDS} s or more, or the isolate grows by more than ${TARGET_MIB} MiB.`,
    options: {
      keys: wholeNumber('keys a day', { min: 240, max: 1_000_000, default: 28_000 }),
      taken: wholeNumber('keys that are taken back', { min: 1, max: 1_000_000, default: 100_000 }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ keys, taken, 'no-report': noReport }, { progress, print }) => {
    const row = await inTwoProcesses(
      (edge) => fillDays(edge, keys, progress),
      (edge) => rollback(edge, taken),
    );
    const cells = [
      row.published.toLocaleString('en'),
      row.taken.toLocaleString('en'),
      row.parts.toLocaleString('en'),
      row.askSeconds.toFixed(2),
      row.idleHourSeconds.toFixed(1),
      row.seconds.toFixed(1),
      row.longestStep.toFixed(2),
      row.isolateMiB.toFixed(0),
      row.residentMiB.toFixed(0),
    ];
    const body = `| keys published | taken back | parts of records | request kept, s | an hour with nothing to do, s | the hour that takes them back, s | longest step, s | origin’s isolate, MiB above idle | workerd, MiB above idle |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| ${cells.join(' | ')} |

${keys.toLocaleString('en')} keys a day on ${RETENTION_DAYS} days. The keys lie in every part of every record, which is the worst case: all days of both regions are cut again, CWA's too, and each region's revocations are
signed exports of their own. The whole hour: which rows are still there, the masks, files, lists and heads, DE and EUR one after the other. Memory as in seal.md.`;
    const title = 'Published keys, taken back';
    const command = `npm run bench:rollback -- --keys ${keys} --taken ${taken}`;
    if (!noReport) writeReport('rollback', { title, command, body });
    const pass = row.seconds < TARGET_SECONDS && row.isolateMiB < TARGET_MIB;
    print({ machine: machine(), row, pass }, `${machine()}\n${body}\n${pass ? 'PASS' : 'FAIL'}`);
    return pass ? 0 : 1;
  },
);
