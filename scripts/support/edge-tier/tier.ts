/**
 * @module Starts nginx as three edge caches in front of one shield on loopback, and counts what each tier passes on
 * (deploy/nginx/edge-cache.conf). Ends nginx by its process id; bounded by the run of its caller.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync, statSync, truncateSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endAtInterrupt } from '../command-line/interrupt.ts';
import { makeCertificate } from './certificate.ts';
import { renderTier, type TierPorts } from './render.ts';

/** Requests that a tier passed on: `GET /v1/DE/manifest.json` → how often, and with which status. */
export interface TierReads {
  readonly total: number;
  readonly byPath: ReadonlyMap<string, number>;
  readonly byStatus: ReadonlyMap<string, number>;
  /** Requests that were answered with an object, 200, 206 or 304, at least once: `GET /v1/DE/manifest.json`. */
  readonly objects: ReadonlySet<string>;
}

/** A running edge tier. */
export interface EdgeTier {
  /** `https://127.0.0.1:PORT` of each edge, without a trailing slash. */
  readonly edges: readonly string[];
  readonly statics: string;
  readonly uncached: string;
  /** Folder of the static files that `statics` serves. */
  readonly staticFolder: string;
  /** Bytes of the certificate chain that a handshake sends. */
  readonly chainBytes: number;
  /** Process ids of nginx's workers, for CPU accounts. */
  readonly pid: number;
  /** What reached the Workers since the last `reset`. */
  originReads(): TierReads;
  /** What reached the shield since the last `reset`. */
  shieldReads(): TierReads;
  /** Sets both counters to nothing. */
  reset(): void;
  stop(): Promise<void>;
}

/** nginx is missing or won't start; the message says what helps. */
class NginxUnavailable extends Error {
  override name = 'NginxUnavailable';
}

/**
 * @returns version of the nginx on PATH, e.g. `1.22.1`
 * @throws NginxUnavailable naming Debian's packages when there is none, or one without TLS, HTTP/2 or caching
 */
export function checkNginx(): string {
  const probe = spawnSync('nginx', ['-V'], { encoding: 'utf8' });
  const version = /nginx\/(\d+\.\d+\.\d+)/.exec(probe.stderr ?? '')?.[1];
  if (probe.error !== undefined || version === undefined) {
    throw new NginxUnavailable(
      'edge: nginx is missing. Debian: apt-get update && apt-get install -y nginx-light openssl',
    );
  }
  for (const module of ['http_ssl_module', 'http_v2_module']) {
    if (!probe.stderr.includes(module))
      throw new NginxUnavailable(`edge: nginx ${version} was built without ${module}`);
  }
  return version;
}

/**
 * Starts nginx and waits until all its ports answer.
 *
 * @param folder the run's folder: configuration, caches, certificate, counters
 * @param workers base address of the Workers, e.g. `http://127.0.0.1:8787`
 * @param ports where to listen; left out: free ones
 * @returns the running tier
 * @throws NginxUnavailable when nginx is missing, or ends at once (its own words are in the message)
 */
export async function startEdgeTier(folder: string, workers: string, ports?: TierPorts): Promise<EdgeTier> {
  checkNginx();
  const listen = ports ?? (await freePorts());
  // nginx tries for a while to get a port that is taken, and meanwhile somebody else answers there.
  if (ports !== undefined) await requireFree(portsOf(ports));
  const chainBytes = makeCertificate(join(folder, 'tls'));
  renderTier({ folder, ports: listen, workers: new URL(workers).host, asRoot: process.getuid?.() === 0 });
  const nginx = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'error.log', '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // From its first moment on: it would outlive us.
  const forget = endAtInterrupt(() => void nginx.kill('SIGTERM'));
  const end = async (): Promise<void> => {
    await stop(nginx);
    forget();
  };
  let words = '';
  nginx.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
  try {
    for (const port of portsOf(listen)) await waitForPort(port, nginx, () => words);
  } catch (error) {
    await end();
    throw error;
  }
  const at = (port: number): string => `https://127.0.0.1:${port}`;
  const log = (name: string): string => join(folder, `${name}-reads.log`);
  return {
    edges: listen.edges.map(at),
    statics: at(listen.statics),
    uncached: at(listen.uncached),
    staticFolder: join(folder, 'static'),
    chainBytes,
    pid: nginx.pid ?? 0,
    originReads: () => countReads(readFileSync(log('origin'), 'utf8')),
    shieldReads: () => countReads(readFileSync(log('shield'), 'utf8')),
    reset() {
      for (const name of ['origin', 'shield']) if (statSync(log(name)).size > 0) truncateSync(log(name));
    },
    stop: end,
  };
}

/**
 * Reads a counter's lines.
 *
 * @param text lines `STATUS CACHE METHOD PATH`; STATUS is a list where nginx tried more than once
 * @returns the sums
 */
export function countReads(text: string): TierReads {
  const byPath = new Map<string, number>();
  const byStatus = new Map<string, number>();
  const objects = new Set<string>();
  let total = 0;
  for (const line of text.split('\n')) {
    const match = /^([\d, :-]+) [A-Z-]+ ([A-Z]+) (\S+)$/.exec(line);
    if (match === null) continue;
    const [, status = '', method = '', path = ''] = match;
    total += 1;
    byPath.set(`${method} ${path}`, (byPath.get(`${method} ${path}`) ?? 0) + 1);
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
    if (/\b(200|206|304)$/.test(status)) objects.add(`${method} ${path}`);
  }
  return { total, byPath, byStatus, objects };
}

const portsOf = ({ shield, edges, statics, uncached }: TierPorts): number[] => [shield, ...edges, statics, uncached];

async function requireFree(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) throw new NginxUnavailable(`edge: port ${port} is taken; --port N begins elsewhere`);
    await new Promise((resolve) => server.close(resolve));
  }
}

async function freePorts(): Promise<TierPorts> {
  const servers = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [shield = 0, one = 0, two = 0, three = 0, statics = 0, uncached = 0] = ports;
  return { shield, edges: [one, two, three], statics, uncached };
}

async function waitForPort(port: number, nginx: ChildProcess, words: () => string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (nginx.exitCode !== null) throw new NginxUnavailable(`edge: nginx ended at once: ${words().trim()}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.end());
    });
    if (open) return;
    await sleep(50);
  }
  throw new NginxUnavailable(`edge: nginx does not listen on 127.0.0.1:${port}: ${words().trim()}`);
}

async function stop(nginx: ChildProcess): Promise<void> {
  if (nginx.exitCode !== null) return;
  const ended = new Promise((resolve) => nginx.once('exit', resolve));
  nginx.kill('SIGTERM');
  const late = setTimeout(() => nginx.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(late);
}
