/**
 * @module What is deployed: the bundles that wrangler makes of each environment, and the configuration they go with.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'smol-toml';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { bundle } from '../../local-edge/bundle.ts';
import { readEnvironments, ROOT, WRANGLER_TOML } from '../../local-edge/workers.ts';
import { SECRETS_OF } from '../support/secrets.ts';

const run = promisify(execFile);
const environments = readEnvironments().map(({ environment }) => environment);
/** Marks of the local edge: the binding, its Worker's class, the simulated identities; who signs for tools that publish without a certificate. */
const LOCAL_MARKS = [
  'CLOCK',
  'LocalClock',
  'local-operator',
  'local-identity',
  'local-hotline',
  'local-edge',
  'TEST_AUTHORITY',
];
/** The platform takes 64 MiB; ours are some hundred KiB, 900 more with zod, and a jump is a dependency nobody meant. */
const MAX_BUNDLE_BYTES = 1536 * 1024;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'exposure-edge-bundles-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the bundle of', () => {
  it.concurrent.for(environments)('%s has no code of the local edge, and is small', async (environment, { expect }) => {
    const { stdout, stderr } = await run(
      join(ROOT, 'node_modules/.bin/wrangler'),
      ['deploy', '--dry-run', '--outdir', join(folder, environment), '--env', environment],
      { cwd: ROOT, env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: '1' } },
    );
    expect(stdout + stderr).not.toMatch(/warning/i);
    const text = readFileSync(join(folder, environment, 'main.js'), 'utf8');
    expect(text.length).toBeGreaterThan(1000);
    expect(text.length).toBeLessThan(MAX_BUNDLE_BYTES);
    for (const mark of LOCAL_MARKS) expect(text).not.toContain(mark);
  });

  it('the local edge does have the marks that are looked for', async ({ expect }) => {
    const texts = await Promise.all(
      ['origin', 'portal', 'clock', 'upload'].map((name) => bundle(`local-edge/entries/${name}.ts`)),
    );
    for (const mark of LOCAL_MARKS) expect(texts.some((text) => text.includes(mark))).toBe(true);
  });
});

describe('wrangler.toml', () => {
  const toml = parse(readFileSync(WRANGLER_TOML, 'utf8')) as Record<string, unknown> & {
    readonly env: Readonly<Record<string, Record<string, unknown>>>;
  };

  it('keeps invocation logs, traces and log delivery off, and no environment turns them on', ({ expect }) => {
    expect(toml['observability']).toMatchObject({
      redact_query_string: true,
      logs: { invocation_logs: false },
      traces: { enabled: false },
    });
    expect(toml['logpush']).toBe(false);
    for (const environment of Object.values(toml.env)) {
      for (const key of ['observability', 'logpush', 'tail_consumers', 'streaming_tail_consumers']) {
        expect(environment).not.toHaveProperty(key);
      }
    }
  });

  it('names the secrets that the tests hand out', ({ expect }) => {
    const required = Object.fromEntries(
      readEnvironments().map(({ environment, secrets }) => [environment, secrets.toSorted()]),
    );
    const handedOut = Object.fromEntries(
      environments.map((environment) => [environment, [...(SECRETS_OF[environment] ?? [])].toSorted()]),
    );
    expect(handedOut).toEqual(required);
  });

  it('refuses to be deployed without an environment', async ({ expect }) => {
    const deploy = run(join(ROOT, 'node_modules/.bin/wrangler'), ['deploy', '--dry-run'], {
      cwd: ROOT,
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: '1' },
    });
    await expect(deploy).rejects.toThrow(/Missing entry-point/);
  });
});
