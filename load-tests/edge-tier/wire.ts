/**
 * @module What somebody on the line sees of HTTP: a TCP relay that counts bytes in each direction, and connections through it that
 * carry several requests, over HTTP/1.1 or HTTP/2, with TLS or without. Nothing is decoded, and no header is added unasked.
 */
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

/** How a connection speaks. */
export type Protocol = 'HTTP/1.1' | 'HTTP/2';

/** One request, always a POST. */
export interface WireRequest {
  readonly path: string;
  /** Lower-case names; host and content length are added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** One request and its answer, as the relay saw them. */
export interface Exchange {
  readonly status: number;
  /** Bytes from the client, TLS included. */
  readonly up: number;
  /** Bytes from the server, TLS included. */
  readonly down: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A connection that stays open, one exchange after the other. */
export interface WireConnection {
  ask(request: WireRequest): Promise<Exchange>;
  close(): void;
}

/** Whom every request names: a loopback port has other digits each time, and digits other lengths in HPACK. */
const HOST = 'edge.example';
/** A connection counts as open, its own frames sent and acknowledged, when so many looks in a row find no new byte. */
const QUIET_LOOKS = 5;
/** Between two looks; each is at least one turn of the event loop, in which a busy process passes on what has come. */
const LOOK_MS = 5;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

interface Relay {
  readonly port: number;
  readonly counted: { up: number; down: number };
  close(): void;
}

/** Passes one connection on to host and port, and counts. */
async function openRelay(host: string, port: number): Promise<Relay> {
  const counted = { up: 0, down: 0 };
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const upstream = connectTcp(port, host);
    sockets.push(client, upstream);
    for (const [from, to, direction] of [
      [client, upstream, 'up'],
      [upstream, client, 'down'],
    ] as const) {
      from.setNoDelay(true);
      from.on('data', (part: Buffer) => {
        counted[direction] += part.length;
        to.write(part);
      });
      from.on('close', () => to.destroy());
      from.on('error', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    counted,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/**
 * Opens a connection through a relay of its own, and waits until its own frames are through: what is counted from then on is
 * questions and answers. HPACK's table is empty, so the first question on HTTP/2 is the longest.
 *
 * @param origin where to, `http://` or `https://` with host and port; certificates aren't checked
 * @param protocol HTTP/2 without TLS speaks at once, as RFC 9113 §3.3 has it
 * @returns the connection
 * @throws Error when the server isn't reached or doesn't speak the protocol
 */
export async function openWire(origin: string, protocol: Protocol): Promise<WireConnection> {
  const { protocol: scheme, hostname, port } = new URL(origin);
  const relay = await openRelay(hostname, Number(port));
  const socket = await openSocket(relay.port, scheme === 'https:' ? protocol : null);
  const session = protocol === 'HTTP/2' ? connectHttp2(origin, { createConnection: () => socket }) : null;
  if (session !== null) await Promise.all([once(session, 'remoteSettings'), once(session, 'localSettings')]);
  await untilQuiet(relay);
  const send = session === null ? overHttp1(socket) : overHttp2(session);
  const ask = async (request: WireRequest): Promise<Exchange> => {
    const { up, down } = relay.counted;
    const answer = await send(request);
    return { ...answer, up: relay.counted.up - up, down: relay.counted.down - down };
  };
  return {
    ask,
    close() {
      session?.destroy();
      socket.destroy();
      relay.close();
    },
  };
}

async function untilQuiet({ counted }: Relay): Promise<void> {
  let seen = -1;
  for (let looks = 0; looks < QUIET_LOOKS; looks += 1) {
    await sleep(LOOK_MS);
    if (counted.up + counted.down !== seen) looks = -1;
    seen = counted.up + counted.down;
  }
}

function openSocket(port: number, tls: Protocol | null): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const host = '127.0.0.1';
    const socket: Socket =
      tls === null
        ? connectTcp(port, host, () => resolve(socket))
        : connectTls(
            { host, port, ALPNProtocols: [tls === 'HTTP/2' ? 'h2' : 'http/1.1'], rejectUnauthorized: false },
            () => resolve(socket),
          );
    socket.setNoDelay(true);
    socket.once('error', reject);
  });
}

function overHttp1(socket: Socket): (request: WireRequest) => Promise<Answer> {
  return ({ path, headers, body }) =>
    new Promise((resolve, reject) => {
      let all = Buffer.alloc(0);
      const done = (finish: () => void): void => {
        socket.off('data', read).off('close', broken);
        finish();
      };
      const read = (part: Buffer): void => {
        all = Buffer.concat([all, part]);
        const answer = parseHttp1(all);
        if (answer !== null) done(() => resolve(answer));
      };
      const broken = (): void => done(() => reject(new Error(`wire: the server hung up after ${all.length} bytes`)));
      socket.on('data', read).once('close', broken);
      const lines = Object.entries({ host: HOST, ...headers, 'content-length': String(body.length) });
      const head = `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
      socket.write(Buffer.concat([Buffer.from(head), body]));
    });
}

/** An answer that is complete, or null; a body has its length declared or is chunked. */
function parseHttp1(bytes: Buffer): Answer | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const body = bytes.subarray(end + 4);
  const complete =
    headers['transfer-encoding'] === 'chunked'
      ? body.toString('latin1').endsWith('0\r\n\r\n')
      : body.length >= Number(headers['content-length'] ?? 0);
  return complete ? { status: Number(statusLine.split(' ')[1]), headers, body } : null;
}

function overHttp2(session: ClientHttp2Session): (request: WireRequest) => Promise<Answer> {
  return ({ path, headers, body }) =>
    new Promise((resolve, reject) => {
      const stream: ClientHttp2Stream = session.request({
        ':method': 'POST',
        ':path': path,
        ':authority': HOST,
        ...headers,
        'content-length': String(body.length),
      });
      const parts: Buffer[] = [];
      let answer: Omit<Answer, 'body'> = { status: 0, headers: {} };
      stream.once('response', ({ ':status': status, ...rest }) => {
        answer = {
          status: Number(status),
          headers: Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)])),
        };
      });
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.once('error', reject);
      stream.once('end', () => resolve({ ...answer, body: Buffer.concat(parts) }));
      stream.end(body);
    });
}

/** Bits of what dates are written with, in HPACK's Huffman code (RFC 7541, appendix B). */
const DATE_BITS: readonly (readonly [characters: string, bits: number])[] = [
  ['012aceiost', 5],
  ['3456789Abdfghlmnpru ', 6],
  ['BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz:', 7],
  [',', 8],
];

/**
 * What an answer's size owes to the second in which it was sent: HTTP/2 writes `date` in Huffman code.
 *
 * @param exchange of HTTP/2
 * @returns bytes of its date on the wire; 0 without one
 */
export function dateBytes({ headers }: Pick<Exchange, 'headers'>): number {
  const bits = Array.from(headers['date'] ?? '').map(
    (character) => DATE_BITS.find(([characters]) => characters.includes(character))?.[1] ?? Number.NaN,
  );
  return Math.ceil(bits.reduce((sum, one) => sum + one, 0) / 8);
}
