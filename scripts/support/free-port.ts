/** @module A port for a server that must have the same one after each restart. */
import { createServer } from 'node:net';

/** The kernel may hand out a port again that nobody has taken yet. */
const given = new Set<number>();

/** @returns a port of 127.0.0.1 that was free just now, and wasn't given before by this process */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    if (address === null || typeof address === 'string') throw new Error('no free port');
    if (given.has(address.port)) continue;
    given.add(address.port);
    return address.port;
  }
}
