/**
 * @module In front of a real S3 server: passes everything on, until a test has it fail as services do: no connection, an error's status, half a body.
 */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to calls from now on; null: nothing. */
type Fault =
  | { readonly kind: 'away' }
  | { readonly kind: 'status'; readonly status: 500 | 503; readonly of: 'PUT' | 'any' }
  /** Bodies of GETs end in the middle, with their connection; so many of them. */
  | { readonly kind: 'half'; times: number }
  /** A put arrives, and its answer doesn't. */
  | { readonly kind: 'lost-answer'; times: number };

/** A service that can be made to fail. */
export interface FaultyStore {
  readonly endpoint: string;
  /** Calls that came since the last `fail`, by method. */
  readonly calls: Map<string, number>;
  fail(fault: Fault | null): void;
  stop(): Promise<void>;
}

const ERROR_BODY =
  '<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>';

/** @param endpoint of the real one @returns once it listens */
export async function startFaultyStore(endpoint: string): Promise<FaultyStore> {
  const behind = new URL(endpoint);
  let fault: Fault | null = null;
  const calls = new Map<string, number>();
  const server = createServer((came, answer) => {
    const method = came.method ?? 'GET';
    calls.set(method, (calls.get(method) ?? 0) + 1);
    const now = fault;
    if (now?.kind === 'away') return void came.socket.destroy();
    if (now?.kind === 'status' && (now.of === 'any' || now.of === method)) {
      came.resume();
      answer.writeHead(now.status, { 'content-type': 'application/xml' });
      return void answer.end(method === 'HEAD' ? undefined : ERROR_BODY);
    }
    const { host, pathname: _, ...rest } = { host: came.headers.host ?? '', pathname: '' };
    const passed = request(
      {
        ...rest,
        hostname: behind.hostname,
        port: behind.port,
        method,
        path: came.url,
        headers: { ...came.headers, host },
      },
      (given) => {
        if (now?.kind === 'lost-answer' && method === 'PUT' && now.times-- > 0) {
          given.resume();
          return void came.socket.destroy();
        }
        answer.writeHead(given.statusCode ?? 500, given.headers);
        const length = Number(given.headers['content-length'] ?? 0);
        if (now?.kind === 'half' && method === 'GET' && length > 1 && now.times-- > 0) {
          given.once('data', (part: Buffer) => {
            answer.write(part.subarray(0, Math.floor(Math.min(part.length, length) / 2)), () => came.socket.destroy());
            given.resume();
          });
          return undefined;
        }
        given.pipe(answer);
        return undefined;
      },
    );
    passed.once('error', () => came.socket.destroy());
    came.pipe(passed);
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    fail(next) {
      fault = next;
      calls.clear();
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
