/**
 * @module What docs/laboratory.md tells a laboratory and its operator to type, as processes: a key, a signed list, a table posted over real
 * mTLS (what Cloudflare does in front of the Worker, Node does here), a report of what was refused.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { hashGuid } from '../../domain/derived-codes.ts';
import type { LaboratoryBackOfficeRpc } from '../../domain/rpc.ts';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import {
  issueCertificate,
  SubjectAlternativeNameExtension,
  type TestCertificate,
} from '../support/certificate-authority.ts';
import { runCommand } from '../support/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'exposure-edge-lab-'));
const file = (name: string): string => join(folder, name);
const guid = (): string => `ABCDEF-${randomUUID()}`.toUpperCase();
const lab = (...args: string[]) => runCommand(['scripts/lab.ts', ...args]);
const laboratories = (...args: string[]) => runCommand(['scripts/laboratories.ts', ...args]);

let edge: LocalEdge;
let host: Server;
let url = '';
const office = async (): Promise<LaboratoryBackOfficeRpc> =>
  (await edge.miniflare.getBindings<{ readonly LABORATORY: LaboratoryBackOfficeRpc }>('exposure-edge-portal'))
    .LABORATORY;

/** Writes certificate and key as PEM files. */
async function write(name: string, { certificate, keys }: TestCertificate): Promise<void> {
  writeFileSync(file(`${name}.pem`), certificate.toString('pem'));
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  writeFileSync(file(`${name}-key.pem`), `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`);
}

/** In front of the edge: TLS that wants a certificate of the authority, and says whose it was, as the platform does. */
function startHost(): Promise<number> {
  const pem = (name: string): string => readFileSync(file(`${name}.pem`), 'utf8');
  host = createServer(
    { cert: pem('host'), key: pem('host-key'), ca: pem('authority'), requestCert: true, rejectUnauthorized: true },
    (from, to) => {
      const fingerprint = (from.socket as TLSSocket).getPeerX509Certificate()?.fingerprint256 ?? '';
      const headers = { ...from.headers, 'x-local-client-certificate': fingerprint.replaceAll(':', '').toLowerCase() };
      const onward = request(new URL(from.url ?? '', edge.url), { method: from.method, headers }, (answer) => {
        to.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(to);
      });
      from.pipe(onward);
    },
  );
  return new Promise((resolve) => {
    host.listen(0, '127.0.0.1', () => resolve((host.address() as AddressInfo).port));
  });
}

beforeAll(async () => {
  edge = await startLocalEdge({ vars: { verification: { ANSWER_DEADLINE_MS: '0' } }, onLog: () => undefined });
  const notBefore = Math.floor(Date.now() / 1000) - 60;
  const authority = await issueCertificate({ name: 'CN=Authority', notBefore, authority: true }, null);
  const named = new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]);
  const purposes = ['1.3.6.1.5.5.7.3.1'];
  await write('authority', authority);
  await write('host', await issueCertificate({ name: 'CN=host', notBefore, purposes, more: [named] }, authority));
  for (const name of ['harbour', 'hill', 'stranger']) {
    await write(name, await issueCertificate({ name: `CN=${name}`, notBefore }, authority));
  }
  url = `https://127.0.0.1:${await startHost()}`;
});
afterAll(async () => {
  host?.close();
  await edge?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const tls = (name: string): string[] =>
  ['--url', url, '--ca', file('authority.pem')].concat('--cert', file(`${name}.pem`), '--key', file(`${name}-key.pem`));

describe('the list of laboratories', () => {
  it('keys are made once, private ones for their owner alone', async ({ expect }) => {
    expect(await laboratories('keys', '--out', folder)).toMatchObject({ code: 0 });
    expect(statSync(file('laboratories.pem')).mode & 0o777).toBe(0o600);
    const before = readFileSync(file('laboratories.pem'), 'utf8');
    expect(await laboratories('keys', '--out', folder)).toMatchObject({ code: 1 });
    expect(readFileSync(file('laboratories.pem'), 'utf8')).toBe(before);
  });

  it('is signed from certificates, checked, and taken by the Worker, whose key a local edge keeps beside it', async ({
    expect,
  }) => {
    const written = {
      version: 1,
      laboratories: [
        { id: 'harbour', name: 'Harbour Laboratory', certificates: ['harbour.pem'] },
        { id: 'hill', name: 'Hill Laboratory', certificates: ['hill.pem'], birthDate: 'required' },
      ],
    };
    writeFileSync(file('list.json'), JSON.stringify(written));
    const own = ['--key', join(edge.state, 'laboratories.pem')];
    expect(await laboratories('sign', file('list.json'), ...own)).toMatchObject({ code: 0 });
    const signed = readFileSync(file('list.json.signed'), 'utf8');
    expect(await (await office()).setLaboratories(signed)).toEqual({ ok: true });
    const listed = (await (await office()).laboratories()).laboratories.map((one) => one.certificateFingerprints[0]);
    const shown = await laboratories('fingerprint', file('harbour.pem'));
    expect([shown.stdout.trim(), listed.length]).toEqual([listed[0], 2]);
  });

  it('check says what it says, and refuses another key’s; a list that breaks a rule isn’t signed', async ({
    expect,
  }) => {
    const own = ['--key', file('laboratories.pem'), '--out', file('other.signed'), '--json'];
    expect((await laboratories('sign', file('list.json'), ...own)).code).toBe(0);
    const check = (name: string) =>
      laboratories('check', file(name), '--public', file('laboratories-public.pem'), '--json');
    const good = await check('other.signed');
    expect(JSON.parse(good.stdout)).toMatchObject({ version: 1, laboratories: [{ id: 'harbour' }, { id: 'hill' }] });
    expect(await check('list.json.signed')).toMatchObject({ code: 1, stdout: '' });
    writeFileSync(file('bad.json'), JSON.stringify({ version: 0, laboratories: [] }));
    expect(await laboratories('sign', file('bad.json'), '--key', file('laboratories.pem'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('version must be an integer') as string,
    });
    expect(await laboratories('sign', file('list.json'))).toMatchObject({ code: 2 });
  });
});

describe('a table', () => {
  const guids = Array.from({ length: 7 }, guid);
  const table = (name: string, rows: readonly string[]): string => {
    writeFileSync(file(name), `guid,result,birth_date\n${rows.join('\n')}\n`);
    return file(name);
  };

  it('is checked without a server, and the report names lines and no value', async ({ expect }) => {
    const path = table('dry.csv', [`${guids[0]},positive,`, 'nonsense,positive,', `${guids[1]},maybe,`]);
    const { code, stdout } = await lab('post', path, '--dry-run', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ lines: 3, stored: 0, refused: 2, requests: 0, dryRun: true });
    const report = readFileSync(`${path}.refused.csv`, 'utf8').split('\n');
    expect(report.map((line) => line.slice(0, 8))).toEqual(['line,rea', '3,"guid:', '4,"resul', '']);
    expect(report.join()).not.toMatch(/nonsense|maybe/);
  });

  it('is posted over mTLS, in batches, and again without harm; phones read it', async ({ expect }) => {
    const path = table(
      'results.csv',
      guids.slice(0, 5).map((one, i) => `${one},${i % 2 === 0 ? 'positive' : 'negative'},`),
    );
    for (let n = 0; n < 2; n++) {
      const { code, stdout } = await lab('post', path, ...tls('harbour'), '--batch', '2', '--json');
      expect([code, JSON.parse(stdout)]).toMatchObject([0, { lines: 5, stored: 5, requests: 3, report: null }]);
    }
    const ask = async (route: string, body: object): Promise<Record<string, unknown>> => {
      const headers = { 'content-type': 'application/json', 'cwa-fake': '0' };
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      return (await (await fetch(`${edge.url}/version/v1/${route}`, init)).json()) as Record<string, unknown>;
    };
    const read = await Promise.all(
      guids.slice(0, 5).map(async (one) => {
        const { registrationToken } = await ask('registrationToken', { key: hashGuid(one), keyType: 'GUID' });
        return (await ask('testresult', { registrationToken }))['testResult'];
      }),
    );
    expect(read).toEqual([2, 1, 2, 1, 2]);
  });

  it('with another laboratory’s tests in it loses these alone; one with dates of birth is posted twice a line', async ({
    expect,
  }) => {
    const rows = [guids[0], guids[5], guids[6]].map((one) => `${one},positive,1990-03-07`);
    const { code, stdout } = await lab('post', table('hill.csv', rows), ...tls('hill'), '--json');
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { stored: 2, refused: 1, requests: 2 }]);
    expect(readFileSync(file('hill.csv.refused.csv'), 'utf8')).toBe(
      'line,reason\n2,"another laboratory has posted this test"\n',
    );
  });

  it('of a certificate that isn’t listed, or of a host that nobody vouches for, is not posted', async ({ expect }) => {
    const path = table('stranger.csv', [`${guid()},positive,`]);
    const stranger = await lab('post', path, ...tls('stranger'));
    expect([stranger.code, stranger.stdout]).toEqual([1, expect.stringContaining('not in the list of laboratories')]);
    expect(readFileSync(`${path}.refused.csv`, 'utf8')).toContain('2,"not known to be stored: the server answers 403');
    const unvouched = [...tls('harbour').filter((one) => !/^--ca$|authority/.test(one)), '--attempts', '1'];
    expect(await lab('post', path, ...unvouched)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('1 not known to be stored') as string,
    });
  });

  it('to a local edge goes with a header in the certificate’s place; called wrongly says so', async ({ expect }) => {
    const path = table('local.csv', [`${guid()},invalid,`]);
    const local = ['--url', edge.url, '--cert', file('harbour.pem')];
    expect(await lab('post', path, ...local)).toMatchObject({ code: 0, stdout: expect.stringContaining('1 stored') });
    for (const args of [
      ['post'],
      ['post', path],
      ['post', path, '--url', url],
      ['post', path, '--url', 'http://laboratories.example.org', '--cert', file('harbour.pem')],
      ['post', path, '--url', url, '--cert', file('harbour.pem')],
    ]) {
      expect((await lab(...args)).code, args.join(' ')).toBe(2);
    }
  });
});
