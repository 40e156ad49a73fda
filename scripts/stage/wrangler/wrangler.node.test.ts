import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, test } from 'vitest';
import { readEnvironments, WRANGLER_TOML } from '../../../local-edge/workers.ts';
import { temporaryFolder } from '../../support/command-line/interrupt.ts';
import { type FoundWorker, othersWorkers } from './account-workers.ts';
import { settingFields, versionFields } from './compare.ts';
import { configurationFile, configurationOf, isEdited, writeConfiguration } from './configuration.ts';
import { fingerprintOf, readTag, secretMarks, tagOf } from './fingerprint.ts';
import { DEPLOY_ORDER } from './order.ts';
import { schemasAhead, schemasOf } from './schema-versions.ts';
import { removeLeftBehind, withSecretsFile } from './secrets-file.ts';

const placed = { jurisdiction: 'eu', prefix: 'warn', certificates: [{ binding: 'NL', id: 'c1' }] } as const;
const of = (worker: (typeof DEPLOY_ORDER)[number]) =>
  configurationOf(worker, { placed, vars: { HOME_COUNTRY: 'NL' }, secrets: ['B_KEY', 'A_KEY'] });

test('the order has every Worker once, and each after those that it is bound to', ({ expect }) => {
  expect([...DEPLOY_ORDER].toSorted()).toEqual(
    readEnvironments()
      .map(({ environment }) => environment)
      .toSorted(),
  );
  for (const [at, worker] of DEPLOY_ORDER.entries()) {
    const bound = (of(worker).services ?? []).map(({ service }) => service.replace('warn-', ''));
    for (const service of bound) expect(DEPLOY_ORDER.slice(0, at)).toContain(service);
  }
});

describe('generated configuration', () => {
  test('has the stage’s names, jurisdiction, variables, secrets and certificates, and wrangler.toml’s all else', ({
    expect,
  }) => {
    expect(of('federation')).toMatchObject({
      name: 'warn-federation',
      r2_buckets: [
        { binding: 'FEEDS', bucket_name: 'warn-feeds', jurisdiction: 'eu' },
        { binding: 'DIRECTORY', bucket_name: 'warn-directory', jurisdiction: 'eu' },
      ],
      services: [{ binding: 'EXCHANGE', service: 'warn-origin', entrypoint: 'Exchange' }],
      mtls_certificates: [{ binding: 'NL', certificate_id: 'c1' }],
      secrets: { required: ['A_KEY', 'B_KEY'] },
      workers_dev: false,
      preview_urls: false,
      observability: { logs: { invocation_logs: false }, traces: { enabled: false } },
    });
    expect(of('federation').vars).toMatchObject({ HOME_COUNTRY: 'NL', PEERS: '' });
    expect(of('origin').mtls_certificates).toBeUndefined();
  });

  test('leaves out no field of wrangler.toml, and no top-level field that holds for Workers', ({ expect }) => {
    const {
      env,
      name: _,
      ...top
    } = parse(readFileSync(WRANGLER_TOML, 'utf8')) as Record<string, Record<string, object>>;
    for (const worker of DEPLOY_ORDER) {
      const has = new Set(Object.keys(of(worker)));
      expect([...Object.keys(env?.[worker] ?? {}), ...Object.keys(top)].filter((field) => !has.has(field))).toEqual([]);
    }
  });

  test('says whether somebody edited it, and is written anew', ({ expect }) => {
    const folder = temporaryFolder('configuration');
    const file = configurationFile(folder.path);
    expect(writeConfiguration(folder.path, of('index'), 'stages/x.toml')).toBe(false);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('"logpush": false', '"logpush": true'));
    expect(isEdited(readFileSync(file, 'utf8'))).toBe(true);
    expect(writeConfiguration(folder.path, of('index'), 'stages/x.toml')).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe(text);
    folder.remove();
  });
});

describe('a version’s tag', () => {
  const content = { bundle: { hash: 'h' }, configuration: of('index'), marks: { A: '1' } };

  test('is read again, fits the platform’s 100 bytes, and is nobody else’s', ({ expect }) => {
    const tag = tagOf('0123456789abcdef0123456789abcdef01234567', fingerprintOf(content));
    expect(readTag(tag)).toEqual({ commit: '0123456789ab', fingerprint: fingerprintOf(content) });
    expect(Buffer.byteLength(tag)).toBeLessThanOrEqual(100);
    expect(readTag(tagOf(null, fingerprintOf(content)))).toMatchObject({ commit: 'unknown' });
    for (const other of [null, '', 'v1', `${tag}x`]) expect(readTag(other)).toBeNull();
  });

  test('changes with code, configuration and any secret', ({ expect }) => {
    const all = [
      content,
      { ...content, bundle: { hash: 'i' } },
      { ...content, marks: { A: '2' } },
      { ...content, configuration: of('config') },
    ];
    expect(new Set(all.map((each) => fingerprintOf(each))).size).toBe(all.length);
  });

  test('marks of secrets tell two apart, and nothing to who hasn’t the key', ({ expect }) => {
    const key = new Uint8Array(32).fill(1);
    const marks = secretMarks({ B: 'x', A: 'x' }, key);
    expect(marks['A']).not.toBe(marks['B']);
    expect(secretMarks({ A: 'x' }, key)['A']).toBe(marks['A']);
    expect(secretMarks({ A: 'y' }, key)['A']).not.toBe(marks['A']);
    expect(secretMarks({ A: 'x' }, new Uint8Array(32).fill(2))['A']).not.toBe(marks['A']);
  });
});

describe('a Worker beside the stage’s', () => {
  const configuration = of('config');
  const fingerprint = 'f'.repeat(24);
  const wanted = { configuration, fingerprint, secrets: ['A_KEY'] };
  const active = {
    id: 'v1',
    number: 1,
    tag: tagOf(null, fingerprint),
    stage: 'demo',
    source: 'wrangler',
    triggeredBy: null,
    createdOn: null,
    bindings: [
      { name: 'HOME_COUNTRY', type: 'plain_text', text: 'NL' },
      { name: 'PUBLIC', type: 'r2_bucket', bucket_name: 'warn-public', jurisdiction: 'eu' },
      { name: 'A_KEY', type: 'secret_text' },
    ],
    compatibilityDate: configuration.compatibility_date,
    cpuMs: null,
    migrationTag: null,
  };
  const found: FoundWorker = {
    traffic: [{ versionId: 'v1', percentage: 100 }],
    active,
    settings: {
      logpush: false,
      observability: { ...configuration.observability, head_sampling_rate: 1 },
      tailConsumers: [],
    },
    crons: [],
    workersDev: false,
    previewUrls: false,
  };

  test('is the same where it is the same', ({ expect }) => {
    expect([...versionFields(wanted, found), ...settingFields(wanted, found)]).toEqual([]);
  });

  test('is another stage’s where another stage’s release made it, and nobody’s where none did', ({ expect }) => {
    const workers = [
      { script: 'warn-index', found },
      { script: 'warn-config', found: { active: { ...active, stage: null } } },
      { script: 'warn-origin', found: null },
    ];
    expect(othersWorkers(workers, 'demo')).toEqual([]);
    expect(othersWorkers(workers, 'copy')).toEqual(['warn-index: it is of the stage demo']);
  });

  test.for([
    ['a variable', { bindings: active.bindings.map((one) => ({ ...one, text: 'DE' })) }, 'HOME_COUNTRY'],
    ['a bucket elsewhere', { bindings: active.bindings.map((one) => ({ ...one, jurisdiction: 'us' })) }, 'PUBLIC'],
    ['a secret that is gone', { bindings: active.bindings.slice(0, 2) }, 'A_KEY'],
    ['a binding more', { bindings: [...active.bindings, { name: 'KV', type: 'kv_namespace' }] }, 'KV'],
    ['other code', { tag: tagOf(null, 'e'.repeat(24)) }, 'code or a secret'],
    ['somebody else’s version', { tag: null, triggeredBy: 'secret' }, 'made by'],
    ['more CPU', { cpuMs: 5 }, 'limits.cpu_ms'],
  ] as const)('%s is a field of the version', ([, change, name], { expect }) => {
    expect(versionFields(wanted, { ...found, active: { ...active, ...change } }).map((field) => field.name)).toEqual([
      name,
    ]);
  });

  test.for([
    [
      'whole requests in logs',
      {
        settings: {
          ...found.settings,
          observability: { ...configuration.observability, logs: { enabled: true, invocation_logs: true } },
        },
      },
      'observability.logs.invocation_logs',
    ],
    ['a log job', { settings: { ...found.settings, logpush: true } }, 'logpush'],
    ['somebody who reads along', { settings: { ...found.settings, tailConsumers: ['tail'] } }, 'tail_consumers'],
    ['an address beside', { workersDev: true }, 'workers_dev'],
    ['a version beside', { traffic: [...found.traffic, { versionId: 'v2', percentage: 0 }] }, 'traffic'],
  ] as const)('%s is a setting', ([, change, name], { expect }) => {
    expect(settingFields(wanted, { ...found, ...change }).map((field) => field.name)).toEqual([name]);
  });
});

describe('the file of secrets', () => {
  test('is its owner’s alone, gone afterwards whatever happens, and what a killed run left goes with the next', async ({
    expect,
  }) => {
    const folder = temporaryFolder('secrets-file');
    let seen = '';
    const left = join(folder.path, 'exposure-edge-secrets-4194305-x');
    mkdirSync(left);
    mkdirSync(join(folder.path, 'exposure-edge-wrangler-4194305-x'));
    removeLeftBehind(folder.path);
    expect(readdirSync(folder.path)).toEqual([]);
    await expect(
      withSecretsFile(
        { A: '$x' },
        async (file) => {
          seen = file ?? '';
          expect(statSync(seen).mode & 0o777).toBe(0o600);
          expect(statSync(join(seen, '..')).mode & 0o777).toBe(0o700);
          expect(JSON.parse(readFileSync(seen, 'utf8'))).toEqual({ A: '$x' });
          throw new Error('wrangler failed');
        },
        folder.path,
      ),
    ).rejects.toThrow('wrangler failed');
    expect([existsSync(seen), existsSync(join(seen, '..'))]).toEqual([false, false]);
    expect(await withSecretsFile({}, async (file) => file, folder.path)).toBeNull();
    folder.remove();
  });

  test.runIf(process.getuid?.() === 0)(
    'what another user’s run left is left to them, and stops nobody',
    ({ expect }) => {
      const folder = temporaryFolder('secrets');
      const left = join(folder.path, 'exposure-edge-secrets-4194305-x');
      mkdirSync(left);
      chownSync(left, 65_534, 65_534);
      removeLeftBehind(folder.path);
      expect(existsSync(left)).toBe(true);
      folder.remove();
    },
  );
});

test('a store that is ahead of the code is named', ({ expect }) => {
  expect(schemasAhead({ Publisher: 9, Gone: 1 }, { Publisher: 8 })).toEqual([
    'Publisher is at schema 9, this code knows 8',
    'Gone is at schema 1, this code knows 0',
  ]);
  expect(schemasAhead({ Publisher: 8 }, { Publisher: 9 })).toEqual([]);
  expect(schemasOf({ ResultStore: 6, Publisher: 9 }, of('laboratory'))).toEqual({ ResultStore: 6 });
});
