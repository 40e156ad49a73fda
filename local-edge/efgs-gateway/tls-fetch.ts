/**
 * @module `fetch` with a client certificate, for Node, whose own has none: in a Worker that is an mTLS binding's
 * (docs/spec/platform.md §1.5).
 */
import { Agent, request } from 'node:https';

/** What a connection shows and believes. */
export interface TlsIdentity {
  /** PEM; none: without a client certificate. */
  readonly cert?: string;
  readonly key?: string;
  /** PEM of whoever vouches for the server; none: those that Node trusts. */
  readonly ca?: string;
}

/** Answers of the gateway are a few megabytes; a stranger's would be cut here. */
const MAX_ANSWER_BYTES = 16_000_000;
const TIMEOUT_MS = 30_000;

/** @returns a `fetch` for requests whose body is bytes or none; rejects when the connection breaks */
export function tlsFetch(identity: TlsIdentity): (asked: Request) => Promise<Response> {
  const agent = new Agent({ ...identity, keepAlive: true, maxSockets: 4 });
  return async (asked) => {
    const body = new Uint8Array(await asked.arrayBuffer());
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const headers = Object.fromEntries(asked.headers);
    const { signal, method } = asked;
    const sent = request(asked.url, { method, headers, signal, agent, timeout: TIMEOUT_MS }, (came) => {
      const parts: Uint8Array[] = [];
      let length = 0;
      came.on('data', (part: Uint8Array) => {
        length += part.length;
        parts.push(part);
        if (length > MAX_ANSWER_BYTES) sent.destroy(new Error('the answer is too long'));
      });
      came.on('error', reject);
      came.on('end', () => {
        const status = came.statusCode ?? 0;
        const content = Buffer.concat(parts);
        const named = Object.entries(came.headers).map(([name, value]) => [name, String(value)] as [string, string]);
        resolve(new Response([204, 304].includes(status) ? null : content, { status, headers: named }));
      });
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', reject);
    sent.end(body);
    return promise;
  };
}
