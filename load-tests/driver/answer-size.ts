/**
 * @module Are answers to uploads of one size on the wire? Counted below TLS, through the edge, over HTTP/1.1 and HTTP/2: what
 * somebody on the line sees (docs/architecture.md §4.6). HPACK writes some statuses in one byte and others in five, so what is level in
 * HTTP/1.1 need not be level in HTTP/2.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { dummyRequest, uploadRequest, type UploadRequest } from '../../phone/upload/upload-request.ts';
import type { Assertion } from './context.ts';
import { keysOfOneCase } from './seed.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** Answers of one protocol: status → bytes on the wire. */
type SizeByStatus = ReadonlyMap<number, ReadonlySet<number>>;

/** Requests that get different statuses: taken for a dummy, forged, noise, of another type. */
function requests(): UploadRequest[] {
  const keys = keysOfOneCase(Math.floor(Date.now() / 86_400_000));
  const content = { keys, visitedCountries: ['DE'], consentToFederation: false, submissionType: 0 } as const;
  const forged = uploadRequest(randomUUID(), content, random);
  if (!forged.ok) throw new Error(`load: an upload can't be made: ${forged.error.kind}`);
  const { headers, body } = forged.value;
  return [
    dummyRequest(random),
    forged.value,
    { ...forged.value, body: random(body.length) },
    { ...forged.value, headers: { ...headers, 'content-type': 'text/plain' } },
  ];
}

function openSocket(edge: string, protocol: 'h2' | 'http/1.1'): Promise<TLSSocket> {
  const { hostname, port } = new URL(edge);
  return new Promise((resolve, reject) => {
    const options = { host: hostname, port: Number(port), ALPNProtocols: [protocol], rejectUnauthorized: false };
    const socket = connectTls(options, () => resolve(socket)).once('error', reject);
  });
}

/** Sends one request on the connection and counts what comes back below TLS. */
type Send = (request: UploadRequest) => Promise<number>;

const TRIES = 3;
/** HTTP/2 writes Date in Huffman code, whose length goes with the second; a status that isn't levelled makes four bytes. */
const DATE_SPREAD_BYTES = { 'HTTP/1.1': 0, 'HTTP/2': 2 } as const;

async function sizesOf(socket: TLSSocket, send: Send): Promise<SizeByStatus> {
  const sizes = new Map<number, Set<number>>();
  // The first answer comes with the connection's own frames.
  await send(dummyRequest(random));
  for (let tries = 0; tries < TRIES; tries += 1) {
    for (const request of requests()) {
      const before = socket.bytesRead;
      const status = await send(request);
      sizes.set(status, (sizes.get(status) ?? new Set()).add(socket.bytesRead - before));
    }
  }
  socket.destroy();
  return sizes;
}

function overHttp1(socket: TLSSocket): Send {
  return ({ path, headers, body }) =>
    new Promise((resolve, reject) => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.once('data', (data: Buffer) => {
        const status = /^HTTP\/1\.1 (\d{3})/.exec(data.toString('latin1'))?.[1];
        if (status === undefined) reject(new Error('load: an answer without a status line'));
        else resolve(Number(status));
      });
      socket.write(`POST ${path} HTTP/1.1\r\nhost: edge\r\n${lines.join('')}content-length: ${body.length}\r\n\r\n`);
      socket.write(body);
    });
}

function overHttp2(socket: TLSSocket, edge: string): Send {
  const session = connectHttp2(edge, { createConnection: () => socket });
  return ({ path, headers, body }) =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':method': 'POST', ':path': path, ...headers });
      let status = 0;
      stream.once('response', (answer) => (status = Number(answer[':status'])));
      stream.once('error', reject);
      stream.once('end', () => resolve(status));
      stream.resume();
      stream.end(body);
    });
}

/**
 * Measures both protocols.
 *
 * @param edge base address of one edge
 * @returns one assertion for each protocol
 * @throws Error when the edge isn't reached
 */
export async function answerSizes(edge: string): Promise<Assertion[]> {
  const http1 = await openSocket(edge, 'http/1.1');
  const overOne = await sizesOf(http1, overHttp1(http1));
  // Only now: nginx closes a connection that asks nothing for ten seconds.
  const http2 = await openSocket(edge, 'h2');
  const overTwo = await sizesOf(http2, overHttp2(http2, edge));
  const found = [
    ['HTTP/1.1', overOne],
    ['HTTP/2', overTwo],
  ] as const;
  return found.map(([protocol, sizes]) => {
    const all = [...sizes.values()].flatMap((some) => [...some]);
    const spread = Math.max(...all) - Math.min(...all);
    const told = [...sizes].map(([status, some]) => `${status}: ${[...some].join('/')}`).join(', ');
    return {
      text: `answers to uploads have one size below TLS over ${protocol}: ${told} bytes`,
      holds: spread <= DATE_SPREAD_BYTES[protocol] && sizes.size > 1,
    };
  });
}
