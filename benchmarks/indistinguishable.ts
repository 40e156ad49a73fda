/**
 * @module `npm run bench:indistinguishable`: can the time of an answer tell a real upload from a dummy or a refused one?
 * (docs/architecture.md §4.6, docs/spec/europe.md §9.2 e). Interleaved requests under load to one route after the other (uploads of both dialects, /api/verify, /api/certificate), times read off the client; then uploads with a
 * leak of 20 ms put in front on purpose, which must be found, or the test could see nothing. Requests carry what the apps' HTTP
 * libraries send, and the bytes of every answer are counted beside its time.
 */
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { decodeSubmissionPayload } from '../protocol/submission-payload.ts';
import { byteSource } from '../scripts/support/patients.ts';
import { wholeNumber } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { startLocalEdge } from '../local-edge/local-edge.ts';
import { setClock } from '../scripts/support/operator.ts';
import { plan, type Planned, type Route, ROUTES, type Sending } from './one-answer-routes.ts';
import { holm, median, permutationP } from './permutation.ts';
import { machine, REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';

/** 2026-06-15 12:00 UTC. */
const NOW = 1_781_524_800;
const DEADLINE_MS = 1000;
const P_LIMIT = 0.001;
const DIFFERENCE_MS = 5;
const LEAK_MS = 20;
const ROUNDS = 19_999;
const ROUTE_NAMES = Object.keys(ROUTES) as Route[];

/** What came of one request. */
interface Answered {
  readonly status: number;
  /** Milliseconds from the last byte of the body to the end of the answer. */
  readonly waited: number;
  /** Bytes of the answer on the socket. */
  readonly bytes: number;
  readonly body: string;
}

/** Bytes that each connection had brought before. */
const broughtBefore = new WeakMap<Socket, number>();

function bytesOf(socket: Socket): number {
  const bytes = socket.bytesRead - (broughtBefore.get(socket) ?? 0);
  broughtBefore.set(socket, socket.bytesRead);
  return bytes;
}

function send(url: string, sending: Sending, agent: Agent): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = { ...sending.headers, 'content-length': sending.body.byteLength };
    let sent = 0;
    const outgoing = request(`${url}${sending.path}`, { method: 'POST', headers, agent }, (response) => {
      // Given back to the agent at the end of the answer, and then the response knows it no more.
      const { socket } = response;
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const waited = performance.now() - sent;
        const body = Buffer.concat(parts).toString('latin1');
        resolve({ status: response.statusCode ?? 0, waited, bytes: bytesOf(socket), body });
      });
    });
    outgoing.on('error', reject);
    outgoing.on('finish', () => (sent = performance.now()));
    outgoing.end(sending.body);
  });
}

/** By kind, in the order in which a route names them. */
interface Measured {
  /** Milliseconds of each answer. */
  readonly times: ReadonlyMap<string, number[]>;
  /** Sizes that answers had, in bytes. */
  readonly sizes: ReadonlyMap<string, Set<number>>;
}

async function measure(url: string, planned: readonly Planned[], clients: number): Promise<Measured> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const kinds = [...new Set(planned.map(({ kind }) => kind))].toSorted();
  const times = new Map(kinds.map((kind) => [kind, [] as number[]]));
  const sizes = new Map(kinds.map((kind) => [kind, new Set<number>()]));
  let next = 0;
  const client = async (): Promise<void> => {
    for (let job = planned[next++]; job !== undefined; job = planned[next++]) {
      const { status, waited, bytes } = await send(url, job.sending, agent);
      if (status !== job.wanted) throw new Error(`${job.kind}: status ${status}, not ${job.wanted}`);
      times.get(job.kind)?.push(waited);
      sizes.get(job.kind)?.add(bytes);
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

function compare(times: Measured['times'], seed: string): Pair[] {
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
  const kinds = [...times.keys()];
  const of = (kind: string): number[] => times.get(kind) ?? [];
  const pairs = kinds.flatMap((a, i) => kinds.slice(i + 1).map((b) => ({ a, b })));
  const ps = holm(pairs.map(({ a, b }) => permutationP(of(a), of(b), fast, ROUNDS)));
  return pairs.map(({ a, b }, i) => {
    const differenceMs = median(of(a)) - median(of(b));
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

/** What one route showed. */
interface RouteResult {
  readonly route: Route;
  readonly pairs: readonly Pair[];
  readonly oneSize: boolean;
  readonly text: string;
}

function resultOf(route: Route, { times, sizes }: Measured, seed: string): RouteResult {
  const pairs = compare(times, seed);
  const medians = [...times].map(([kind, own]) => `${kind} ${median(own).toFixed(1)}`).join(', ');
  const bytes = [...sizes].map(([kind, own]) => `${kind} ${[...own].join('/')}`).join(', ');
  const oneSize = new Set([...sizes.values()].flatMap((own) => [...own])).size === 1;
  const text = `## ${route}\n\nMedians in ms: ${medians}. Bytes of an answer: ${bytes}.\n\n${table(pairs)}`;
  return { route, pairs, oneSize, text };
}

await run(
  {
    name: 'npm run bench:indistinguishable',
    summary: `Sends N interleaved requests to each of ${ROUTE_NAMES.join(', ')} (real, dummy or chaff, refused, malformed), compares each pair of kinds, and fails
      where the corrected p is below ${P_LIMIT} and the medians differ by more than ${DIFFERENCE_MS} ms, or where answers differ in bytes.
      Writes benchmarks/results/indistinguishable.md. Draws no progress while it measures time.`,
    options: {
      requests: wholeNumber('requests to a route', { min: 500, max: 100_000, default: 2_000 }),
      clients: wholeNumber('at once', { min: 1, max: 500, default: 60 }),
      seed: wholeNumber('order and contents', { min: 0, max: 1_000_000_000, default: 1 }),
      ...REPORT_OPTIONS,
    },
  },
  async ({ requests, clients, seed, 'no-report': noReport }, { say, print }) => {
    const vars = { ANSWER_DEADLINE_MS: String(DEADLINE_MS) };
    const edge = await startLocalEdge({ vars: { upload: vars, verification: vars } });
    const proxy = await leaky(edge.url);
    const agent = new Agent({ keepAlive: true, maxSockets: clients });
    try {
      await setClock(edge.url, NOW);
      const ask = async (sending: Sending): Promise<string> => (await send(edge.url, sending, agent)).body;
      const target = { url: edge.url, now: NOW, ask };
      const results: RouteResult[] = [];
      for (const route of ROUTE_NAMES) {
        say(`${requests} requests to ${route}, interleaved, ${clients} at once`);
        const planned = await plan(route, target, requests, `i/${seed}`);
        const result = resultOf(route, await measure(edge.url, planned, clients), String(seed));
        results.push(result);
        say(result.text);
      }
      say(`uploads again, with a leak of ${LEAK_MS} ms on everything that is no dummy`);
      const leakyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const leaked = await measure(leakyUrl, await plan('upload', target, requests, `l/${seed}`), clients);
      const leakPairs = compare(leaked.times, String(seed));
      const found = leakPairs.filter((pair) => pair.names.includes('dummy')).every((pair) => pair.told);
      say(table(leakPairs));
      const all = results.flatMap(({ pairs }) => pairs);
      const told = all.filter((pair) => pair.told).length;
      const oneSize = results.every((result) => result.oneSize);
      const last = `${told} of ${all.length} pairs told apart; the leak of ${LEAK_MS} ms was ${found ? 'found' : 'NOT FOUND'}; answers of a route have ${oneSize ? 'one size' : 'SEVERAL SIZES'}`;
      const body = [
        `Deadline ${DEADLINE_MS} ms, ${clients} requests at once.`,
        ...results.map(({ text }) => text),
        `## upload, with a leak of ${LEAK_MS} ms on everything that is no dummy`,
        table(leakPairs),
        `${last}.`,
      ].join('\n\n');
      const command = `npm run bench:indistinguishable -- --requests ${requests} --clients ${clients} --seed ${seed}`;
      const title = 'Can the time of an answer tell what became of a request?';
      if (!noReport) writeReport('indistinguishable', { title, command, body });
      const routes = results.map(({ route, pairs, oneSize: own }) => ({ route, pairs, oneSize: own }));
      print({ machine: machine(), routes, leakPairs, leakFound: found, oneSize }, `${machine()}\n${last}`);
      return told === 0 && found && oneSize ? 0 : 1;
    } finally {
      agent.destroy();
      proxy.closeAllConnections();
      proxy.close();
      await edge.dispose();
    }
  },
);
