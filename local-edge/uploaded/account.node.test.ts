import { describe, it } from 'vitest';
import { chooseTarget, mainVersionOf, type UploadedAccount, type UploadedVersion } from './account.ts';

const version = (id: string, number: number, percentage: number): UploadedVersion => ({
  id,
  number,
  percentage,
  tag: '',
  createdOn: '2026-11-26T00:00:00Z',
  mainModule: 'main.js',
  modules: [],
  compatibilityDate: undefined,
  compatibilityFlags: [],
  bindings: [],
  exports: ['default'],
});
const worker = (name: string, ...versions: UploadedVersion[]) => ({ name, versions, classes: {}, crons: [] });
const BUCKET = { name: 'public', jurisdiction: 'eu' };
const ACCOUNT: UploadedAccount = {
  workers: [worker('index', version('i1', 1, 90), version('i2', 2, 10)), worker('config', version('c1', 1, 100))],
  buckets: [BUCKET],
  hosts: [{ hostname: 'keys.example.org', worker: 'index' }],
  routes: [
    { pattern: 'keys.example.org/v1/config/*', worker: 'config' },
    { pattern: 'keys.example.org/v1/config/closed*', worker: null },
  ],
  bucketHosts: [{ hostname: 'files.example.org', bucket: BUCKET }],
  bytesOf: () => new Uint8Array(),
};
const who = (host: string, path: string, draw = 0, overrides = '') => {
  const target = chooseTarget(ACCOUNT, { host, path, overrides, draw });
  return target.kind === 'worker' ? target.version.id : target.kind;
};

describe('chooseTarget', () => {
  it('takes the most specific route, then the custom domain, then the bucket’s, then nobody', ({ expect }) => {
    expect(who('keys.example.org', '/v1/config/DE')).toBe('c1');
    expect(who('keys.example.org', '/v1/config/closed?x')).toBe('nobody');
    expect(who('keys.example.org', '/v1/configX')).toBe('i1');
    expect(who('files.example.org', '/v1/config/DE')).toBe('bucket');
    expect(who('keysXexample.org', '/v1/config/DE')).toBe('nobody');
  });

  it('shares out by percentage', ({ expect }) => {
    expect([0, 89.999, 90, 99.999].map((draw) => who('keys.example.org', '/', draw))).toEqual(['i1', 'i1', 'i2', 'i2']);
  });

  it('lets a request name a version of the deployment, and passes over others', ({ expect }) => {
    expect(who('keys.example.org', '/', 0, 'config="c1", index="i2"')).toBe('i2');
    expect(who('keys.example.org', '/', 0, 'index="i9"')).toBe('i1');
    expect(who('keys.example.org', '/', 0, 'other="i2"')).toBe('i1');
  });
});

describe('mainVersionOf', () => {
  it('is the one with the most traffic, the newer of two alike', ({ expect }) => {
    expect(mainVersionOf(worker('w', version('old', 1, 90), version('new', 2, 10))).id).toBe('old');
    expect(mainVersionOf(worker('w', version('old', 1, 50), version('new', 2, 50))).id).toBe('new');
  });
});
