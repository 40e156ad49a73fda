/**
 * @module `npm run bench:restore`: 14 days are sealed and a day's keys wait, then the storage of `origin`'s objects is lost and everything is restored from event log, records and journal
 * (docs/restore.md), a piece a call, as `npm run restore` calls. Writes results/restore.md.
 */
import { readFile } from 'node:fs/promises';
import { JOURNAL_KEY } from '../domain/journal.ts';
import type { RestoreReply, RestoreRequest } from '../domain/restore.ts';
import { openerKey, SEALED_HEADER_BYTES, secretOf } from '../domain/sealed-pages.ts';
import { startLocalEdge, type LocalEdge } from '../local-edge/local-edge.ts';
import { toBase64Url } from '../protocol/primitives/bytes.ts';
import { RETENTION_DAYS } from '../protocol/gaen/intervals.ts';
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { temporaryFolder } from '../scripts/support/command-line/interrupt.ts';
import type { OnProgress } from '../scripts/support/command-line/progress.ts';
import { loseOrigin, restoreKeyFile } from '../scripts/support/lost-storage.ts';
import { moveClock } from '../scripts/support/operator.ts';
import { machine, REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import { fillDays, keysOfDay, startOf } from './fourteen-days.ts';
import { watchIsolate } from './isolate-memory.ts';
import { accept, ORIGIN, publisherOf } from './seal-edge.ts';
import { watchResidentSet } from './workerd-process.ts';

const TARGET_SECONDS = 600;
const TARGET_MIB = 128;

interface Row {
  readonly knownKeys: number;
  readonly waitingKeys: number;
  readonly drySeconds: number;
  readonly seconds: number;
  readonly calls: number;
  readonly longestCall: number;
  /** Peaks above idle. */
  readonly isolateMiB: number;
  readonly residentMiB: number;
  /** Until the first hour afterwards is sealed. */
  readonly nextHourSeconds: number;
}

/** Seals the days, then lets a day's keys wait and writes the journal. */
async function fill(edge: LocalEdge, count: number, progress: OnProgress): Promise<void> {
  await fillDays(edge, count, progress);
  await moveClock(edge.url, startOf(RETENTION_DAYS) + 3600);
  await accept(edge, keysOfDay(RETENTION_DAYS, count), 'wait');
  const namespace = await edge.miniflare.getDurableObjectNamespace('SUBMISSION_BUFFER', ORIGIN);
  const buffer = namespace.get(namespace.idFromName('buffer')) as unknown as { writeJournal(): Promise<void> };
  await buffer.writeJournal();
}

/** @returns what the holder of the restore key makes of the journal's beginning */
async function journalSecret(edge: LocalEdge): Promise<string> {
  const bucket = await edge.miniflare.getR2Bucket('PRIVATE', ORIGIN);
  const object = (await bucket.get(JOURNAL_KEY, { range: { offset: 0, length: SEALED_HEADER_BYTES } }))!;
  const key = await openerKey(await readFile(restoreKeyFile(edge.state), 'utf8'));
  const secret = await secretOf(key, new Uint8Array(await object.arrayBuffer()));
  if (!secret.ok) throw new Error(secret.error);
  return toBase64Url(secret.value);
}

type Restorer = Awaited<ReturnType<typeof publisherOf>> & { restore(request: RestoreRequest): Promise<RestoreReply> };

async function restore(edge: LocalEdge): Promise<Row> {
  const publisher = (await publisherOf(edge)) as Restorer;
  const request = { journalSecret: await journalSecret(edge), withoutJournal: false, logKeys: [] };
  const stopIsolate = await watchIsolate(edge, ORIGIN);
  const residentPeak = watchResidentSet();
  const call = async (confirm: boolean): Promise<{ reply: RestoreReply; seconds: number }> => {
    const began = performance.now();
    const reply = await publisher.restore({ ...request, confirm });
    return { reply, seconds: (performance.now() - began) / 1000 };
  };
  const dry = await call(false);
  if (dry.reply.kind !== 'would-restore') throw new Error(JSON.stringify(dry.reply));
  const calls: number[] = [];
  for (let kind = 'going-on'; kind !== 'restored';) {
    const { reply, seconds } = await call(true);
    calls.push(seconds);
    ({ kind } = reply);
    if (kind !== 'going-on' && kind !== 'restored') throw new Error(JSON.stringify(reply));
  }
  const residentMiB = residentPeak();
  const { above: isolateMiB } = await stopIsolate();
  const began = performance.now();
  await moveClock(edge.url, startOf(RETENTION_DAYS) + 2 * 3600);
  const { facts } = dry.reply;
  return {
    knownKeys: facts.knownKeys,
    waitingKeys: facts.journal?.keys ?? 0,
    drySeconds: dry.seconds,
    seconds: calls.reduce((sum, one) => sum + one, 0),
    calls: calls.length,
    longestCall: Math.max(...calls),
    isolateMiB,
    residentMiB,
    nextHourSeconds: (performance.now() - began) / 1000,
  };
}

async function inEdge<T>(state: string, work: (edge: LocalEdge) => Promise<T>): Promise<T> {
  const vars = { origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' } };
  const edge = await startLocalEdge({ state, inspect: true, vars });
  try {
    return await work(edge);
  } finally {
    await edge.dispose();
  }
}

const HEADINGS = [
  'keys in records',
  'keys in the journal',
  'dry run, s',
  'restored in, s',
  'calls',
  'the longest, s',
  'origin’s isolate, MiB above idle',
  'workerd, MiB above idle',
  'the next hour sealed in, s',
];

await run(
  {
    name: 'npm run bench:restore',
    summary: `Seals ${RETENTION_DAYS} days of N keys each in DE and EUR, lets N keys wait, loses the storage of origin's objects, and restores it. Writes benchmarks/results/restore.md. Ends with 1
      where that takes ${TARGET_SECONDS} s or more, or the isolate grows by more than ${TARGET_MIB} MiB.`,
    options: {
      keys: wholeNumber('keys a day, and as many that wait', { min: 240, max: 1_000_000, default: 28_000 }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ keys, 'no-report': noReport }, { progress, print }) => {
    const state = temporaryFolder('restore');
    try {
      await inEdge(state.path, (edge) => fill(edge, keys, progress));
      loseOrigin(state.path);
      const row = await inEdge(state.path, restore);
      const cells = [
        row.knownKeys.toLocaleString('en'),
        row.waitingKeys.toLocaleString('en'),
        row.drySeconds.toFixed(1),
        row.seconds.toFixed(1),
        String(row.calls),
        row.longestCall.toFixed(1),
        row.isolateMiB.toFixed(0),
        row.residentMiB.toFixed(0),
        row.nextHourSeconds.toFixed(1),
      ];
      const body = `| ${HEADINGS.join(' | ')} |
|${' --- |'.repeat(HEADINGS.length)}
| ${cells.join(' | ')} |

${keys.toLocaleString('en')} keys a day on ${RETENTION_DAYS} days, sealed in DE and EUR, and as many in the journal; then nothing is left of the objects' storage. The dry run reads and verifies the log and looks into the buckets;
restored is what \`npm run restore --confirm\` waits for, its calls to \`origin\` one after the other. Memory as in seal.md, from the dry run to the last call.`;
      const command = `npm run bench:restore -- --keys ${keys}`;
      if (!noReport) writeReport('restore', { title: 'Everything that origin knew, restored', command, body });
      const pass = row.seconds < TARGET_SECONDS && row.isolateMiB <= TARGET_MIB;
      print({ machine: machine(), row, pass }, `${machine()}\n${body}\n${pass ? 'PASS' : 'FAIL'}`);
      return pass ? 0 : 1;
    } finally {
      state.remove();
    }
  },
);
