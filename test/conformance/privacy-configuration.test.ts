/**
 * @module What a deployment may log and keep, read from wrangler.toml (docs/architecture.md §10; docs/spec/platform.md §1.5): addresses and
 * headers would get into invocation logs, traces, Logpush and tail Workers, whatever our code does.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { describe, it } from 'vitest';

type Table = Readonly<Record<string, unknown>>;
const toml = parse(readFileSync(new URL('../../wrangler.toml', import.meta.url), 'utf8')) as Table;
const environments = Object.entries(toml['env'] as Readonly<Record<string, Table>>);

describe('wrangler.toml', () => {
  it('switches off everything that records requests, for all environments', ({ expect }) => {
    expect(toml).toMatchObject({
      logpush: false,
      workers_dev: false,
      preview_urls: false,
      send_metrics: false,
      observability: { redact_query_string: true, logs: { invocation_logs: false }, traces: { enabled: false } },
    });
    for (const key of ['tail_consumers', 'streaming_tail_consumers', 'analytics_engine_datasets'])
      expect(toml).not.toHaveProperty(key);
  });

  it.for(environments)('%s overrides none of it', ([, environment], { expect }) => {
    const recording = [
      'observability',
      'logpush',
      'tail_consumers',
      'streaming_tail_consumers',
      'analytics_engine_datasets',
      'workers_dev',
      'preview_urls',
    ];
    expect(Object.keys(environment).filter((key) => recording.includes(key))).toEqual([]);
  });

  it.for(environments)('%s keeps no secret in its variables', ([, environment], { expect }) => {
    for (const [name, value] of Object.entries((environment['vars'] ?? {}) as Readonly<Record<string, string>>)) {
      expect(name).not.toMatch(/KEY$|SECRET|PASSWORD|TOKEN/);
      expect(value).not.toMatch(/PRIVATE KEY|^[A-Za-z0-9+/]{42,}=*$/);
    }
  });

  it('enables Workers Cache for what is static, and for nothing that depends on the caller', ({ expect }) => {
    const cached = environments.filter(
      ([, environment]) => (environment['cache'] as Table | undefined)?.['enabled'] === true,
    );
    expect(cached.map(([name]) => name).filter((name) => !['index', 'config'].includes(name))).toEqual([]);
    expect(Object.fromEntries(cached)['index']?.['cache']).toEqual({ enabled: true, cross_version_cache: true });
    expect(toml).not.toHaveProperty('cache');
  });
});
