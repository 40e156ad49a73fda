/**
 * @module `npm run bench:known-keys`: a midnight at which a fourteenth of 28,000,000 known keys expires (143,000 cases a day for 14
 * days), while phones upload. The walk over them is the object's own (sweep-ops.ts), in the deployed entry files, with SQLite on
 * disk; the answers' deadline is off, so that what is measured is when an answer could have left. Beside it, the same deletion
 * in one statement. Writes results/known-keys.md.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { temporaryFolder } from '../scripts/support/command-line/interrupt.ts';
import { machine, REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import type { LocalEdge } from '../local-edge/local-edge.ts';
import { ORIGIN } from './seal-edge.ts';
import { drive, prepareUploads } from './upload-clients.ts';
import { startUploadEdge } from './upload-edge.ts';

const DEADLINE_MS = 1_000;
const DAYS = 14;
/** Uploads of one round; rounds go on until the walk is over. */
const UPLOADS_A_ROUND = 100;

interface Office {
  expire(): Promise<void>;
}

const nowHour = (): number => Math.floor(Date.now() / 3_600_000);

function databaseFile(state: string): string {
  const found = readdirSync(state, { recursive: true, withFileTypes: true }).find(
    ({ name, parentPath }) =>
      /SubmissionBuffer/.test(parentPath) && name.endsWith('.sqlite') && name !== 'metadata.sqlite',
  );
  if (found === undefined) throw new Error('the buffer has no database yet');
  return join(found.parentPath, found.name);
}

/** In the order of the hashes, as an index of this size would be after a while; a fourteenth ends at each midnight from today's on. */
function fill(state: string, keys: number): void {
  const database = new DatabaseSync(databaseFile(state));
  const midnight = Math.floor(nowHour() / 24) * 24;
  database.exec(`
    DELETE FROM known_key;
    DELETE FROM sweep;
    WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${keys})
    INSERT INTO known_key (hash, expires_hour, withdrawal) SELECT CAST(unhex(printf('%08x', i * ${Math.floor(2 ** 32 / keys)})) || randomblob(12) AS BLOB),
      ${midnight} + 24 * (abs(random()) % ${DAYS}), randomblob(16) FROM n;
    PRAGMA wal_checkpoint(TRUNCATE)`);
  database.close();
}

function ask(state: string, query: string): number {
  const database = new DatabaseSync(databaseFile(state), { readOnly: true });
  try {
    return Number(database.prepare(query).get()?.['n']);
  } finally {
    database.close();
  }
}

const walkIsOver = (state: string): boolean =>
  ask(state, `SELECT count(*) AS n FROM sweep WHERE name = 'known_key' AND after IS NULL`) === 1;

/** Rounds of uploads until `until`. @returns milliseconds of each answer, ascending */
async function upload(edge: LocalEdge, clients: number, until: (round: number) => boolean): Promise<number[]> {
  const latencies: number[] = [];
  for (let round = 0; !until(round); round += 1) {
    const name = `known/${clients}/${Math.random()}/${round}`;
    const requests = await prepareUploads(edge, UPLOADS_A_ROUND, Math.floor(Date.now() / 1000), name);
    const measured = await drive(
      edge.url,
      requests.map((request) => ({ request, real: true })),
      clients,
    );
    if (measured.failed > 0) throw new Error(`${measured.failed} answers were not 200`);
    latencies.push(...measured.latencies);
  }
  return latencies.toSorted((a, b) => a - b);
}

/** The same of the next day in one statement, on the same file. @returns seconds */
function inOnePiece(state: string): number {
  const database = new DatabaseSync(databaseFile(state));
  const begun = performance.now();
  database.exec(`DELETE FROM known_key WHERE expires_hour <= ${Math.floor(nowHour() / 24) * 24 + 24}`);
  database.close();
  return (performance.now() - begun) / 1000;
}

const share = (sorted: readonly number[], of: number): string =>
  (sorted[Math.floor((sorted.length - 1) * of)] ?? Number.NaN).toFixed(0);
const cells = (what: string, sorted: readonly number[]): string =>
  `| ${what} | ${sorted.length} | ${share(sorted, 0.5)} | ${share(sorted, 0.99)} | ${share(sorted, 1)} |`;

await run(
  {
    name: 'npm run bench:known-keys',
    summary: `Fills the SubmissionBuffer with known keys, lets a fourteenth of them expire while phones upload, and prints the slowest
      answer. Writes benchmarks/results/known-keys.md. Ends with 1 where an answer took longer than the deadline of ${DEADLINE_MS} ms.`,
    options: {
      keys: wholeNumber('known keys', { min: 10_000, max: 100_000_000, default: 28_000_000 }),
      clients: wholeNumber('phones at a time, each one upload after the other', { min: 1, max: 64, default: 4 }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ keys, clients, 'no-report': noReport }, { say, print }) => {
    const { path: state, remove } = temporaryFolder('known-keys');
    try {
      const first = await startUploadEdge(0, state);
      await upload(first, 1, (round) => round > 0);
      await first.dispose();
      fill(state, keys);
      const edge = await startUploadEdge(0, state);
      const quiet = await upload(edge, clients, (round) => round >= 5);
      const namespace = await edge.miniflare.getDurableObjectNamespace('SUBMISSION_BUFFER', ORIGIN);
      await (namespace.getByName('buffer') as unknown as Office).expire();
      const begun = performance.now();
      const busy = await upload(edge, clients, () => walkIsOver(state));
      const seconds = (performance.now() - begun) / 1000;
      await edge.dispose();
      const left = ask(state, 'SELECT count(*) AS n FROM known_key');
      if (left > keys * (1 - 0.9 / DAYS)) throw new Error(`the walk left ${left} of ${keys} known keys`);
      const piece = inOnePiece(state);
      const slowest = busy.at(-1) ?? Number.NaN;
      const lines = [
        '| while | uploads | p50, ms | p99, ms | slowest, ms |',
        '|---|---|---|---|---|',
        cells('nothing is deleted', quiet),
        cells('the walk goes on', busy),
      ];
      const report = {
        title: 'A midnight of known keys',
        command: `npm run bench:known-keys -- --keys ${keys} --clients ${clients}`,
        body: `${keys.toLocaleString('en')} known keys, of which a fourteenth expires; ${clients} phones upload without a pause, 14 keys each, durable on disk, the
deadline of answers switched off. The walk took ${seconds.toFixed(0)} s and left ${left.toLocaleString('en')}; the same of the next day in one statement held the file for
${piece.toFixed(1)} s. No answer may take longer than the deadline of ${DEADLINE_MS.toLocaleString('en')} ms.

${lines.join('\n')}`,
      };
      if (!noReport) writeReport('known-keys', report);
      const good = slowest <= DEADLINE_MS && busy.length > 0;
      say(lines.join('\n'));
      print(
        { machine: machine(), keys, walkSeconds: seconds, onePieceSeconds: piece, slowestMs: slowest, pass: good },
        `${machine()}\n${good ? 'PASS' : 'FAIL'}: the slowest of ${busy.length} answers took ${slowest.toFixed(0)} ms while ` +
          `${keys} known keys were walked in ${seconds.toFixed(0)} s (in one statement ${piece.toFixed(1)} s)`,
      );
      return good ? 0 : 1;
    } finally {
      remove();
    }
  },
);
