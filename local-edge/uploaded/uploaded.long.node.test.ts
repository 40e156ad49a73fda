import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { startUploaded, type UploadedEdge } from '../uploaded.ts';
import type { UploadedBinding, UploadedVersion, UploadedWorker } from './account.ts';

const bytes = new Map<string, Uint8Array<ArrayBuffer>>();
let number = 0;

function version(code: string, bindings: readonly UploadedBinding[], exports: readonly string[]): UploadedVersion {
  const contents = new TextEncoder().encode(code);
  const hash = createHash('sha256').update(contents).digest('hex');
  bytes.set(hash, contents);
  number += 1;
  return {
    id: `version-${number}`,
    number,
    tag: '',
    createdOn: '2026-11-26T00:00:00Z',
    percentage: 100,
    mainModule: 'main.js',
    modules: [{ name: 'main.js', contentType: 'application/javascript+module', hash }],
    compatibilityDate: '2026-11-01',
    compatibilityFlags: [],
    bindings,
    exports,
  };
}

const counter = (className: string, answer: string): string => `
  import { DurableObject } from 'cloudflare:workers';
  export class ${className} extends DurableObject {
    async next() {
      const count = ((await this.ctx.storage.get('count')) ?? 0) + 1;
      await this.ctx.storage.put('count', count);
      return count;
    }
  }
  export default {
    async fetch(request, env) {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === '/slow') await new Promise((resolve) => setTimeout(resolve, 700));
      if (pathname === '/back') return env.BACK.fetch(request);
      if (pathname === '/put') await env[searchParams.get('to')].put('a b/c', searchParams.get('to'), { httpMetadata: { contentType: 'text/x' } });
      return new Response('${answer} ' + (await env.COUNTER.get(env.COUNTER.idFromName('one')).next()));
    },
  };`;
const BUCKETS = [
  { name: 'files', jurisdiction: 'default' },
  { name: 'files', jurisdiction: 'eu' },
];
const worker = (className: string, answer: string): UploadedWorker => ({
  name: 'counter',
  crons: [],
  classes: { [className]: { namespaceId: 'n1', sqlite: true } },
  versions: [
    version(
      counter(className, answer),
      [
        { type: 'durable_object_namespace', name: 'COUNTER', class_name: className },
        { type: 'service', name: 'BACK', service: 'counter', entrypoint: 'Gone' },
        { type: 'r2_bucket', name: 'HERE', bucket_name: 'files' },
        { type: 'r2_bucket', name: 'EU', bucket_name: 'files', jurisdiction: 'eu' },
      ],
      ['default', className],
    ),
  ],
});

describe('startUploaded', () => {
  const state = mkdtempSync(join(tmpdir(), 'uploaded-'));
  let deployed = [worker('Counter', 'one')];
  let edge: UploadedEdge;
  const read = () => ({
    workers: deployed,
    buckets: BUCKETS,
    hosts: [{ hostname: 'counter.example', worker: 'counter' }],
    routes: [],
    bucketHosts: BUCKETS.map((bucket) => ({ hostname: `${bucket.jurisdiction}.example`, bucket })),
    bytesOf: (hash: string) => bytes.get(hash) ?? new Uint8Array(),
  });
  const start = async (): Promise<void> => {
    edge = await startUploaded({ state, read, onLog: () => undefined });
  };
  beforeAll(start);
  afterAll(async () => {
    await edge.dispose();
    rmSync(state, { recursive: true });
  });

  function send(path: string, host = 'counter.example') {
    const sent = request(edge.url + path, { headers: { host }, agent: false });
    const answer = new Promise<string>((resolve, reject) => {
      sent.once('error', reject).once('response', (response) => {
        let text = `${response.statusCode} ${response.headers['content-type'] ?? ''} `;
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.once('end', () => resolve(text.trim()));
      });
    });
    sent.end();
    return { sent, answer };
  }
  const ask = (path: string, host?: string): Promise<string> => send(path, host).answer;
  const TEXT = '200 text/plain;charset=UTF-8';

  it('finishes what is on its way before another version runs; who has gone away holds up nothing', async ({
    expect,
  }) => {
    expect(await ask('/')).toBe(`${TEXT} one 1`);
    const slow = send('/slow');
    const given = send('/slow');
    await new Promise((resolve) => setTimeout(resolve, 200));
    given.sent.destroy();
    await expect(given.answer).rejects.toThrow('socket hang up');
    // Its class was renamed by a migration, and keeps its objects.
    deployed = [worker('Renamed', 'two')];
    edge.changed();
    expect(await ask('/')).toMatch(/^200 \S+ two [34]$/);
    expect(await slow.answer).toMatch(/^200 \S+ one [23]$/);
  });

  it('keeps a name’s buckets in two jurisdictions apart, and serves each at its host', async ({ expect }) => {
    await ask('/put?to=EU');
    expect((await edge.list(BUCKETS[1] as (typeof BUCKETS)[0])).map(({ key, size }) => [key, size])).toEqual([
      ['a b/c', 2],
    ]);
    expect(await edge.list(BUCKETS[0] as (typeof BUCKETS)[0])).toEqual([]);
    expect(await ask('/a%20b/c', 'eu.example')).toBe('200 text/x EU');
    expect(await ask('/a%20b/c', 'default.example')).toBe('404 text/plain Object not found');
    expect(await ask('/', 'nobody.example')).toContain('404');
  });

  it('says of a call that leads nowhere that it does, and runs the rest', async ({ expect }) => {
    expect(await ask('/back')).toContain('530');
    expect(await ask('/back')).toContain('Worker counter exports no Gone');
  });

  it('has objects and buckets after a restart; what can’t be run fails requests until it can', async ({ expect }) => {
    const count = Number(/\d+$/.exec(await ask('/'))?.[0]);
    await edge.dispose();
    await start();
    expect(await ask('/')).toBe(`${TEXT} two ${count + 1}`);
    const [good] = deployed;
    deployed = [{ ...worker('Renamed', 'three'), versions: [version('', [{ type: 'queue', name: 'Q' }], [])] }];
    edge.changed();
    expect(await ask('/')).toContain('500');
    deployed = [good as UploadedWorker];
    edge.changed();
    expect(await ask('/')).toBe(`${TEXT} two ${count + 2}`);
    await edge.remove(BUCKETS[1] as (typeof BUCKETS)[0], 'a b/c');
    expect(await edge.list(BUCKETS[1] as (typeof BUCKETS)[0])).toEqual([]);
  });
});
