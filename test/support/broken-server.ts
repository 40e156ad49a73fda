/**
 * @module A server that is broken in one way, in front of a whole edge: what load tests must not be green on.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Ways to be broken; `sound` passes everything on, so that a run that fails does so for what was broken. */
export const FAULTS = ['sound', 'html', 'files', 'signatures', 'stops'] as const;
export type Fault = (typeof FAULTS)[number];

/** A running server. */
export interface BrokenServer {
  readonly url: string;
  stop(): Promise<void>;
}

const PAGE = '<!doctype html><title>Welcome</title><h1>It works!</h1>';

/** Flips a bit: in the middle of a file, at the beginning of JSON, whose middle may be padding that says nothing. */
function bent(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  const at = copy[0] === '{'.charCodeAt(0) ? 0 : Math.floor(copy.length / 2);
  if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** Makes the signature of a signed head another one of the same form. */
function signedByNobody(body: Buffer): Buffer {
  return Buffer.from(
    body
      .toString('utf8')
      .replace(/("signature":")(.)/, (_, before: string, first: string) => before + (first === 'A' ? 'B' : 'A')),
  );
}

const isHead = (path: string): boolean => /\/(manifest|head)\.json$/.test(path);
/** What a phone finds its way by: all of it is right where only files are damaged. */
const isIndex = (path: string): boolean => isHead(path) || /\/(date|hour|country)$|\/days\//.test(path);

/** Sends on what the edge answers, changed by `change`. */
function passOn(from: IncomingMessage, to: ServerResponse, edge: URL, change: (body: Buffer) => Buffer): void {
  const headers = { ...from.headers, host: edge.host };
  // The path as it came: a URL would write `%2e%2e` otherwise.
  const { hostname, port } = edge;
  const onward = request({ hostname, port, path: from.url, method: from.method, headers }, (answer) => {
    const parts: Buffer[] = [];
    answer.on('data', (part: Buffer) => parts.push(part));
    answer.on('end', () => {
      to.writeHead(answer.statusCode ?? 502, answer.headers);
      to.end(change(Buffer.concat(parts)));
    });
  });
  onward.on('error', () => to.destroy());
  from.pipe(onward);
}

/** In turns: 503, an answer that ends halfway, none at all. */
function stopHalfway(to: ServerResponse, turn: number): void {
  if (turn % 3 === 0) to.writeHead(503).end();
  if (turn % 3 === 1) {
    to.writeHead(200, { 'content-length': '1000' });
    to.write('{"type":"manifest","key', () => to.destroy());
  }
}

/**
 * @param fault how it is broken
 * @param edge base address of a sound edge
 * @returns a server on a free loopback port
 */
export async function startBrokenServer(fault: Fault, edge: string): Promise<BrokenServer> {
  const target = new URL(edge);
  let turn = 0;
  const server = createServer((from, to) => {
    const path = from.url ?? '/';
    if (fault === 'html') {
      from.resume();
      to.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
    } else if (fault === 'stops') {
      from.resume();
      stopHalfway(to, (turn += 1));
    } else if (fault === 'files') passOn(from, to, target, isIndex(path) ? (body) => body : bent);
    else if (fault === 'signatures') passOn(from, to, target, isHead(path) ? signedByNobody : (body) => body);
    else passOn(from, to, target, (body) => body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
