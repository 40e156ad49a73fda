/**
 * @module A port before another one that counts what passes, connection by connection: bytes as they stand on the wire, TLS's own among them.
 */
import { connect, createServer, type Socket } from 'node:net';

/** One connection, in the order in which they came. */
interface Passed {
  /** Bytes of whoever called. */
  asked: number;
  /** Bytes that came back. */
  answered: number;
}

/** A port that counts. */
export interface CountingPort {
  /** Grows while connections live. */
  readonly passed: readonly Readonly<Passed>[];
  close(): Promise<void>;
}

/**
 * @param port of 127.0.0.1, where it listens
 * @param behind port of 127.0.0.1 that it hands everything on to
 * @returns the port, which listens
 * @throws Error when it is taken
 */
export async function countingPort(port: number, behind: number): Promise<CountingPort> {
  const passed: Passed[] = [];
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (caller) => {
    const counted: Passed = { asked: 0, answered: 0 };
    passed.push(counted);
    const answering = connect({ port: behind, host: '127.0.0.1', noDelay: true });
    const tie = (from: Socket, to: Socket, count: (bytes: number) => void): void => {
      open.add(from);
      from.on('data', ({ length }: Uint8Array) => count(length));
      // A connection that breaks on one side breaks on the other.
      from.once('error', () => to.destroy());
      from.once('close', () => void (open.delete(from), to.destroy()));
      from.pipe(to);
    };
    tie(caller, answering, (bytes) => (counted.asked += bytes));
    tie(answering, caller, (bytes) => (counted.answered += bytes));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return {
    passed,
    async close() {
      const closed = new Promise((resolve) => {
        server.close(resolve);
      });
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
