import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Cloudflare from 'cloudflare';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type Double, startDouble } from './double.ts';
import { RIGHTS } from './rights.ts';
import { endTurn, takeTurn } from './turn.ts';

interface Envelope {
  readonly success: boolean;
  readonly result: unknown;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
}

/** The library has no type for what it answers here. */
interface Rules {
  readonly id: string;
  readonly rules: readonly { readonly id: string }[];
}

let double: Double;
const folder = mkdtempSync(join(tmpdir(), 'double-'));
const account = (): { account_id: string } => ({ account_id: double.accountId });
const zone = (): { zone_id: string } => ({ zone_id: double.store.account.zones[0]?.id ?? '' });
const client = (token = double.token): Cloudflare =>
  new Cloudflare({ apiToken: token, baseURL: double.apiBase, maxRetries: 0, logLevel: 'off' });

beforeAll(async () => {
  double = await startDouble({ state: folder, zones: ['example.org'] });
});
afterAll(async () => {
  await double.stop();
  rmSync(folder, { recursive: true });
});

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${double.apiBase}${path.replace('/A/', `/${double.accountId}/`)}`, {
    method,
    headers: { authorization: `Bearer ${double.token}`, ...headers },
    ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, ...((await response.json()) as Envelope) };
}

/** A form as wrangler makes it. */
function upload(metadata: object, code = 'export default {}; export class Back {}; export class Store {}'): FormData {
  const form = new FormData();
  form.set('metadata', JSON.stringify({ main_module: 'main.js', ...metadata }));
  form.set('main.js', new File([code], 'main.js', { type: 'application/javascript+module' }));
  return form;
}

const put = (name: string, metadata: object, code?: string) =>
  call('PUT', `/accounts/A/workers/scripts/${name}?bindings_inherit=strict`, upload(metadata, code));
const secret = (name: string, text: string) => ({ type: 'secret_text', name, text });

describe('what the library’s types don’t allow', () => {
  it('is refused by name: an unknown field, a wrong value, what is missing, an unknown query', async ({ expect }) => {
    const buckets = '/accounts/A/r2/buckets';
    const messages = await Promise.all([
      call('POST', buckets, { name: 'a-b', colour: 'red' }),
      call('POST', buckets, { name: 'a-b', locationHint: 'mars' }),
      call('POST', buckets, {}),
      call('GET', `${buckets}?colour=red`),
      call('POST', buckets, { name: 'a-b' }, { 'cf-r2-jurisdiction': 'atlantis' }),
      call('GET', '/accounts/A/workers/subdomain?x=1'),
    ]);
    expect(messages.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 400]);
    expect(messages.map(({ errors }) => errors[0]?.message)).toEqual([
      expect.stringContaining('additional properties (colour)'),
      expect.stringContaining('locationHint must be equal to one of the allowed values (apac, eeur'),
      expect.stringContaining("required property 'name'"),
      expect.stringContaining('query: '),
      expect.stringContaining('cf-r2-jurisdiction'),
      expect.stringContaining('query x is not known'),
    ]);
  });

  it('is told of the binding that it is in, not of thirty others', async ({ expect }) => {
    const { errors } = await put('typed', { bindings: [{ type: 'plain_text', name: 'A', txt: 'x' }] });
    expect(errors[0]?.message).toMatch(/: bindings\.0 must have required property 'text'; [^;]*\(txt\)$/);
  });

  it('is refused of what the library itself sends, too', async ({ expect }) => {
    const wrong = client().rulesets.create({
      ...zone(),
      kind: 'zone',
      name: 'n',
      phase: 'http_ratelimit',
      rule: [],
    } as never);
    await expect(wrong).rejects.toThrow('additional properties (rule)');
  });

  it('has no route, no account and no token: refused and remembered', async ({ expect }) => {
    const before = double.unknownCalls().length;
    expect((await call('GET', '/accounts/A/queues')).errors[0]?.code).toBe(7003);
    expect(double.unknownCalls().slice(before)).toMatchObject([{ method: 'GET', status: 404, unknown: true }]);
    expect((await call('GET', `/accounts/${'0'.repeat(32)}/workers/scripts`)).status).toBe(403);
    const stranger = client('nobody');
    await expect(stranger.user.tokens.verify()).rejects.toMatchObject({ status: 401 });
    await expect(stranger.zones.list()).rejects.toMatchObject({ status: 403 });
  });

  it('needs the right of the route', async ({ expect }) => {
    const narrow = client(double.tokenWith([RIGHTS.zone]));
    expect((await narrow.zones.list({ name: 'example.org' })).result).toHaveLength(1);
    await expect(narrow.r2.buckets.create({ ...account(), name: 'not-mine' })).rejects.toMatchObject({ status: 403 });
    await expect(narrow.rulesets.phases.get('http_ratelimit', zone())).rejects.toMatchObject({ status: 403 });
    const waf = client(double.tokenWith([RIGHTS.waf]));
    await expect(waf.rulesets.phases.get('http_request_cache_settings', zone())).rejects.toMatchObject({ status: 403 });
  });
});

describe('the platform’s rules', () => {
  const sqlite = { new_tag: 'v1', steps: [{ new_sqlite_classes: ['Store'] }] };
  const object = { type: 'durable_object_namespace', name: 'STORE', class_name: 'Store' };

  it('of uploads: what is bound must be there', async ({ expect }) => {
    const code = async (metadata: object, text?: string) => (await put('rules', metadata, text)).errors[0]?.code;
    expect(await code({ main_module: 'other.js' })).toBe(10_021);
    expect(await code({}, 'export default {')).toBe(10_021);
    expect(await code({ compatibility_date: '2999-01-01' })).toBe(10_021);
    expect(await code({ bindings: [object] })).toBe(10_061);
    expect(await code({ bindings: [{ type: 'service', name: 'B', service: 'nobody' }] })).toBe(10_143);
    expect(await code({ bindings: [{ type: 'r2_bucket', name: 'R', bucket_name: 'nothing' }] })).toBe(10_085);
    expect(await code({ bindings: [{ type: 'inherit', name: 'KEY' }] })).toBe(10_057);
    expect(await code({ bindings: [secret('K', '1'), secret('K', '2')] })).toBe(10_021);
    // Nothing of it has stayed.
    expect((await call('GET', '/accounts/A/workers/services/rules')).errors[0]?.code).toBe(10_007);
    expect((await put('back', {})).success).toBe(true);
    const service = (entrypoint: string) => ({ type: 'service', name: 'B', service: 'back', entrypoint });
    expect(await code({ bindings: [service('Front')] })).toBe(10_144);
    expect(await code({ bindings: [service('Back')] })).toBe(undefined);
  });

  it('of migrations: tags, classes, and no version may bring one', async ({ expect }) => {
    expect((await put('moved', { migrations: { ...sqlite, old_tag: 'v0' } })).errors[0]?.code).toBe(10_079);
    expect((await put('moved', { migrations: sqlite }, 'export default {}')).errors[0]?.code).toBe(10_070);
    expect((await put('moved', { migrations: sqlite, bindings: [object] })).success).toBe(true);
    expect((await put('moved', {}, 'export default {}')).errors[0]?.code).toBe(10_064);
    const again = { old_tag: 'v1', new_tag: 'v2', steps: [{ new_sqlite_classes: ['Store'] }] };
    expect((await put('moved', { migrations: again })).errors[0]?.code).toBe(10_074);
    const version = upload({ migrations: { old_tag: 'v1', new_tag: 'v2', steps: [{ new_sqlite_classes: ['Back'] }] } });
    expect((await call('POST', '/accounts/A/workers/scripts/moved/versions', version)).errors[0]?.code).toBe(10_211);
    const [first] = double.store.account.workers['moved']?.versions ?? [];
    expect(
      (await put('moved', { migrations: { old_tag: 'v1', new_tag: 'v2', steps: [{ new_sqlite_classes: ['Back'] }] } }))
        .success,
    ).toBe(true);
    const past = { strategy: 'percentage', versions: [{ version_id: first?.id, percentage: 100 }] };
    const { errors } = await call('POST', '/accounts/A/workers/scripts/moved/deployments', past);
    expect(errors[0]?.message).toContain("before migration 'v2'");
  });

  it('of versions: secrets are kept, never told, and stand in a rollback’s way', async ({ expect }) => {
    const path = '/accounts/A/workers/scripts/versioned';
    await put('versioned', { bindings: [secret('KEY', 'first')] });
    const uploaded = await call(
      'POST',
      `${path}/versions?bindings_inherit=strict`,
      upload({ bindings: [secret('KEY', 'second')] }),
    );
    const second = (uploaded.result as { id: string }).id;
    expect((await call('PUT', `${path}/secrets`, secret('KEY', 'third'))).errors[0]?.code).toBe(10_215);
    const first = double.store.account.workers['versioned']?.deployments[0]?.versions[0]?.version_id ?? '';
    const share = (...versions: [string, number][]) =>
      call('POST', `${path}/deployments`, {
        strategy: 'percentage',
        versions: versions.map(([version_id, percentage]) => ({ version_id, percentage })),
      });
    expect((await share([second, 50])).errors[0]?.message).toContain('total 100, and total 50');
    expect((await share([second, 50], [second, 50])).success).toBe(false);
    expect((await share([first, 90], [second, 10])).success).toBe(true);
    const { errors } = await share([first, 100]);
    expect(errors[0]).toEqual({
      code: 10_220,
      message: expect.stringMatching(/The following secrets have changed: KEY$/),
    });
    expect((await share([second, 100])).success).toBe(true);
    const third = await call(
      'POST',
      `${path}/versions?bindings_inherit=strict`,
      upload({ bindings: [{ type: 'inherit', name: 'KEY' }] }),
    );
    expect(JSON.stringify(third)).toContain('"KEY"');
    const told = await Promise.all(
      ['', '/versions', `/versions/${second}`, '/settings', '/secrets', '/secrets/KEY', '/deployments'].map((rest) =>
        call('GET', rest === '' ? '/accounts/A/workers/services/versioned' : `${path}${rest}`),
      ),
    );
    expect(told.every(({ success }) => success)).toBe(true);
    expect(JSON.stringify(told)).not.toMatch(/"first"|"second"|"third"/);
    expect(double.store.account.workers['versioned']?.versions[0]?.bindings).toEqual([secret('KEY', 'second')]);
  });

  it('of a secret before its Worker: refused; the draft that wrangler then makes has no code of ours', async ({
    expect,
  }) => {
    expect((await call('PUT', '/accounts/A/workers/scripts/early/secrets', secret('K', 'x'))).errors[0]?.code).toBe(
      10_007,
    );
    expect((await put('early', {}, 'export default { fetch() {} }')).success).toBe(true);
    expect((await call('PUT', '/accounts/A/workers/scripts/early/secrets', secret('K', 'x'))).success).toBe(true);
    const [version] = double.store.account.workers['early']?.versions ?? [];
    expect(version).toMatchObject({ exports: ['default'], bindings: [secret('K', 'x')] });
  });

  it('of buckets and hosts: a name is taken once, in its jurisdiction', async ({ expect }) => {
    const { r2, workers } = client();
    const eu = { ...account(), name: 'taken', 'cf-r2-jurisdiction': 'eu' } as const;
    await r2.buckets.create(eu);
    await expect(r2.buckets.create(eu)).rejects.toMatchObject({ status: 409, errors: [{ code: 10_004 }] });
    await expect(r2.buckets.get('taken', account())).rejects.toMatchObject({ status: 404 });
    await put('host-a', {});
    await put('host-b', {});
    const host = { ...account(), ...zone(), hostname: 'keys.example.org' };
    await workers.domains.update({ ...host, service: 'host-a' });
    await expect(workers.domains.update({ ...host, service: 'host-b' })).rejects.toMatchObject({ status: 409 });
    await expect(
      workers.domains.update({ ...host, hostname: 'keys.other.org', service: 'host-a' }),
    ).rejects.toMatchObject({ status: 400 });
    double.store.account.zones[0]?.dnsRecords.push({ name: 'old.example.org', type: 'A', content: '192.0.2.1' });
    double.store.save();
    const old = workers.domains.update({ ...host, hostname: 'old.example.org', service: 'host-a' });
    await expect(old).rejects.toMatchObject({ status: 409, errors: [{ code: 100_117 }] });
  });

  it('of rules: one set a phase, and actions that the phase has', async ({ expect }) => {
    const { rulesets } = client();
    const cache = { action: 'set_cache_settings', expression: 'true', action_parameters: { cache: true } } as const;
    const wanted = { ...zone(), kind: 'zone', name: 'default', phase: 'http_request_cache_settings' } as const;
    const made = (await rulesets.create({ ...wanted, rules: [cache] })) as Rules;
    await expect(rulesets.create(wanted)).rejects.toThrow('maximum number of zone rulesets');
    await expect(rulesets.create({ ...wanted, phase: 'http_ratelimit', rules: [cache] })).rejects.toThrow(
      'not allowed in the phase',
    );
    const rule = { ...zone(), ruleset_id: made.id, ...cache, expression: 'false', ref: 'ours' };
    const changed = (await rulesets.rules.edit(made.rules[0]?.id ?? '', rule)) as Rules;
    expect(changed.rules).toMatchObject([{ ref: 'ours', expression: 'false', version: '2' }]);
  });
});

describe('faults', () => {
  const buckets = '/accounts/*/r2/buckets';
  const make = (name: string) => call('POST', '/accounts/A/r2/buckets', { name });
  const has = async (name: string) => (await call('GET', `/accounts/A/r2/buckets/${name}`)).success;

  it('come at the call they were given for, and then no more', async ({ expect }) => {
    double.fail({ kind: 'too-many', retryAfterSeconds: 7, method: 'POST', path: buckets, call: 2 });
    expect((await make('fault-one')).status).toBe(200);
    const limited = await make('fault-two');
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7']);
    expect(await has('fault-two')).toBe(false);
    expect((await make('fault-two')).status).toBe(200);
    double.fail({ kind: 'server-error', path: buckets, method: 'POST', times: 2 });
    expect([(await make('x-1')).status, (await make('x-1')).status, (await make('x-1')).status]).toEqual([
      500, 500, 200,
    ]);
    double.fail({ kind: 'forbidden', path: '/accounts/**' });
    expect((await make('x-2')).errors[0]?.code).toBe(10_000);
  });

  it('cut the connection before the effect, or after it', async ({ expect }) => {
    double.fail({ kind: 'cut', when: 'before', method: 'POST', path: buckets });
    await expect(make('cut-before')).rejects.toThrow('fetch failed');
    expect(await has('cut-before')).toBe(false);
    double.fail({ kind: 'cut', when: 'after', method: 'POST', path: buckets });
    await expect(make('cut-after')).rejects.toThrow();
    expect(await has('cut-after')).toBe(true);
    expect(double.calls().filter(({ status }) => status === 0)).toHaveLength(2);
  });
});

describe('state', () => {
  it('is the account’s for the next double on the folder, and for one beside it, call by call', async ({ expect }) => {
    const other = await startDouble({ state: folder });
    try {
      const theirs = new Cloudflare({ apiToken: other.token, baseURL: other.apiBase, maxRetries: 0 });
      const names = Array.from({ length: 8 }, (_, index) => `beside-${index}`);
      await Promise.all(
        names.map((name, index) => (index % 2 === 0 ? client() : theirs).r2.buckets.create({ ...account(), name })),
      );
      const { buckets = [] } = await theirs.r2.buckets.list({ ...account(), name_contains: 'beside-' });
      expect(new Set(buckets.map(({ name }) => name))).toEqual(new Set(names));
      expect(other.accountId).toBe(double.accountId);
    } finally {
      await other.stop();
    }
  });

  it('is readable for its owner alone, whole, and refused when it isn’t ours', async ({ expect }) => {
    const file = join(folder, 'account.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ format: 1, id: double.accountId });
    const strange = mkdtempSync(join(tmpdir(), 'double-'));
    writeFileSync(join(strange, 'account.json'), '{"format":9}');
    await expect(startDouble({ state: strange })).rejects.toThrow("format 9 isn't 1");
    rmSync(strange, { recursive: true });
  });
});

describe('turns of commands that run at once', () => {
  it('go on past one that was killed, or that a full disk stopped in the midst of making its file', async ({
    expect,
  }) => {
    for (const left of ['', '4194305']) {
      const path = join(folder, `turn-${left}`);
      writeFileSync(path, left);
      await takeTurn(path);
      expect(readFileSync(path, 'utf8')).toBe(String(process.pid));
      endTurn(path);
    }
    expect(readdirSync(folder).filter((name) => name.startsWith('turn-'))).toEqual([]);
    await expect(takeTurn(join(folder, 'none', 'turn'))).rejects.toThrow('ENOENT');
  });
});
