import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { armor, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import { readEnvironments, ROOT } from '../../../local-edge/workers.ts';
import { LOCAL_ROUTES } from '../../../local-edge/workers.ts';
import { workerFor } from './gate/routes.ts';
import { readSettings } from './settings.ts';
import { readDeployment } from './workerd/bindings.ts';
import { workerdConfig } from './workerd/config.ts';

const EXAMPLE = readFileSync(join(ROOT, 'deploy/serve.toml'), 'utf8');
const NOWHERE = { secrets: null, storeCredentials: null };
let folder: string;

/** Reads the example, changed. */
async function read(change: (toml: string) => string = (same) => same) {
  const file = join(folder, 'serve.toml');
  writeFileSync(file, change(EXAMPLE));
  return readSettings(file, NOWHERE);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'settings-'));
  mkdirSync(join(folder, 'people'));
  const names = readEnvironments().flatMap(({ secrets }) => secrets);
  writeFileSync(
    join(folder, 'secrets.json'),
    JSON.stringify(Object.fromEntries(names.map((name) => [name, 'hidden']))),
    { mode: 0o600 },
  );
  writeFileSync(join(folder, 'store.json'), '{"accessKeyId":"id","secretAccessKey":"hidden"}', { mode: 0o600 });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('serve.toml', () => {
  it('the example is right as it stands', async ({ expect }) => {
    expect(await read()).toMatchObject({
      listen: '127.0.0.1:8787',
      store: { region: 'eu-central-1', buckets: { private: 'exposure-edge-private' } },
    });
  });

  it('a service of an operator is one of the portal’s, too', async ({ expect }) => {
    const service = `\n[[services]]\nid = "night"\nsecret_sha256 = "${'0'.repeat(64)}"\nperson = "a@b.example"\n`;
    expect((await read((toml) => toml + service)).vars['portal']).toMatchObject({
      OPERATOR_SERVICES: 'night=a@b.example',
    });
  });

  it.for([
    ['a misspelt field', (toml: string) => `sate = "x"\n${toml}`, 'sate'],
    [
      'a misspelt variable',
      (toml: string) => toml.replace('[vars.origin]', '[vars.origin]\nMIN_KEY = "1"'),
      'vars.origin.MIN_KEY',
    ],
    ['a Worker that is none', (toml: string) => `${toml}\n[vars.uploads]\nA = "1"`, 'vars.uploads'],
    ['an address that others reach', (toml: string) => toml.replace('127.0.0.1:8787', '0.0.0.0:8787'), 'listen'],
    [
      'one bucket for two',
      (toml: string) => toml.replace('"exposure-edge-private"', '"exposure-edge-public"'),
      'store.buckets',
    ],
    ['no TOML', () => 'state = ', 'serve.toml'],
  ] as const)('%s is refused by name', async ([, change, name], { expect }) => {
    await expect(read(change)).rejects.toThrow(name);
  });

  it('secrets that others may read, that are missing, or that are none', async ({ expect }) => {
    const file = join(folder, 'secrets.json');
    const good = readFileSync(file, 'utf8');
    chmodSync(file, 0o640);
    await expect(read()).rejects.toThrow(`others may read it (mode 640): chmod 600 ${file}`);
    chmodSync(file, 0o600);
    writeFileSync(file, good.replace('TAN_MAC_KEY', 'TAN_MAK_KEY'));
    await expect(read()).rejects.toThrow('TAN_MAC_KEY: is missing; upload needs it');
    writeFileSync(file, '{');
    await expect(read()).rejects.toThrow(/secrets\.json: is not of its format/);
    writeFileSync(file, good);
    await expect(read()).resolves.toBeDefined();
  });
});

describe('secrets that are sealed', () => {
  it('are opened with the identity that a variable names, and with no other', async ({ expect }) => {
    const [identity, other] = [await generateIdentity(), await generateIdentity()];
    const encrypter = new Encrypter();
    encrypter.addRecipient(await identityToRecipient(identity));
    const secrets = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')) as Record<string, string>;
    const { LABORATORY_LIST_PUBLIC_KEY: _, ...sealed } = secrets;
    const text = JSON.stringify({ format: 1, markKey: '', secrets: sealed });
    writeFileSync(join(folder, 'x.secrets.age'), armor.encode(await encrypter.encrypt(text)));
    writeFileSync(join(folder, 'list.pem'), 'listed');
    writeFileSync(join(folder, 'identity.txt'), `# a comment\n${identity}\n`, { mode: 0o600 });
    const change = (toml: string) =>
      toml.replace('"secrets.json"', '"x.secrets.age"\nlaboratory_list_public_key = "list.pem"');
    await expect(read(change)).rejects.toThrow('EXPOSURE_EDGE_IDENTITY must name');
    vi.stubEnv('EXPOSURE_EDGE_IDENTITY', join(folder, 'identity.txt'));
    expect((await read(change)).secrets).toEqual({ ...secrets, LABORATORY_LIST_PUBLIC_KEY: 'listed' });
    writeFileSync(join(folder, 'identity.txt'), other);
    await expect(read(change)).rejects.toThrow('sealed to somebody else');
    vi.unstubAllEnvs();
  });
});

describe('workerd’s configuration', () => {
  const options = () => ({
    deployment: readDeployment(),
    vars: {},
    secretNames: new Set(['EXPORT_FORMER_SIGNING_KEY']),
    people: [],
    services: [],
    objects: '/o',
    listen: '127.0.0.1:1',
    clock: null,
    sockets: { gateway: '/g', control: '/c', keepers: { portal: '/p' } },
  });

  it('has each binding of wrangler.toml, and no Worker has another’s', ({ expect }) => {
    const text = workerdConfig(options());
    const [, index = ''] = /const windex :[^]*?bindings = \[([^\]]*)\]/.exec(text) ?? [];
    const kinds = [...index.matchAll(/name = "(\w+)", (\w+)/g)].map(([, name, kind]) => `${name} ${kind}`);
    expect(kinds).toEqual(['REGIONS text', 'PUBLIC r2Bucket', 'DIRECTORY r2Bucket']);
    expect(text.match(/globalOutbound = "internet"/g)).toHaveLength(2);
    expect(text.match(/enableSql = true/g)).toHaveLength(
      readFileSync(join(ROOT, 'wrangler.toml'), 'utf8').match(/class_name/g)?.length ?? 0,
    );
  });

  it('has no secret in it, by their names alone', ({ expect }) => {
    const text = workerdConfig(options());
    for (const { secrets } of readEnvironments()) {
      for (const name of secrets) expect(text).toContain(`(name = "${name}", fromEnvironment = "SECRET_${name}")`);
    }
  });

  it('a key that is being replaced is held by origin alone', ({ expect }) => {
    const text = workerdConfig(options());
    expect(text.match(/name = "EXPORT_FORMER_SIGNING_KEY"/g)).toHaveLength(1);
    expect(text).not.toContain('EFGS_SIGNING_KEY');
  });

  it('a kind of binding that serving does not know is refused', ({ expect }) => {
    const toml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8').replace(
      '[env.index]',
      '[env.index]\nkv_namespaces = []',
    );
    expect(() => readDeployment(toml)).toThrow('kv_namespaces');
  });

  it('a variable with a control character is refused', ({ expect }) => {
    expect(() => workerdConfig({ ...options(), vars: { index: { REGIONS: 'DE\u0000' } } })).toThrow(
      'control character',
    );
  });
});

describe('the gate', () => {
  it.for([
    ['/version/v1/diagnosis-keys', 'upload'],
    ['/version/v1/diagnosis-keys/country/DE/date', 'index'],
    ['/v1/publish', 'upload'],
    ['/v1/config/DE.json', 'config'],
    ['/version/v1/app_config_ios', 'config'],
    ['/version/v1/tan', 'verification'],
    ['/api/verify', 'verification'],
    ['/v1/DE/manifest.json', 'index'],
    ['/operator/tans', 'index'],
    ['/staff', 'index'],
    ['/api/v1/lab/results', 'index'],
  ] as const)('%s is for %s', ([path, worker], { expect }) => {
    const routes = Object.fromEntries(
      ['upload', 'config', 'verification'].map((name) => [name, LOCAL_ROUTES[name] ?? []]),
    );
    expect(workerFor(routes, path)).toBe(worker);
  });
});
