/**
 * @module A double of Cloudflare's API on loopback, for stages that are rehearsed: wrangler (`CLOUDFLARE_API_BASE_URL`) and npm `cloudflare`
 * (`baseURL`) talk to it unmodified. It refuses what the library's types don't allow and what it has no route for, keeps the platform's
 * rules as far as they are known (each with its source beside it), and fails on demand. What it can't show: that the real API agrees.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startUploaded, type UploadedEdge } from '../../../local-edge/uploaded.ts';
import { answer, type Answer } from './answer.ts';
import { deployedOf } from './deployed.ts';
import { type Fault, Faults } from './faults.ts';
import type { BucketObjects } from './router.ts';
import { ROUTES } from './routes.ts';
import { Store } from './state.ts';

export type { Fault } from './faults.ts';

/** One call that came in. */
interface Call {
  /** From 1, since this double was started. */
  readonly number: number;
  readonly method: string;
  /** Below `/client/v4`. */
  readonly path: string;
  /** HTTP status; 0: the connection was cut. */
  readonly status: number;
  /** The double has no route for it. */
  readonly unknown: boolean;
  /** What was refused, or what was told to fail; empty when nothing was. */
  readonly message: string;
}

/** How to start. */
export interface DoubleOptions {
  /** Folder of the state; made if missing. */
  readonly state: string;
  /** On 127.0.0.1; 0 (the default) takes a free one. */
  readonly port?: number;
  readonly faults?: readonly Fault[];
  /** Port of the edge, where what was deployed answers; 0 (the default) takes a free one. */
  readonly edgePort?: number;
  /** Gets every line that a deployed Worker prints; the default prints it on stderr. */
  readonly onLog?: (line: string) => void;
  /** Names of zones that the account has before anything is deployed. */
  readonly zones?: readonly string[];
}

/** A running double. */
export interface Double {
  /** For `CLOUDFLARE_API_BASE_URL` and `baseURL`, with `/client/v4`. */
  readonly apiBase: string;
  /** Where what was deployed answers, by the Host header: it runs there from the first request on (local-edge/uploaded.ts). */
  readonly edge: string;
  /** A token with all rights. */
  readonly token: string;
  /** 32 hex digits. */
  readonly accountId: string;
  /** Calls since the start. */
  calls(): readonly Call[];
  /** Calls that no route was for; a test that has any of them fails. */
  unknownCalls(): readonly Call[];
  /** @param fault from now on */
  fail(fault: Fault): void;
  /** @param rights names of permissions (rights.ts); @returns a token with these alone */
  tokenWith(rights: readonly string[]): string;
  /** The account, for tests that look or edit by hand; `store.save()` makes an edit last. */
  readonly store: Store;
  stop(): Promise<void>;
}

const PREFIX = '/client/v4';
/** A Worker may have 10 MB gzipped; what is larger isn't a call of ours. */
const MOST_BYTES = 64 * 1024 * 1024;

async function readAll(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MOST_BYTES) throw new Error('the body is too large');
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** Half of an answer, then the end of the connection. */
function cut(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.write(text.slice(0, Math.floor(text.length / 2)), () => response.destroy());
}

function send(response: ServerResponse, { status, headers, text }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(text);
}

/**
 * Starts it.
 *
 * @param options see {@link DoubleOptions}
 * @returns the running double
 * @throws Error when the port is taken or the state isn't the double's
 */
export async function startDouble(options: DoubleOptions): Promise<Double> {
  const store = new Store(options.state);
  store.ensureZones(options.zones ?? []);
  const faults = new Faults();
  for (const fault of options.faults ?? []) faults.add(fault);
  const edge = await startUploaded({
    state: join(options.state, 'edge'),
    port: options.edgePort ?? 0,
    read: () => deployedOf(store),
    onLog: options.onLog ?? ((line) => void process.stderr.write(`${line}\n`)),
  });
  const objects = objectsOf(edge);
  const calls: Call[] = [];
  let turn: Promise<unknown> = Promise.resolve();

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const method = request.method ?? 'GET';
    const path = url.pathname.startsWith(`${PREFIX}/`) ? url.pathname.slice(PREFIX.length) : url.pathname;
    const incoming = { method, path, query: Object.fromEntries(url.searchParams), headers: oneEach(request), body };
    const fault = faults.next(method, path);
    const answered = await answer({ incoming, store, objects, routes: ROUTES, fault });
    if (answered.status !== 0 && method !== 'GET') edge.changed();
    const call = { number: calls.length + 1, method, path, unknown: answered.unknown, message: answered.message };
    calls.push({ ...call, status: answered.cut === null ? answered.status : 0 });
    if (answered.cut === 'before') response.destroy();
    else if (answered.cut === 'after') cut(response, answered.text);
    else send(response, answered);
  }

  const server = createServer((request, response) => {
    // One after another, as if the account were one row: no two calls change it at once.
    turn = turn
      .then(() => serve(request, response))
      .catch((error: unknown) => {
        process.stderr.write(`double: ${request.method} ${request.url}: ${String(error)}\n`);
        response.destroy();
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const token = Object.entries(store.account.tokens).find(([, rights]) => rights === null)?.[0] ?? '';
  return {
    apiBase: `http://127.0.0.1:${port}${PREFIX}`,
    edge: edge.url,
    token,
    accountId: store.account.id,
    store,
    calls: () => calls,
    unknownCalls: () => calls.filter(({ unknown }) => unknown),
    fail: (fault) => faults.add(fault),
    tokenWith(rights) {
      const made = crypto.randomUUID();
      store.account.tokens[made] = rights;
      store.save();
      return made;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await turn;
      await edge.dispose();
    },
  };
}

const objectsOf = (edge: UploadedEdge): BucketObjects => ({
  list: async (bucket) =>
    (await edge.list(bucket)).map(({ key, size, etag, uploaded }) => ({
      key,
      size,
      etag,
      last_modified: uploaded.toISOString(),
    })),
  remove: (bucket, key) => edge.remove(bucket, key),
});

const oneEach = (request: IncomingMessage): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
