/**
 * @module `npm run bench:upload-profile`: where the CPU time of an upload goes. Samples workerd's stacks with Linux perf while
 * 64 clients upload, and gives each sample to the first group below that a frame of it names.
 */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { childEnd } from '../scripts/support/command-line/child.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { temporaryFolder } from '../scripts/support/command-line/interrupt.ts';
import { REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';
import { drive, prepareUploads } from './upload-clients.ts';
import { startUploadEdge } from './upload-edge.ts';
import { workerdCpuMs, workerdProcesses } from './workerd-process.ts';

const CLIENTS = 64;
const SAMPLES_A_SECOND = 999;

/** The first that matches wins; a frame's name is looked for in the whole stack. */
const GROUPS: readonly (readonly [string, RegExp])[] = [
  [
    'garbage collection',
    /Heap::CollectGarbage|MinorGC|Scaveng|ArrayBufferSweep|MarkCompact|ConcurrentMark|V8 DefaultWorke/,
  ],
  [
    'SQLite: commit (write-ahead log, fsync)',
    /\bfsync\b|vdbeCommit|sqlite3PagerCommit|walCheckpoint|sqlite3WalCheckpoint/,
  ],
  ['SQLite: savepoint journal', /subjournal/],
  ['SQLite: statements', /sqlite3_|SqlStorage::/],
  ['HMAC and SHA-256', /Hmac|Hash|SHA256/],
  [
    'RPC: values to bytes and back',
    /RpcSerializer|RpcDeserializer|serializeJsValue|deserializeJsValue|ValueSerializer|ValueDeserializer/,
  ],
  ["RPC: calls, their contexts, Cap'n Proto", /JsRpc|capnp::|WorkerEntrypoint|IncomingRequest|IoContext::IoContext/],
  ['HTTP', /HttpServer|HttpInputStream|AsyncStream|hyper|writev|recvfrom|epoll/],
  ['JavaScript', /RunMicrotasks|JSEntry/],
];
const REST = 'event loop and the rest';

/** @param stacks what `perf script` prints, samples between empty lines @returns samples by group, the largest first */
function byGroup(stacks: string): [string, number][] {
  const counts = new Map<string, number>();
  for (const stack of stacks.split('\n\n').filter((text) => text.trim() !== '')) {
    const group = GROUPS.find(([, frames]) => frames.test(stack))?.[0] ?? REST;
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return [...counts].toSorted((a, b) => b[1] - a[1]);
}

await run(
  {
    name: 'npm run bench:upload-profile',
    summary: `Says where the CPU time of an upload goes, in workerd's own frames. Needs Linux perf (Debian: linux-perf) and the right to
      use it (kernel.perf_event_paranoid <= 1, or root). Writes benchmarks/results/upload-profile.md.`,
    options: {
      uploads: wholeNumber('uploads that are sampled', { min: 1000, max: 10_000, default: 6_000 }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ uploads, 'no-report': noReport }, { say, print }) => {
    if (spawnSync('perf', ['--version']).status !== 0) throw new Error('perf is not installed (Debian: linux-perf)');
    const folder = temporaryFolder('profile');
    const edge = await startUploadEdge(0);
    try {
      say(`preparing ${uploads} uploads`);
      const requests = await prepareUploads(edge, uploads, Math.floor(Date.now() / 1000), `profile/${uploads}`);
      const [workerd] = workerdProcesses();
      if (workerd === undefined) throw new Error('no workerd is running');
      const data = join(folder.path, 'perf.data');
      const recording = ['record', '-F', String(SAMPLES_A_SECOND), '-g', '-o', data, '-p', String(workerd.pid)];
      const perf = spawn('perf', recording, { stdio: 'ignore' });
      const perfEnds = childEnd(perf);
      say('sampling');
      const cpuBefore = workerdCpuMs();
      const measured = await drive(
        edge.url,
        requests.map((request) => ({ request, real: true })),
        CLIENTS,
      );
      const cpuMs = (workerdCpuMs() - cpuBefore) / uploads;
      perf.kill('SIGINT');
      await perfEnds;
      if (measured.failed > 0) throw new Error(`${measured.failed} answers were not 200`);
      const script = spawnSync('perf', ['script', '-i', data, '-F', 'comm,ip,sym'], {
        maxBuffer: 2 ** 30,
        encoding: 'utf8',
      });
      const groups = byGroup(script.stdout);
      const total = groups.reduce((sum, [, count]) => sum + count, 0);
      if (total === 0) throw new Error(`perf took no sample: ${script.stderr.slice(0, 300)}`);
      const lines = groups.map(
        ([group, count]) =>
          `| ${group} | ${((100 * count) / total).toFixed(1)} % | ${((cpuMs * count) / total).toFixed(3)} |`,
      );
      const table = ['| where | share | ms an upload |', '|---|---|---|', ...lines].join('\n');
      const report = {
        title: 'Where the CPU time of an upload goes',
        command: `npm run bench:upload-profile -- --uploads ${uploads}`,
        body: `${table}\n\n${total} samples over ${uploads} uploads of 14 keys from ${CLIENTS} clients; the groups are in benchmarks/upload-profile.ts.`,
      };
      if (!noReport) writeReport('upload-profile', report);
      print(
        { samples: total, cpuMs, groups: Object.fromEntries(groups) },
        `${table}\n${total} samples, ${cpuMs.toFixed(2)} ms of workerd CPU an upload`,
      );
      return 0;
    } finally {
      await edge.dispose();
      folder.remove();
    }
  },
);
