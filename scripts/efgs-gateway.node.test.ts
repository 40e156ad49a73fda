import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, it } from 'vitest';
import { tlsFetch } from '../local-edge/efgs-gateway/tls-fetch.ts';
import { ROOT } from '../local-edge/workers.ts';

const folder = mkdtempSync(join(tmpdir(), 'efgs-gateway-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('npm run efgs-gateway', () => {
  it('answers whoever has its certificates, and ends at SIGTERM', async ({ expect }) => {
    const args = ['scripts/efgs-gateway.ts', '--dir', folder, '--countries', 'NL,FR', '--batch-seconds', '1'];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise<number | null>((resolve) => {
      child.once('exit', resolve);
    });
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (said: Buffer) => {
        const [, found] = /ready on (\S+)/.exec(said.toString()) ?? [];
        if (found !== undefined) resolve(found);
      });
      void ended.then(() => reject(new Error('it ended before it was ready')));
    });
    const rest = text(child.stdout);
    const pem = (name: string): string => readFileSync(join(folder, name), 'utf8');
    const ca = pem('server.pem');
    const status = async (fetch: ReturnType<typeof tlsFetch>): Promise<number> =>
      (await fetch(new Request(`${url}/diagnosiskeys/callback`))).status;
    expect(
      await status(tlsFetch({ cert: pem('FR-authentication.pem'), key: pem('FR-authentication-key.pem'), ca })),
    ).toBe(200);
    expect(await status(tlsFetch({ cert: pem('FR-signing.pem'), key: pem('FR-signing-key.pem'), ca }))).toBe(403);
    expect(await status(tlsFetch({ ca }))).toBe(403);
    expect(statSync(join(folder, 'NL-signing-key.pem')).mode & 0o777).toBe(0o600);
    child.kill('SIGTERM');
    expect([await ended, await rest]).toEqual([0, expect.stringContaining('has stopped')]);
  });
});
