/**
 * @module `npm run bench:verification`: reserve, commit and registrationToken. A Worker inside the local
 * edge calls the real entrypoints, so that no HTTP client is measured; state is on disk.
 */
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { type LocalEdgeOptions, startLocalEdge } from '../local-edge/local-edge.ts';
import { issueTans } from '../scripts/support/operator.ts';
import { machine, REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';

/** Runs inside workerd: N operations, C at once, times in milliseconds. Real entrypoints on the other side. */
const SCRIPT = `
async function drive(items, clients, call) {
  const times = [];
  let next = 0;
  const begun = Date.now();
  await Promise.all(Array.from({ length: clients }, async () => {
    while (next < items.length) {
      const item = items[next++];
      const at = performance.now();
      await call(item);
      times.push(performance.now() - at);
    }
  }));
  times.sort((a, b) => a - b);
  return { seconds: (Date.now() - begun) / 1000, p50: times[Math.floor(times.length * 0.5)], p99: times[Math.floor(times.length * 0.99)] };
}
export default {
  async fetch(request, env) {
    const { tans, guids, clients } = await request.json();
    const [digest, idCommitment, payloadCommitment] = ['ab', 'cd', 'ef'].map((byte) => byte.repeat(32));
    const ids = new Map();
    const reserve = await drive(tans, clients, async (tan) => {
      const reply = await env.REDEEM.reserve(tan, { digest, reservationId: crypto.randomUUID(), idCommitment, payloadCommitment });
      if (reply.kind !== 'reserved') throw new Error(reply.kind);
      ids.set(tan, reply.reservationId);
    });
    const commit = await drive(tans, clients, (tan) => env.REDEEM.commit(tan, ids.get(tan)));
    const registration = await drive(guids, clients, async (key) => {
      const answer = await env.VERIFICATION.fetch('http://v/version/v1/registrationToken', {
        method: 'POST', headers: { 'cwa-fake': '0', 'content-type': 'application/json' }, body: JSON.stringify({ key, keyType: 'GUID' }) });
      await answer.arrayBuffer();
      if (answer.status !== 201) throw new Error('registrationToken: ' + answer.status);
    });
    return Response.json({ reserve, commit, registration });
  },
};`;

const VERIFICATION = 'exposure-edge-verification';

type EdgeWorkers = Parameters<NonNullable<LocalEdgeOptions['adapt']>>[0];

/** Adds the driver beside the Workers of the deployment. */
function withDriver(workers: EdgeWorkers): EdgeWorkers {
  const driver = {
    name: 'bench-driver',
    modules: [{ type: 'ESModule', path: '/driver.js', contents: SCRIPT }],
    modulesRoot: '/',
    compatibilityDate: workers[0]?.compatibilityDate,
    serviceBindings: { REDEEM: { name: VERIFICATION, entrypoint: 'Redeem' }, VERIFICATION },
    routes: ['*/bench'],
  } as unknown as EdgeWorkers[number];
  return [...workers, driver];
}

type Timing = { readonly seconds: number; readonly p50: number; readonly p99: number };
type Answer = Readonly<Record<'reserve' | 'commit' | 'registration', Timing>>;

const NAMES = { reserve: 'reserve', commit: 'commit', registration: '/registrationToken' } as const;

const spread = (values: readonly number[], digits: number): string => {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, middle, most] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].map((v) =>
    (v ?? 0).toFixed(digits),
  );
  return `${middle} (${least}–${most})`;
};

await run(
  {
    name: 'npm run bench:verification',
    summary: `Operations a second and p99 of reserve, commit and registrationToken. Writes benchmarks/results/verification.md.`,
    options: {
      operations: wholeNumber('of each kind a run', { min: 100, max: 50_000, default: 2_000 }),
      clients: wholeNumber('calls at once', { min: 1, max: 256, default: 32 }),
      repeat: wholeNumber('runs', { min: 1, max: 20, default: 3 }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ operations, clients, repeat, 'no-report': noReport }, { progress, print }) => {
    const answers: Answer[] = [];
    for (let i = 0; i < repeat; i++) {
      const edge = await startLocalEdge({ vars: { verification: { ANSWER_DEADLINE_MS: '0' } }, adapt: withDriver });
      try {
        const tans = await issueTans(edge.url, operations);
        const guids = Array.from({ length: operations }, (_, n) =>
          (BigInt(n) * 0x9e3779b97f4a7c15n).toString(16).padStart(64, '0').slice(-64),
        );
        const response = await fetch(`${edge.url}/bench`, {
          method: 'POST',
          body: JSON.stringify({ tans, guids, clients }),
        });
        if (!response.ok) throw new Error(`driver: ${response.status} ${await response.text()}`);
        answers.push((await response.json()) as Answer);
        progress('runs', i + 1, repeat);
      } finally {
        await edge.dispose();
      }
    }
    const rows = (Object.keys(NAMES) as (keyof Answer)[]).map((kind) => {
      const timings = answers.map((answer) => answer[kind]);
      return `| ${NAMES[kind]} | ${spread(
        timings.map((t) => operations / t.seconds),
        0,
      )} | ${spread(
        timings.map((t) => t.p50),
        1,
      )} | ${spread(
        timings.map((t) => t.p99),
        1,
      )} |`;
    });
    const table = ['| operation | a second | p50 ms | p99 ms |', '|---|---|---|---|', ...rows].join('\n');
    const report = {
      title: 'Reserve, commit, registrationToken',
      command: `npm run bench:verification -- --operations ${operations} --clients ${clients} --repeat ${repeat}`,
      body: `${table}\n\n${clients} calls at once from a Worker beside the real ones, each durable on disk; median (least–most) of ${repeat} runs on new stores.`,
    };
    if (!noReport) writeReport('verification', report);
    print(
      { machine: machine(), runs: answers },
      `${table}\n${machine()}\nreserve ${spread(
        answers.map((a) => operations / a.reserve.seconds),
        0,
      )} a second`,
    );
    return 0;
  },
);
