/**
 * @module A bare TCP server that answers each HTTP request and keeps its bytes as they arrived: what an observer of
 * the wire would count.
 */
import { createServer, type Socket } from 'node:net';

export interface WireTap {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /**
   * @param send makes requests
   * @returns the bytes of each, in order
   */
  captured(send: () => Promise<unknown>): Promise<Uint8Array[]>;
  close(): Promise<void>;
}

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}';

/** @returns a tap that listens; each connection serves one request, so that none hides behind another */
export async function tapWire(): Promise<WireTap> {
  const requests: Uint8Array[] = [];
  const server = createServer((socket: Socket) => {
    const parts: Buffer[] = [];
    socket.on('data', (part) => {
      parts.push(part);
      const all = Buffer.concat(parts);
      const end = all.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(all.toString('latin1'))?.[1] ?? Number.NaN);
      if (end < 0 || all.length < end + 4 + length) return;
      requests.push(Uint8Array.from(all));
      socket.end(ANSWER);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async captured(send) {
      const before = requests.length;
      await send();
      return requests.slice(before);
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/**
 * @param request as captured
 * @returns its header lines, the request line first, and its body
 */
export function splitRequest(request: Uint8Array): { lines: string[]; body: Uint8Array } {
  const end = Buffer.from(request).indexOf('\r\n\r\n');
  return {
    lines: Buffer.from(request.subarray(0, end)).toString('latin1').split('\r\n'),
    body: request.slice(end + 4),
  };
}
