/**
 * @module A plain HTTP/1.1 client: it shows headers as they came over the wire, also doubled ones, and decodes nothing.
 */
import { request } from 'node:http';

/** What to send. */
export interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent with its length; `chunked` sends it without. */
  readonly body?: Uint8Array;
  readonly chunked?: boolean;
}

/** What came back. */
export interface RawAnswer {
  readonly status: number;
  /** Bytes of status line and headers on the wire, HTTP/1.1. */
  readonly headBytes: number;
  /** Names in lower case, in the order of the wire, doubles kept. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/**
 * Sends one request on a connection of its own. The path goes out as it is: nothing is normalised or encoded.
 *
 * @param origin e.g. `http://127.0.0.1:8787`
 * @param path with its query, as it shall stand in the request line
 * @param options method (GET), headers, body
 * @returns the answer, its body complete
 */
export function send(origin: string, path: string, options: RawRequest = {}): Promise<RawAnswer> {
  const { method = 'GET', headers = {}, body, chunked = false } = options;
  const { hostname, port } = new URL(origin);
  const length = body === undefined || chunked ? {} : { 'content-length': String(body.length) };
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, path, method, headers: { ...headers, ...length }, agent: false },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => {
          const rawHeaders: [string, string][] = [];
          for (let i = 0; i < answer.rawHeaders.length; i += 2) {
            rawHeaders.push([answer.rawHeaders[i]?.toLowerCase() ?? '', answer.rawHeaders[i + 1] ?? '']);
          }
          const statusLine = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n`;
          const headBytes = rawHeaders.reduce(
            (sum, [name, value]) => sum + name.length + value.length + 4,
            statusLine.length + 2,
          );
          const bytes = new Uint8Array(Buffer.concat(parts));
          resolve({
            status: answer.statusCode ?? 0,
            headBytes,
            rawHeaders,
            headers: new Headers(rawHeaders),
            body: bytes,
          });
        });
      },
    );
    // An answer may come before a large body is through; what is left of it then fails to be written, and is no loss.
    sent.on('error', reject);
    sent.end(body);
  });
}

/** @param answer an answer @returns its body as JSON */
export function json(answer: RawAnswer): unknown {
  return JSON.parse(new TextDecoder().decode(answer.body));
}
