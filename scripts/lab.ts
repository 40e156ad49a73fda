/**
 * @module `npm run lab`: a laboratory's client, from a table to stored results (docs/laboratory.md).
 */
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_RESULTS_PER_REQUEST } from '../domain/test-result.ts';
import { connect } from './lab/connection.ts';
import { type Posted, postLines } from './lab/post.ts';
import { readTable, type Refused, type Table } from './lab/rows.ts';
import { existingFile, flag, JSON_FLAG, oneOf, text, url, wholeNumber } from './support/command-line/arguments.ts';
import { run, UsageError } from './support/command-line/command.ts';

/** Lines that weren't stored, and why: numbers of lines alone, no hash and no result. */
async function writeReport(file: string, refused: readonly Refused[]): Promise<void> {
  const lines = refused.toSorted((a, b) => a.line - b.line);
  const cell = (value: string): string => `"${value.replaceAll('"', '""')}"`;
  await writeFile(file, ['line,reason', ...lines.map(({ line, reason }) => `${line},${cell(reason)}`), ''].join('\n'));
}

const NOTHING_SENT: Posted = { stored: 0, refused: [], notStored: [], requests: 0, stopped: null };

await run(
  {
    name: 'npm run lab',
    summary: `
Posts the test results of a table to the laboratories' host: checks each line, hashes what is on the QR code, sends in batches over TLS with
the laboratory's certificate, tries again what fails on the way. Lines that aren't stored are written to a report. The same table may be sent
again at any time: an equal row changes nothing.`,
    positionals: {
      action: oneOf('what to do', { post: 'posts FILE' }, null),
      file: existingFile('CSV with a heading; columns between commas or semicolons', { default: null }),
    },
    options: {
      url: url("the laboratories' host, or a local edge; needed unless --dry-run", { default: null }),
      cert: existingFile("PEM: the laboratory's certificate; needed unless --dry-run", { default: null }),
      key: existingFile("PEM: the certificate's private key; a local edge needs none", { default: null }),
      ca: existingFile('PEM: who vouches for the host', { default: null, defaultText: 'those Node trusts' }),
      route: oneOf(
        'which tests',
        { lab: 'PCR tests of a laboratory', quicktest: 'rapid tests', pocnat: 'PoC-NAT' },
        'lab',
      ),
      report: text('where refused lines are written', {
        placeholder: 'FILE',
        default: null,
        defaultText: 'FILE.refused.csv',
      }),
      batch: wholeNumber('rows of a request; a line with a date of birth is two', {
        min: 2,
        max: MAX_RESULTS_PER_REQUEST,
        default: MAX_RESULTS_PER_REQUEST,
      }),
      attempts: wholeNumber('requests for a batch that get no answer, or 5xx, before it is given up', {
        min: 1,
        max: 20,
        default: 8,
      }),
      'dry-run': flag('checks the table, sends nothing'),
      json: JSON_FLAG,
    },
    notes: `
Columns: guid (lab: the GUID of the QR code, or its whole text, in its very letters) or hash (quicktest, pocnat: the hash in the QR code);
result (negative, positive, invalid; quicktest and pocnat also pending, redeemed; or the route's code); birth_date (lab, YYYY-MM-DD, may be
empty); sample_collected (2026-11-24T08:30:00+01:00 or Unix seconds, may be empty). No other column: names of patients stay where they are.`,
    examples: [
      'npm run lab -- post results.csv --dry-run',
      'npm run lab -- post results.csv --url https://laboratories.example.org --cert lab.pem --key lab-key.pem',
    ],
    exitCodes: '1 here: a line was refused, or not everything is known to be stored; the report says which.',
  },
  async (options, { say, print, progress }) => {
    const { file, route, 'dry-run': dryRun } = options;
    if (file === null) throw new UsageError('FILE: is missing');
    const table = readTable(await readFile(file, 'utf8'), route, Math.floor(Date.now() / 1000));
    if (table.smallLetters > 0) {
      say(
        `${table.smallLetters} GUIDs have small letters: they are hashed as they stand, as a phone hashes its QR code`,
      );
    }
    const posted = dryRun ? NOTHING_SENT : await send(table, options, (done, total) => progress('lines', done, total));
    const refused = [...table.refused, ...posted.refused, ...posted.notStored];
    const report = options.report ?? `${file}.refused.csv`;
    if (refused.length > 0) await writeReport(report, refused);
    const { stored, requests, stopped } = posted;
    const counts = {
      lines: table.lines.length + table.refused.length,
      stored,
      refused: table.refused.length + posted.refused.length,
      notStored: posted.notStored.length,
    };
    const result = { ...counts, requests, dryRun, stopped, report: refused.length > 0 ? report : null };
    const done = dryRun
      ? `${table.lines.length} can be sent (nothing was)`
      : `${stored} stored in ${requests} requests`;
    const parts = [`${counts.lines} lines: ${done}`, `${counts.refused} refused`];
    if (counts.notStored > 0) parts.push(`${counts.notStored} not known to be stored (${stopped})`);
    print(result, `${parts.join(', ')}${refused.length > 0 ? `; see ${report}` : ''}`);
    return refused.length > 0 ? 1 : 0;
  },
);

/** What the work needs of the options. */
interface Options {
  readonly url: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly ca: string | null;
  readonly route: string;
  readonly batch: number;
  readonly attempts: number;
}

async function send(
  table: Table,
  options: Options,
  onProgress: (done: number, total: number) => void,
): Promise<Posted> {
  const { url: base, cert, key, ca, batch, attempts } = options;
  if (base === null) throw new UsageError('--url: is missing');
  if (cert === null) throw new UsageError('--cert: is missing');
  const read = (file: string | null): Promise<string | null> =>
    file === null ? Promise.resolve(null) : readFile(file, 'utf8');
  const [certificate, privateKey, serverAuthority] = [await readFile(cert, 'utf8'), await read(key), await read(ca)];
  const target = new URL(`/api/v1/${options.route}/results`, base);
  const connection = connect(target, { certificate, key: privateKey, serverAuthority });
  try {
    return await postLines(table.lines, {
      send: connection.send,
      batchRows: batch,
      attempts,
      sleep: (ms) => sleep(ms),
      random: Math.random,
      onProgress,
    });
  } finally {
    connection.close();
  }
}
