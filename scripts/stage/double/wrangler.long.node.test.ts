import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Cloudflare from 'cloudflare';
import { it } from 'vitest';
import { ROOT } from '../../../local-edge/workers.ts';
import { runChild } from '../../support/command-line/child.ts';
import { type Double, startDouble } from './double.ts';

const COUNTER = `
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';
export class Counter extends DurableObject {
  async next() {
    const count = ((await this.ctx.storage.get('count')) ?? 0) + 1;
    await this.ctx.storage.put('count', count);
    return count;
  }
}
export class Back extends WorkerEntrypoint {
  async keep(key, text) { await this.env.FILES.put(key, text); }
}
export default {
  async fetch(request, env) {
    const count = await env.COUNTER.get(env.COUNTER.idFromName('one')).next();
    return Response.json({ count, name: env.NAME, key: env.KEY, version: env.META.id, url: request.url });
  },
};`;
const COUNTER_TOML = `
name = "try-counter"
main = "counter.js"
compatibility_date = "2026-11-01"
workers_dev = false
preview_urls = false
triggers = { crons = ["*/5 * * * *"] }
limits = { cpu_ms = 120000 }
durable_objects.bindings = [{ name = "COUNTER", class_name = "Counter" }]
migrations = [{ tag = "v1", new_sqlite_classes = ["Counter"] }]
r2_buckets = [{ binding = "FILES", bucket_name = "try-files", jurisdiction = "eu" }]
version_metadata = { binding = "META" }
secrets.required = ["KEY"]
vars = { NAME = "first" }
observability = { enabled = true, redact_query_string = true, logs = { enabled = true, invocation_logs = false } }`;
const FRONT = `export default {
  async fetch(request, env) {
    await env.BACK.keep(new URL(request.url).pathname.slice(1), 'kept');
    return new Response((await fetch('https://example.com/')).status.toString());
  },
};`;
const FRONT_TOML = `
name = "try-front"
main = "front.js"
compatibility_date = "2026-11-01"
workers_dev = false
preview_urls = false
services = [{ binding = "BACK", service = "try-counter", entrypoint = "Back" }]`;

interface Counted {
  readonly count: number;
  readonly name: string;
  readonly key: string;
  readonly version: string;
  readonly url: string;
}

function ask(double: Double, host: string, path = '/', headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    request(double.edge + path, { headers: { ...headers, host }, agent: false }, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.once('end', () => resolve(text));
      response.once('error', reject);
    })
      .once('error', reject)
      .end();
  });
}

it('wrangler and npm cloudflare, as they are, deploy to it, share out traffic, roll back and delete; no request is lost', async ({
  expect,
}) => {
  const folder = mkdtempSync(join(tmpdir(), 'double-'));
  const files = { 'counter.js': COUNTER, 'counter.toml': COUNTER_TOML, 'front.js': FRONT, 'front.toml': FRONT_TOML };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  for (const key of ['one', 'two']) writeFileSync(join(folder, `${key}.json`), JSON.stringify({ KEY: key }));
  const state = join(folder, 'state');
  let double = await startDouble({ state, zones: ['example.org'] });
  const wrangler = async (command: string): Promise<string> => {
    const bin = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');
    const { code, stdout, stderr } = await runChild(process.execPath, [bin, ...command.split(' ')], {
      cwd: folder,
      output: 'kept',
      environment: {
        CLOUDFLARE_API_BASE_URL: double.apiBase,
        CLOUDFLARE_API_TOKEN: double.token,
        CLOUDFLARE_ACCOUNT_ID: double.accountId,
        WRANGLER_LOG_PATH: folder,
        WRANGLER_SEND_METRICS: 'false',
        WRANGLER_HIDE_BANNER: 'true',
        CI: '1',
      },
    });
    expect(`${command}: ${code}`, stdout + stderr).toBe(`${command}: 0`);
    return stdout;
  };
  const counted = async (overrides?: string): Promise<Counted> => {
    const headers = overrides === undefined ? {} : { 'cloudflare-workers-version-overrides': overrides };
    return JSON.parse(await ask(double, 'counter.example.org', '/', headers)) as Counted;
  };
  try {
    await wrangler('r2 bucket create try-files -J eu');
    await wrangler('deploy -c counter.toml --secrets-file one.json --strict --tag release-1');
    await wrangler('deploy -c front.toml');
    const client = new Cloudflare({ apiToken: double.token, baseURL: double.apiBase, maxRetries: 0 });
    const account = { account_id: double.accountId };
    const [zone] = (await client.zones.list({ name: 'example.org' })).result;
    for (const worker of ['counter', 'front']) {
      await client.workers.domains.update({
        ...account,
        hostname: `${worker}.example.org`,
        service: `try-${worker}`,
        zone_id: zone?.id ?? '',
      });
    }
    const first = await counted();
    expect(first).toMatchObject({ count: 1, name: 'first', key: 'one', url: 'https://counter.example.org/' });
    expect(await ask(double, 'front.example.org', '/a/key')).toBe('530');
    const bucket = { ...account, 'cf-r2-jurisdiction': 'eu' } as const;
    expect((await client.r2.buckets.objects.list('try-files', bucket)).result).toMatchObject([
      { key: 'a/key', size: 4 },
    ]);
    await expect(client.r2.buckets.delete('try-files', bucket)).rejects.toMatchObject({ status: 409 });

    const uploaded = await wrangler(
      'versions upload -c counter.toml --secrets-file two.json --tag release-2 --var NAME:second',
    );
    const second = /Worker Version ID: (\S+)/.exec(uploaded)?.[1] ?? '';
    expect((await counted(`try-counter="${second}"`)).version).toBe(first.version);
    await wrangler(`versions deploy -c counter.toml ${first.version}@100% ${second}@0% -y`);
    expect(await counted(`try-counter="${second}"`)).toMatchObject({
      name: 'second',
      key: 'two',
      version: second,
      count: 3,
    });
    expect(await counted()).toMatchObject({ name: 'first', count: 4 });

    const counts = [4];
    const ended = new AbortController();
    let deployed = false;
    const load = (async () => {
      while (!ended.signal.aborted) {
        const answer = await counted();
        counts.push(answer.count);
        deployed ||= answer.version === second;
      }
    })();
    await wrangler(`versions deploy -c counter.toml ${second}@100% -y`);
    expect((await counted()).version).toBe(second);
    ended.abort();
    await load;
    expect(deployed).toBe(true);
    // Each was counted once, but for the one that was asked beside them.
    expect(new Set(counts).size).toBe(counts.length);
    expect((await counted()).count).toBe(4 + counts.length + 1);

    await wrangler(`rollback ${first.version} -c counter.toml -y`);
    await wrangler('triggers deploy -c counter.toml');
    expect(await wrangler('secret list -c counter.toml')).toContain('"KEY"');
    await double.stop();
    double = await startDouble({ state });
    expect(await counted()).toMatchObject({ name: 'first', count: 4 + counts.length + 2 });
    await wrangler('delete --name try-front --force');
    expect(await ask(double, 'front.example.org')).toContain('nobody answers');
    expect(double.unknownCalls()).toEqual([]);
  } finally {
    await double.stop();
    rmSync(folder, { recursive: true });
  }
}, 120_000);
