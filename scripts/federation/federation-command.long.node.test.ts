/**
 * @module `npm run federation -- serve-local` as a process, called over TLS as peers call: who may read what, what a header is worth, a certificate that is taken back, a second start.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { tlsFetch } from '../../local-edge/efgs-gateway/tls-fetch.ts';
import { issueDirectoryCertificate } from '../support/directory/certificates.ts';
import { type Running, runCommand, start } from '../../test/support/processes.ts';
import { fingerprintOf } from './registry.ts';

const dir = mkdtempSync(join(tmpdir(), 'federation-'));
afterAll(() => rmSync(dir, { recursive: true }));
const pem = (name: string): string => readFileSync(join(dir, name), 'utf8');

interface Served {
  readonly backends: readonly { readonly region: string; readonly url: string; readonly feedUrl: string }[];
}

async function serve(): Promise<{ readonly served: Served; readonly command: Running }> {
  const command = start([
    'scripts/federation.ts',
    'serve-local',
    '--regions',
    'DE,NL,XA:enterprise',
    '--dir',
    dir,
    '--json',
  ]);
  const [text] = await command.output(/^\{[^]*^\}$/m);
  return { served: JSON.parse(text) as Served, command };
}

describe('npm run federation -- serve-local', () => {
  it('lets each peer read what is meant for it, until its certificate is taken back', async ({ expect }) => {
    const { served, command } = await serve();
    const [de] = served.backends;
    const ca = pem('DE/DE-server.pem');
    const client = (region: string) => ({
      cert: pem(`${region}/${region}-client.pem`),
      key: pem(`${region}/${region}-client.key`),
    });
    const ask = async (identity: object, path: string, headers: Record<string, string> = {}): Promise<number> =>
      (await tlsFetch({ ...identity, ca })(new Request(`${de?.feedUrl}${path}`, { headers }))).status;

    // 404: it may read the feed, in which there is nothing yet.
    expect(await ask(client('NL'), '/v1/NL/keys')).toBe(404);
    expect(await ask(client('NL'), '/v1/a2a/keys')).toBe(404);
    expect(await ask(client('XA'), '/v1/XA/keys')).toBe(404);
    expect(await ask(client('NL'), '/v1/XA/keys')).toBe(403);
    // Of another cluster.
    expect(await ask(client('XA'), '/v1/a2a/keys')).toBe(403);

    // NL says that it has a batch, in its own name; nobody else does.
    const [, nl] = served.backends;
    const hint = async (identity: object, baseURL = nl?.feedUrl): Promise<number> => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ batchId: 1, baseURL });
      const asked = new Request(`${de?.feedUrl}/v1/hints`, { method: 'POST', headers, body });
      return (await tlsFetch({ ...identity, ca })(asked)).status;
    };
    expect(await hint(client('NL'))).toBe(204);
    expect(await hint(client('NL'), 'https://elsewhere.example')).toBe(400);
    expect(await hint(client('XA'))).toBe(400);
    expect(await hint({})).toBe(401);
    // Phones read the directory from their own backend.
    const checkpoint = await fetch(`${de?.url}/v1/directory/checkpoint`);
    expect(await checkpoint.text()).toBe(readFileSync(join(dir, 'directory/checkpoint'), 'utf8'));

    const fingerprint = fingerprintOf(join(dir, 'NL/NL-client.pem'));
    const lies = { 'x-local-client-certificate': fingerprint, 'cf-client-cert': fingerprint };
    expect(await ask({}, '/v1/NL/keys', lies)).toBe(401);
    const blob = JSON.stringify({ tlsClientAuth: { certPresented: '1', certVerified: 'SUCCESS', certRevoked: '0' } });
    expect(await ask({}, '/v1/NL/keys', { 'mf-cf-blob': blob })).toBe(401);
    const wish = { level: 'root', region: null, cluster: null, now: Math.floor(Date.now() / 1000) } as const;
    const stranger = await issueDirectoryCertificate({ ...wish, days: 1, issuer: null });
    expect(await ask({ cert: stranger.chain, key: stranger.key }, '/v1/NL/keys', lies)).toBe(401);

    const policy = ['--policy', join(dir, 'policy.json'), '--dir', join(dir, 'directory')];
    const keys = (name: string): string => join(dir, 'keys', name);
    const directory = async (...args: string[]): Promise<number | null> =>
      (await runCommand(['scripts/directory.ts', ...args, ...policy])).code;
    const signer = ['--certificate', join(dir, 'NL/NL-region.pem'), '--key', join(dir, 'NL/NL-region.key')];
    const steps = [
      await directory('revoke', '--region', 'NL', '--cluster', 'eu', '--fingerprint', fingerprint, ...signer),
      await directory('publish', '--key', keys('log.secret')),
      await directory('witness', '--key', keys('w1.secret'), '--state', keys('w1.sqlite')),
      await directory('witness', '--key', keys('w2.secret'), '--state', keys('w2.sqlite')),
      await directory('publish', '--key', keys('log.secret')),
    ];
    expect(steps).toEqual([0, 0, 0, 0, 0]);
    let status = 0;
    for (let tries = 0; tries < 100 && status !== 403; tries += 1) status = await ask(client('NL'), '/v1/NL/keys');
    expect(status).toBe(403);
    expect(await ask(client('XA'), '/v1/XA/keys')).toBe(404);

    command.kill('SIGTERM', 'process');
    const ended = await command.ended;
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stderr).toContain('have stopped');
  });

  it('finds everything again at its next start, and what was taken back stays so', async ({ expect }) => {
    const { served, command } = await serve();
    const before = JSON.parse(pem('plan.json')) as { readonly id: string; readonly feedPort: number }[];
    expect(served.backends.map(({ region, feedUrl }) => [region, feedUrl])).toEqual(
      before.map(({ id, feedPort }) => [id, `https://127.0.0.1:${feedPort}`]),
    );
    const [de] = served.backends;
    const ask = tlsFetch({ cert: pem('NL/NL-client.pem'), key: pem('NL/NL-client.key'), ca: pem('DE/DE-server.pem') });
    expect((await ask(new Request(`${de?.feedUrl}/v1/NL/keys`))).status).toBe(403);
    command.kill('SIGTERM', 'process');
    expect(await command.ended).toMatchObject({ code: 0 });
    const verified = await runCommand([
      'scripts/directory.ts',
      'verify',
      '--json',
      '--policy',
      join(dir, 'policy.json'),
      '--dir',
      join(dir, 'directory'),
    ]);
    // Three entries and a revocation: the second start has signed none anew.
    expect(JSON.parse(verified.stdout)).toMatchObject({ size: 4 });
  });
});
