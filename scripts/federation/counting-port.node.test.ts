/** @module What passes a port that counts: each connection by itself, both directions, and its end. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { countingPort } from './counting-port.ts';

describe('a port that counts', () => {
  it('knows of each connection what was asked and what was answered, and breaks it where one side breaks', async ({
    expect,
  }) => {
    const came: Socket[] = [];
    const behind = createServer((socket) => {
      came.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (part: Uint8Array) => socket.write(Buffer.concat([part, part])));
    });
    await once(behind.listen(0, '127.0.0.1'), 'listening');
    const port = await freePort();
    const counting = await countingPort(port, (behind.address() as AddressInfo).port);
    const ask = async (bytes: number): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1');
      let length = 0;
      const answered = new Promise<void>((resolve) => {
        socket.on('data', (part: Uint8Array) => (length += part.length) === 2 * bytes && resolve());
      });
      socket.write(new Uint8Array(bytes));
      await answered;
      return socket;
    };
    const first = await ask(10);
    const second = await ask(70_000);
    expect(counting.passed).toEqual([
      { asked: 10, answered: 20 },
      { asked: 70_000, answered: 140_000 },
    ]);
    const gone = once(came[0]!, 'close');
    first.destroy();
    await gone;
    const ended = once(second, 'close');
    await counting.close();
    await ended;
    behind.close();
  });
});
