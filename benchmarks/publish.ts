/**
 * @module `npm run bench:publish`: CPU of a stored upload of Google's dialect, beside one of Corona-Warn-App's: to one edge, blocks by turns, so that whatever else the machine does costs both as much. Both have 14 new keys; one
 * has a TAN that `verification` made, the other a certificate of a foreign authority, whose signature `upload` and `verification` each verify.
 */
import type { AuthoritiesBackOfficeRpc } from '../domain/authority-list.ts';
import type { LocalEdge } from '../local-edge/local-edge.ts';
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { byteSource } from '../scripts/support/patients.ts';
import { type Certifier, drawCertifier, publishOf } from '../scripts/support/publish-requests.ts';
import { REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import { drive, type Job, prepareUploads } from './upload-clients.ts';
import { startUploadEdge } from './upload-edge.ts';
import { workerdCpuMs } from './workerd-process.ts';

const CLIENTS = [1, 8, 64] as const;
/** What an upload of this dialect may cost, of one of the other. */
const LIMIT = 1.2;
/** A start goes on after it has answered. */
const SETTLE_MS = 4_000;
const DIALECTS = ['cwa', 'google'] as const;
type Dialect = (typeof DIALECTS)[number];
/** CPU milliseconds of workerd an upload, of each dialect. */
type Cost = Readonly<Record<Dialect, number>>;

/** Through the portal's binding: the deployed portal lets nobody in on a loopback port. */
async function importAuthority(edge: LocalEdge, { authority }: Certifier): Promise<void> {
  const { ORIGIN } = await edge.miniflare.getBindings<{ ORIGIN: AuthoritiesBackOfficeRpc }>('exposure-edge-portal');
  const reply = await ORIGIN.setAuthorities(
    { document: JSON.stringify({ authorities: [authority] }), dryRun: false },
    0,
  );
  if (reply.kind !== 'published') throw new Error(`the authority is not in force: ${JSON.stringify(reply)}`);
}

/** One run on a new, empty store: as many blocks of each dialect, by turns, the first of each of which warms up and isn't counted. */
async function costOf(clients: number, blocks: number, size: number, name: string): Promise<Cost> {
  const edge = await startUploadEdge(0);
  try {
    // Other bytes than the other dialect's: a key that is known already would be refused without its token.
    const random = byteSource(`${name}/google`);
    const certifier = drawCertifier(random);
    await importAuthority(edge, certifier);
    const now = Math.floor(Date.now() / 1000);
    const count = blocks * size;
    const jobs: Record<Dialect, Job[]> = {
      cwa: (await prepareUploads(edge, count, now, name)).map((request) => ({ request, real: true })),
      google: Array.from({ length: count }, () => ({ request: publishOf(certifier, now, random), real: true })),
    };
    await new Promise((settled) => setTimeout(settled, SETTLE_MS));
    const spent: Record<Dialect, number> = { cwa: 0, google: 0 };
    for (let block = 0; block < blocks; block++) {
      for (const dialect of block % 2 === 0 ? DIALECTS : DIALECTS.toReversed()) {
        const before = workerdCpuMs();
        const { failed } = await drive(edge.url, jobs[dialect].slice(block * size, (block + 1) * size), clients);
        if (failed > 0) throw new Error(`${dialect}: ${failed} answers were not 200`);
        if (block > 0) spent[dialect] += workerdCpuMs() - before;
      }
    }
    const counted = (blocks - 1) * size;
    return { cwa: spent.cwa / counted, google: spent.google / counted };
  } finally {
    await edge.dispose();
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const spread = (values: readonly number[]): string =>
  `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`;

await run(
  {
    name: 'npm run bench:publish',
    summary: `Compares what a stored upload costs in both dialects, on one edge, blocks of uploads by turns, at ${CLIENTS.join(', ')} clients. Ends with 1 where one of Google's costs more than ${LIMIT} times one of
      Corona-Warn-App's (median of the runs). Writes benchmarks/results/publish.md.`,
    options: {
      size: wholeNumber('uploads of a block', { min: 20, max: 1_000, default: 100 }),
      blocks: wholeNumber('blocks of each dialect in a run; the first warms up', { min: 2, max: 100, default: 10 }),
      repeat: wholeNumber('runs, of which median and spread are printed', { min: 1, max: 20, default: 5 }),
      ...REPORT_OPTIONS,
    },
    examples: ['npm run bench:publish -- --repeat 3'],
  },
  async ({ size, blocks, repeat, 'no-report': noReport }, { progress, print, say }) => {
    const lines = ['| clients | CPU ms, Corona-Warn-App’s | CPU ms, Google’s | ratio |', '|---|---|---|---|'];
    const ratios: Record<string, number> = {};
    for (const [n, clients] of CLIENTS.entries()) {
      const runs: Cost[] = [];
      for (let i = 0; i < repeat; i++) {
        progress('runs', n * repeat + i, CLIENTS.length * repeat);
        runs.push(await costOf(clients, blocks, size, `publish/${clients}/${i}`));
      }
      const ratio = runs.map(({ cwa, google }) => google / cwa);
      ratios[clients] = median(ratio);
      lines.push(
        `| ${clients} | ${spread(runs.map(({ cwa }) => cwa))} | ${spread(runs.map(({ google }) => google))} | ${spread(ratio)} |`,
      );
      say(lines.at(-1)!);
    }
    const holds = Object.values(ratios).every((ratio) => ratio <= LIMIT);
    const verdict = `${holds ? 'Within' : 'MISSED:'} the limit of ${LIMIT} times the other dialect's CPU.`;
    const table = `${lines.join('\n')}\n\n${verdict}`;
    if (!noReport) {
      writeReport('publish', {
        title: 'Uploads of both dialects, by turns',
        command: `npm run bench:publish -- --size ${size} --blocks ${blocks} --repeat ${repeat}`,
        body: `${table}\n\nMedian (least–most) of ${repeat} runs, each on a new, empty store on disk, to which both dialects are sent; the ratio is of one run. 14 keys an upload, without the deadline.`,
      });
    }
    print({ limit: LIMIT, ratios, holds }, table);
    return holds ? 0 : 1;
  },
);
