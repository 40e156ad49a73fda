/**
 * @module Parameters from an operator's file to a phone: `npm run config` as a process, portal, origin and config Worker in
 * real workerd, the reference phone at the other end; and CWA's ZIPs as its apps check them.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import defaults from '../../parameters/default.json' with { type: 'json' };
import { cwaconfig } from '../../protocol/generated/cwa-config.js';
import { gaen } from '../../protocol/generated/gaen-export.js';
import { cwaConfigPaths } from '../../protocol/parameters/cwa-config.ts';
import { spkiFromPem, verifyDer } from '../../protocol/signing.ts';
import { readZip } from '../../protocol/export/zip.ts';
import {
  type ParametersSource,
  type ParametersState,
  currentParameters,
  newParametersState,
  updateParameters,
} from '../../phone/parameters/parameters.ts';
import { advanceUntilIdle, moveClock, readClock, setClock } from '../../scripts/support/operator.ts';
import type { ConfigStatus } from '../../scripts/support/portal.ts';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { runCommand } from '../support/processes.ts';

const START = 1_781_481_600;
const HALF_VALIDITY = 7 * 86_400;
const state = mkdtempSync(join(tmpdir(), 'exposure-edge-parameters-'));
let edge: LocalEdge;

beforeAll(async () => {
  edge = await startLocalEdge({ port: 0, state });
  await setClock(edge.url, START);
});
afterAll(async () => {
  await edge.dispose();
  rmSync(state, { recursive: true, force: true });
});

function file(name: string, change: object): string {
  const path = join(state, name);
  // Who publishes alone: a second person is asked for below.
  const publication = { secondPersonAbovePercentage: 100 };
  writeFileSync(path, JSON.stringify({ ...defaults, publication, ...change }));
  return path;
}
const config = (...args: string[]): Promise<{ code: number | null; stdout: string }> =>
  runCommand(['scripts/config.ts', ...args, '--url', edge.url]);

const source = (): ParametersSource => ({
  fetch,
  url: edge.url,
  keys: { 'manifest-v1': spkiFromPem(readFileSync(join(state, 'manifest-public.pem'), 'utf8')) },
  phone: { platform: 'ios', version: '1.0.0' },
});

/** What a phone makes of the server, by the edge's clock. */
async function phone(from: ParametersState): Promise<{ state: ParametersState; result: string }> {
  const update = await updateParameters(source(), from, await readClock(edge.url));
  return { state: update.state, result: update.outcome.ok ? update.outcome.value : update.outcome.error.kind };
}

describe('from an operator’s file to a phone', () => {
  it('publishes, refuses, stages, rolls back; the phone follows and never goes back', async ({ expect }) => {
    const fresh = newParametersState((length) => new Uint8Array(length).fill(9));
    expect((await phone(fresh)).result).toBe('status');
    expect((await config('publish', file('one.json', { comment: 'one' }))).stdout).toBe('version 1 is published\n');
    const first = await phone(fresh);
    expect([first.result, currentParameters(first.state)?.comment]).toEqual(['new', 'one']);

    const invalid = await config('publish', file('bad.json', { supportedCountries: ['DE', 'DE'] }));
    expect([invalid.code, invalid.stdout]).toEqual([1, 'supportedCountries[1]: "DE" is listed twice\n']);
    expect((await config('publish', file('two.json', { comment: 'two' }), '--expect', '0')).code).toBe(1);
    const diff = await config('diff', join(state, 'two.json'));
    expect([diff.code, diff.stdout]).toEqual([1, 'comment: "one" → "two"\n']);

    const nobody = await config('publish', join(state, 'two.json'), '--android', 'all', '--ios', 'none');
    expect(nobody.stdout).toBe('version 2 is published\n');
    const staged = await phone(first.state);
    expect([staged.result, currentParameters(staged.state)?.comment]).toEqual(['same', 'one']);
    await config('publish', join(state, 'two.json'));
    const second = await phone(staged.state);
    expect([second.result, currentParameters(second.state)?.comment]).toEqual(['new', 'two']);

    expect((await config('rollback', '--to', '1')).stdout).toBe('version 4 is published\n');
    const third = await phone(second.state);
    expect([third.result, third.state.head?.version, currentParameters(third.state)?.comment]).toEqual([
      'new',
      4,
      'one',
    ]);
    expect((await phone({ ...third.state, head: { ...third.state.head!, version: 9 }, etag: null })).result).toBe(
      'older',
    );
  });

  it('wants a second person above the share that the document in force sets', async ({ expect }) => {
    const asking = { publication: { secondPersonAbovePercentage: 10 } };
    expect((await config('publish', file('asks.json', { comment: 'one', ...asking }))).stdout).toBe(
      'version 5 is published\n',
    );
    const next = file('next.json', { comment: 'next', ...asking });
    const tried = await config('publish', next, '--dry-run');
    expect(tried.stdout).toBe('dry run: would be version 6, once a second person agrees\n');
    expect((await config('publish', next)).stdout).toContain('more than 10 % of the phones');
    const { proposals, version } = JSON.parse((await config('status', '--json')).stdout) as ConfigStatus;
    expect([version, proposals]).toMatchObject([5, [{ by: 'local-operator', action: 'publish', expectedVersion: 5 }]]);
    // The same person is no second one.
    const own = await config('agree', '--proposal', proposals[0]?.id ?? '');
    expect(own.code).toBe(1);
    expect((await config('publish', next, '--percentage', '10')).stdout).toBe('version 6 is published\n');
    expect((await config('rollback')).stdout).toBe('version 7 is published\n');
  });

  it('is renewed in time, without anybody publishing', async ({ expect }) => {
    await moveClock(edge.url, START + HALF_VALIDITY);
    await advanceUntilIdle(edge.url);
    const { stdout } = await config('status', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ version: 7, published: true, issuedAt: START + HALF_VALIDITY });
  });

  it('gives CWA’s apps ZIPs that only the configuration key signed', async ({ expect }) => {
    const configKey = spkiFromPem(readFileSync(join(state, 'config-public.pem'), 'utf8'));
    const exportKey = spkiFromPem(readFileSync(join(state, 'public.pem'), 'utf8'));
    for (const path of cwaConfigPaths('DE')) {
      const response = await fetch(new URL(path, edge.url));
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/zip']);
      expect(response.headers.get('etag')).toMatch(/^"[^"]+"$/);
      expect(Number(/max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1])).toBeGreaterThan(0);
      const zip = new Uint8Array(await response.arrayBuffer());
      const entries = readZip(
        zip,
        new Map([
          ['export.bin', 65_536],
          ['export.sig', 1_024],
        ]),
      );
      if (!entries.ok) throw new Error(entries.error.kind);
      const bin = entries.value.get('export.bin')!;
      const [signature] = gaen.TEKSignatureList.decode(entries.value.get('export.sig')!).signatures;
      const der = Uint8Array.from(signature?.signature ?? []);
      expect([verifyDer(configKey, bin, der), verifyDer(exportKey, bin, der)]).toEqual([true, false]);
      if (path.endsWith('v2/app_config_ios')) {
        const message = cwaconfig.ApplicationConfigurationIOS.decode(bin);
        expect(message.riskCalculationParameters?.maxEncounterAgeInDays).toBe(10);
      }
    }
  });
});
