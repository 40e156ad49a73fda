/**
 * What stands where Cloudflare's mTLS, Access and schedule stand elsewhere: nginx with deploy/nginx/keepers.conf, the gate, and the entry files that are deployed. By
 * real TLS; the Workers decide.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { request as plainRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { loadSecrets } from '../../../local-edge/secrets.ts';
import { LOCAL_VARS, readEnvironments, ROOT } from '../../../local-edge/workers.ts';
import { issueCertificate } from '../../../test/support/certificate-authority.ts';
import { makeCertificate } from '../edge-tier/certificate.ts';
import { freePort } from '../free-port.ts';
import { type Serving, startServing } from './server.ts';
import { startStoreServer, type StoreServer } from './store-server.ts';

const SECRET = 'a secret that a program has';
const ADMIN_HOST = 'codes.example.org';

let folder: string;
let server: StoreServer;
let serving: Serving;
let nginx: ChildProcess;
const port: Record<string, number> = {};
const log: string[] = [];

interface Asked {
  readonly host?: string;
  /** Folder with `leaf.pem` and `leaf.key`. */
  readonly client?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
}

/** @returns status and text of an answer by TLS, or `no connection` */
function ask(
  at: string,
  path: string,
  { host, client, headers = {}, method = 'GET' }: Asked = {},
): Promise<{ status: number; text: string }> {
  const shown =
    client === undefined
      ? {}
      : { cert: readFileSync(join(client, 'leaf.pem')), key: readFileSync(join(client, 'leaf.key')) };
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...shown,
        host: '127.0.0.1',
        port: port[at],
        path,
        method,
        headers: { host: host ?? `${at}.example.org`, ...headers },
        ca: readFileSync(join(folder, 'nginx/tls/root.pem')),
        // Under the test's names answers 127.0.0.1.
        checkServerIdentity: () => undefined,
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    asked.once('error', reject);
    asked.end();
  });
}

/** Past nginx, as it would come from it. */
function askSocket(worker: string, path: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = plainRequest(
      { socketPath: serving.keepers[worker], path, headers: { host: 'x', ...headers } },
      (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    asked.once('error', reject);
    asked.end();
  });
}

/** keepers.conf as it stands, with other ports, paths and names of files. */
function renderKeepers(): void {
  const source = join(ROOT, 'deploy/nginx');
  const target = join(folder, 'nginx');
  mkdirSync(join(target, 'snippets'), { recursive: true });
  copyFileSync(join(source, 'snippets/keeper.conf'), join(target, 'snippets/keeper.conf'));
  const text = readFileSync(join(source, 'keepers.conf'), 'utf8')
    .replaceAll('/run/exposure-edge', join(folder, 'run'))
    .replaceAll(/tls\/(laboratories|peers|people)\.pem/g, '../people/root.pem')
    .replaceAll(/127\.0\.0\.1:845(\d)/g, (_, index: string) => {
      const name = ['laboratories', 'peers', 'portal', 'codes'][Number(index)] ?? '';
      return `127.0.0.1:${port[name]}`;
    });
  const { host } = new URL(serving.url);
  writeFileSync(
    join(target, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''} pid nginx.pid; error_log error.log error; events {}
http { access_log off; proxy_http_version 1.1; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ')}
upstream exposure_edge_workers { server ${host}; } include keepers.conf; }`,
  );
  writeFileSync(join(target, 'keepers.conf'), text);
}

/** `root.pem`, and `leaf.pem` below it with its key, for a client. */
async function makeClient(at: string): Promise<void> {
  const notBefore = Math.floor(Date.now() / 1000) - 60;
  const root = await issueCertificate({ name: `CN=Root of ${at}`, authority: true, notBefore }, null);
  const leaf = await issueCertificate({ name: 'CN=Somebody', notBefore }, root);
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', leaf.keys.privateKey)).toString('base64');
  mkdirSync(at);
  writeFileSync(join(at, 'root.pem'), root.certificate.toString('pem'));
  writeFileSync(join(at, 'leaf.pem'), leaf.certificate.toString('pem'));
  writeFileSync(join(at, 'leaf.key'), `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`);
}

const fingerprintOf = (name: string): string =>
  new X509Certificate(readFileSync(join(folder, name, 'leaf.pem'))).fingerprint256.replaceAll(':', '').toLowerCase();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gate-'));
  makeCertificate(join(folder, 'nginx/tls'));
  for (const name of ['people', 'strangers']) await makeClient(join(folder, name));
  server = await startStoreServer(join(folder, 'store'), await freePort());
  serving = await startServing(
    {
      state: join(folder, 'state'),
      runtime: join(folder, 'run'),
      listen: `127.0.0.1:${await freePort()}`,
      store: server.settings,
      secrets: loadSecrets(folder, readEnvironments()),
      vars: {
        ...LOCAL_VARS,
        verification: { ...LOCAL_VARS['verification'], SMS_WEBHOOK_URL: '' },
        portal: { ...LOCAL_VARS['portal'], ADMIN_API_HOST: ADMIN_HOST, OPERATOR_SERVICES: 'night=anna@example.org' },
      },
      people: [
        {
          fingerprint: fingerprintOf('people'),
          email: 'Anna@example.org',
          roles: ['operator', 'provider'],
          provider: 'Klinikum Süd, Łódź',
        },
      ],
      services: [
        { id: 'night', secretSha256: createHash('sha256').update(SECRET).digest('hex'), person: 'anna@example.org' },
      ],
    },
    (line) => void log.push(line),
  );
  for (const name of ['laboratories', 'peers', 'portal', 'codes']) port[name] = await freePort();
  renderKeepers();
  nginx = spawn('nginx', ['-p', join(folder, 'nginx'), '-c', 'nginx.conf', '-e', 'error.log', '-g', 'daemon off;'], {
    stdio: 'ignore',
  });
  for (let tries = 0; tries < 200; tries += 1) {
    if (
      await ask('codes', '/').then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(readFileSync(join(folder, 'nginx/error.log'), 'utf8'));
});

afterAll(async () => {
  const ended = new Promise((resolve) => nginx.once('exit', resolve));
  nginx.kill('SIGTERM');
  await ended;
  await serving.stop();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the portal, where Access stands elsewhere', () => {
  const status = (asked: Asked) => ask('portal', '/operator/status', asked).then((answer) => answer.status);
  const spoofed = JSON.stringify({ app_aud: 'x', jwt_claims: { email: 'anna@example.org', iat: 1 } });

  it('a person whose certificate is listed is let in, with the roles of the list', async ({ expect }) => {
    const client = join(folder, 'people');
    expect(await status({ client })).toBe(200);
    expect((await ask('portal', '/staff/quotas', { client })).status).toBe(403);
    expect((await ask('portal', '/staff/cards', { client })).status).toBe(200);
  });

  it('a program is let in by its id and secret, as a service token of Access is', async ({ expect }) => {
    const shown = (id: string, secret: string) => ({
      headers: { 'cf-access-client-id': id, 'cf-access-client-secret': secret },
    });
    expect(await status(shown('night', SECRET))).toBe(200);
    expect(await status(shown('night', `${SECRET}x`))).toBe(403);
    expect(await status(shown('day', SECRET))).toBe(403);
  });

  it('nobody else is: without a certificate, with one of strangers, with headers that say so', async ({ expect }) => {
    expect(await status({})).toBe(403);
    // nginx answers by itself to one that no authority of ours signed.
    expect(await status({ client: join(folder, 'strangers') })).toBe(400);
    const pem = encodeURIComponent(readFileSync(join(folder, 'people/leaf.pem'), 'utf8'));
    const headers = {
      'x-exposure-edge-access': spoofed,
      'x-client-verify': 'SUCCESS',
      'x-client-certificate': pem,
      'cf-access-authenticated-user-email': 'anna@example.org',
    };
    expect(await status({ headers })).toBe(403);
    // A listed certificate that did not verify is none.
    expect(
      await askSocket('portal', '/operator/status', {
        'x-client-verify': 'FAILED:revoked',
        'x-client-certificate': pem,
      }),
    ).toBe(403);
    expect(
      await askSocket('portal', '/operator/status', { 'x-client-verify': 'SUCCESS', 'x-client-certificate': pem }),
    ).toBe(200);
  });

  it('is not on the phones’ host, whoever says they are who', async ({ expect }) => {
    const headers = {
      'x-exposure-edge-access': spoofed,
      'cf-access-client-id': 'night',
      'cf-access-client-secret': SECRET,
    };
    for (const path of ['/operator/status', '/staff', '/api/v1/results']) {
      expect((await fetch(`${serving.url}${path}`, { headers })).status).toBe(404);
    }
  });

  it('the administrators’ API answers under its own name, and asks for a key', async ({ expect }) => {
    expect((await ask('codes', '/api/issue', { host: ADMIN_HOST, method: 'POST' })).status).toBe(401);
    expect((await ask('codes', '/operator/status', { host: ADMIN_HOST })).status).toBe(401);
  });
});

describe('laboratories and peers, by certificates alone', () => {
  it.for(['laboratories', 'peers'] as const)('%s: nginx lets nobody through without one', async (at, { expect }) => {
    expect((await ask(at, '/')).status).toBe(400);
    expect((await ask(at, '/', { client: join(folder, 'strangers') })).status).toBe(400);
  });

  it('a laboratory’s certificate reaches its Worker as the platform tells it: known by nobody, so 403', async ({
    expect,
  }) => {
    const answer = await ask('laboratories', '/api/v1/lab/results', { client: join(folder, 'people'), method: 'POST' });
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('not in the list') as string]);
  });

  it('the schedule comes to each Worker, by the store’s clock', async ({ expect }) => {
    await serving.runCrons();
    expect(log.filter((line) => line.includes('schedule'))).toEqual([]);
  });
});
