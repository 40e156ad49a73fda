/**
 * @module `npm run bench:indistinguishable`: can the time of an answer tell a real upload from a dummy or a refused one?
 * (docs/architecture.md §4.6, docs/spec/europe.md §9.2 e). Interleaved uploads under load, times read off the client; then the same with a
 * leak of 20 ms put in front on purpose, which must be found, or the test could see nothing. Requests carry what the apps' HTTP
 * libraries send, and the bytes of every answer are counted beside its time.
 */
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { dummyRequest, UPLOAD_BODY_BYTES, uploadRequest, type UploadRequest } from '../phone/upload/upload-request.ts';
import { decodeSubmissionPayload } from '../protocol/submission-payload.ts';
import { CLIENT_HEADERS } from '../scripts/support/client-headers.ts';
import { byteSource, patientKeys } from '../scripts/support/patients.ts';
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { startLocalEdge } from '../local-edge/local-edge.ts';
import { issueTans, setClock } from '../scripts/support/operator.ts';
import { holm, median, permutationP } from './permutation.ts';
import { machine, REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';

/** 2026-06-15 12:00 UTC. */
const NOW = 1_781_524_800;
const DEADLINE_MS = 1000;
const P_LIMIT = 0.001;
const DIFFERENCE_MS = 5;
const LEAK_MS = 20;
const ROUNDS = 19_999;
const KINDS = ['stored', 'dummy', 'unknown', 'used', 'malformed'] as const;
type Kind = (typeof KINDS)[number];

const CLIENTS = Object.values(CLIENT_HEADERS);

interface Planned {
  readonly kind: Kind;
  readonly upload: UploadRequest;
}

/** What came of one upload. */
interface Answered {
  readonly status: number;
  /** Milliseconds from the last byte of the body to the end of the answer. */
  readonly waited: number;
  /** Bytes of the answer on the socket. */
  readonly bytes: number;
}

/** Equal numbers of each kind in an order drawn from the seed. */
async function plan(url: string, count: number, seed: string): Promise<Planned[]> {
  const random = byteSource(seed);
  const each = Math.ceil(count / KINDS.length);
  const tans = await issueTans(url, each + 1);
  const used = tans.pop() ?? '';
  const real = (tan: string): UploadRequest => {
    const keys = patientKeys(random, NOW);
    const made = uploadRequest(
      tan,
      { keys, visitedCountries: [], consentToFederation: false, submissionType: 0 },
      random,
    );
    if (!made.ok) throw new Error(JSON.stringify(made.error));
    return made.value;
  };
  await send(url, real(used), new Agent());
  const forged = '11111111-2222-4444-8888-161616161616';
  const broken = (): UploadRequest => ({ ...real(forged), body: random(UPLOAD_BODY_BYTES).fill(0xff, 0, 4) });
  const make: Record<Kind, (i: number) => UploadRequest> = {
    stored: (i) => real(tans[i] ?? ''),
    dummy: () => dummyRequest(random),
    unknown: () => real(forged),
    used: () => real(used),
    malformed: broken,
  };
  const asSent = (upload: UploadRequest, i: number): UploadRequest => ({
    ...upload,
    headers: { ...upload.headers, ...CLIENTS[i % CLIENTS.length] },
  });
  const planned = KINDS.flatMap((kind) =>
    Array.from({ length: each }, (_, i) => ({ kind, upload: asSent(make[kind](i), i) })),
  );
  const order = planned.map((item) => ({ item, key: new DataView(random(4).buffer).getUint32(0) }));
  return order.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
}

/** Bytes that each connection had brought before. */
const broughtBefore = new WeakMap<Socket, number>();

function bytesOf(socket: Socket): number {
  const bytes = socket.bytesRead - (broughtBefore.get(socket) ?? 0);
  broughtBefore.set(socket, socket.bytesRead);
  return bytes;
}

function send(url: string, upload: UploadRequest, agent: Agent): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = { ...upload.headers, 'content-length': upload.body.byteLength };
    let sent = 0;
    const outgoing = request(`${url}${upload.path}`, { method: 'POST', headers, agent }, (response) => {
      // Given back to the agent at the end of the answer, and then the response knows it no more.
      const { socket } = response;
      response.resume();
      response.on('end', () => {
        const waited = performance.now() - sent;
        resolve({ status: response.statusCode ?? 0, waited, bytes: bytesOf(socket) });
      });
    });
    outgoing.on('error', reject);
    outgoing.on('finish', () => (sent = performance.now()));
    outgoing.end(upload.body);
  });
}

interface Measured {
  /** Milliseconds of each answer. */
  readonly times: Record<Kind, number[]>;
  /** Sizes that answers had, in bytes. */
  readonly sizes: Record<Kind, Set<number>>;
}

async function measure(url: string, planned: readonly Planned[], clients: number): Promise<Measured> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const times = Object.fromEntries(KINDS.map((kind) => [kind, [] as number[]])) as Record<Kind, number[]>;
  const sizes = Object.fromEntries(KINDS.map((kind) => [kind, new Set<number>()])) as Record<Kind, Set<number>>;
  const wanted: Record<Kind, number> = { stored: 200, dummy: 200, unknown: 403, used: 403, malformed: 400 };
  let next = 0;
  const client = async (): Promise<void> => {
    for (let job = planned[next++]; job !== undefined; job = planned[next++]) {
      const { status, waited, bytes } = await send(url, job.upload, agent);
      if (status !== wanted[job.kind]) throw new Error(`${job.kind}: status ${status}, not ${wanted[job.kind]}`);
      times[job.kind].push(waited);
      sizes[job.kind].add(bytes);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  agent.destroy();
  return { times, sizes };
}

interface Pair {
  readonly names: string;
  readonly p: number;
  readonly differenceMs: number;
  readonly told: boolean;
}

function compare(times: Record<Kind, number[]>, seed: string): Pair[] {
  const bytes = byteSource(seed);
  const random = (): number => new DataView(bytes(4).buffer).getUint32(0) / 2 ** 32;
  // SHA-256 for each number would take minutes; it seeds a small generator instead.
  let state = Math.floor(random() * 2 ** 32) | 1;
  const fast = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const pairs = KINDS.flatMap((a, i) => KINDS.slice(i + 1).map((b) => ({ a, b })));
  const ps = holm(pairs.map(({ a, b }) => permutationP(times[a], times[b], fast, ROUNDS)));
  return pairs.map(({ a, b }, i) => {
    const differenceMs = median(times[a]) - median(times[b]);
    const p = ps[i] ?? 1;
    return { names: `${a} / ${b}`, p, differenceMs, told: p < P_LIMIT && Math.abs(differenceMs) > DIFFERENCE_MS };
  });
}

/** A proxy that keeps answers to real uploads back: the leak that must be found. */
async function leaky(target: string): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const payload = decodeSubmissionPayload(Buffer.concat(parts));
      const isDummy = payload.ok && payload.value.cover === true;
      const forward = request(`${target}${incoming.url}`, { method: 'POST', headers: incoming.headers }, (answer) => {
        const deliver = (): void => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(outgoing);
        };
        if (isDummy) deliver();
        else setTimeout(deliver, LEAK_MS);
      });
      forward.end(Buffer.concat(parts));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const table = (pairs: readonly Pair[]): string =>
  [
    '| pair | Holm-corrected p | difference of medians, ms | told apart |',
    '|---|---|---|---|',
    ...pairs.map((q) => `| ${q.names} | ${q.p.toFixed(4)} | ${q.differenceMs.toFixed(2)} | ${q.told ? 'YES' : 'no'} |`),
  ].join('\n');

await run(
  {
    name: 'npm run bench:indistinguishable',
    summary: `Sends N interleaved uploads (stored, dummy, TAN unknown, TAN used, malformed), compares each pair of kinds, and fails
      where the corrected p is below ${P_LIMIT} and the medians differ by more than ${DIFFERENCE_MS} ms, or where answers differ in bytes.
      Writes benchmarks/results/indistinguishable.md. Draws no progress while it measures time.`,
    options: {
      requests: wholeNumber('uploads', { min: 500, max: 100_000, default: 2_000 }),
      clients: wholeNumber('at once', { min: 1, max: 500, default: 60 }),
      seed: wholeNumber('order and contents', { min: 0, max: 1_000_000_000, default: 1 }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ requests, clients, seed, 'no-report': noReport }, { say, print }) => {
    const edge = await startLocalEdge({ vars: { upload: { ANSWER_DEADLINE_MS: String(DEADLINE_MS) } } });
    const proxy = await leaky(edge.url);
    try {
      await setClock(edge.url, NOW);
      say(`${requests} uploads of ${KINDS.length} kinds, interleaved, ${clients} at once`);
      const { times, sizes } = await measure(edge.url, await plan(edge.url, requests, `i/${seed}`), clients);
      const pairs = compare(times, String(seed));
      say(`${table(pairs)}\n\nthe same with a leak of ${LEAK_MS} ms on everything that is no dummy`);
      const leakyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const { times: leakTimes } = await measure(leakyUrl, await plan(edge.url, requests, `l/${seed}`), clients);
      const leakPairs = compare(leakTimes, String(seed));
      const found = leakPairs.filter((pair) => pair.names.includes('dummy')).every((pair) => pair.told);
      say(table(leakPairs));
      const told = pairs.filter((pair) => pair.told).length;
      const medians = KINDS.map((kind) => `${kind} ${median(times[kind]).toFixed(1)}`).join(', ');
      const bytes = KINDS.map((kind) => `${kind} ${[...sizes[kind]].join('/')}`).join(', ');
      const oneSize = new Set(KINDS.flatMap((kind) => [...sizes[kind]])).size === 1;
      const last = `${told} of ${pairs.length} pairs told apart; the leak of ${LEAK_MS} ms was ${found ? 'found' : 'NOT FOUND'}; answers have ${oneSize ? 'one size' : 'SEVERAL SIZES'}`;
      const report = {
        title: 'Can the time of an answer tell what became of an upload?',
        command: `npm run bench:indistinguishable -- --requests ${requests} --clients ${clients} --seed ${seed}`,
        body: `Deadline ${DEADLINE_MS} ms, ${clients} uploads at once. Medians in ms: ${medians}. Bytes of an answer: ${bytes}.\n\n${table(pairs)}\n\nWith a leak of ${LEAK_MS} ms on everything that is no dummy:\n\n${table(leakPairs)}\n\n${last}.`,
      };
      if (!noReport) writeReport('indistinguishable', report);
      print({ machine: machine(), pairs, leakPairs, leakFound: found, oneSize }, `${machine()}\n${last}`);
      return told === 0 && found && oneSize ? 0 : 1;
    } finally {
      proxy.closeAllConnections();
      proxy.close();
      await edge.dispose();
    }
  },
);
