/** @module Loopback ports for programs that take several in a row. */
import { createServer } from 'node:net';

/**
 * @param count how many
 * @returns the first of so many that nobody listens on
 */
export async function freePorts(count: number): Promise<number> {
  for (let first = 20_000 + (process.pid % 10_000); ; first += count) {
    const servers = Array.from({ length: count }, (_, index) => createServer().listen(first + index, '127.0.0.1'));
    const free = await Promise.all(
      servers.map(
        (server) =>
          new Promise((resolve) => server.once('listening', () => resolve(true)).once('error', () => resolve(false))),
      ),
    );
    for (const server of servers) server.close();
    if (free.every(Boolean)) return first;
  }
}
