/** Who may not start, before workerd does. The whole: serve.long.node.test.ts. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, onTestFinished } from 'vitest';
import { startWorkerd } from './process.ts';

async function hold(lock: string): Promise<void> {
  const holder = spawn('flock', ['--no-fork', lock, 'sh', '-c', 'echo held; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void holder.kill('SIGKILL'));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
}

describe('a state and a folder of sockets', () => {
  const folders = () => {
    const folder = mkdtempSync(join(tmpdir(), 'process-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const [state, runtime] = [join(folder, 'state'), join(folder, 'run')];
    for (const one of [state, runtime]) mkdirSync(one);
    const socket = join(runtime, 'portal.sock');
    writeFileSync(socket, '');
    const sockets = [socket];
    const rest = { folder, sockets, control: join(folder, 'c.sock'), environment: {}, onLog: () => undefined };
    return { socket, options: { state, runtime, ...rest } };
  };

  it('each is one process’s; the other’s sockets stay', async ({ expect }) => {
    const { socket, options } = folders();
    await hold(join(options.runtime, 'lock'));
    await expect(startWorkerd(options)).rejects.toThrow('another state is served from it');
    await hold(join(options.state, 'lock'));
    await expect(startWorkerd(options)).rejects.toThrow('One process a state');
    expect(existsSync(socket)).toBe(true);
  });

  it('that can’t be written are named', async ({ expect }) => {
    const { options } = folders();
    rmSync(options.state, { recursive: true });
    await expect(startWorkerd(options)).rejects.toThrow(`a lock can't be opened in ${options.state}`);
  });
});
