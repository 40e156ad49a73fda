/**
 * @module Parameters from an operator's file to a phone: `npm run config` as a process, portal, origin and config Worker in
 * real workerd, the reference phone at the other end; and CWA's ZIPs as its apps check them.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import defaults from '../../parameters/default.json' with { type: 'json' };
import type { Authorities } from '../../protocol/publish/authorities.ts';
import { cwaConfigPaths } from '../../protocol/parameters/cwa-config.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import {
  type ParametersSource,
  type ParametersState,
  currentParameters,
  newParametersState,
  updateParameters,
} from '../../phone/parameters/parameters.ts';
import { AuthorityPortal } from '../../scripts/support/authorities.ts';
import { advanceUntilIdle, asPerson, moveClock, readClock, setClock } from '../../scripts/support/operator.ts';
import type { ConfigStatus } from '../../scripts/support/portal.ts';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { androidRequires, readByAndroid, readByIos, verified } from '../support/cwa-apps.ts';
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

describe('health authorities', () => {
  const authorities = (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
    runCommand(['scripts/authorities.ts', ...args, '--url', edge.url]);
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'r1v1' };
  let jwks: Server;
  beforeAll(async () => {
    jwks = createServer((_request, response) => response.end(JSON.stringify([jwk])));
    await new Promise<void>((ready) => void jwks.listen(0, '127.0.0.1', ready));
  });
  afterAll(() => void jwks.close());

  it('are imported with the keys that they publish, listed, and audited', async ({ expect }) => {
    const path = join(state, 'authority.json');
    const written = { id: 'de', issuer: 'i', audience: 'a', regions: ['DE'], apps: ['org.example.app'] };
    writeFileSync(path, JSON.stringify(written));
    const url = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/jwks`;
    expect((await authorities('import', path, '--jwks', url)).stdout).toBe('version 1 is in force: +de, adds trust\n');
    expect((await authorities('import', '--jwks', url, '--id', 'de')).stdout).toBe('version 1 has just this already\n');
    const stale = await authorities('import', path, '--expect', '0');
    expect([stale.code, stale.stdout]).toEqual([1, 'version 1 is in force meanwhile: look at it first\n']);
    const { authorities: listed } = JSON.parse((await authorities('list', '--json')).stdout) as Authorities;
    const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    expect(listed).toEqual([
      {
        ...written,
        name: 'de',
        keys: [{ kid: 'r1v1', publicKey: spki, from: 0, until: null }],
        reportTypes: ['confirmed', 'likely', 'negative', 'user-report'],
      },
    ]);
    const audit = await (
      await fetch(new URL('/staff/audit', edge.url), { headers: asPerson('auditor', ['auditor']) })
    ).text();
    expect(audit).toMatch(/authorities\.set[\s\S]*on version 0: \+de/);
  });
});

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

  it('wants one for health authorities too, unless they are trusted less', async ({ expect }) => {
    const portal = new AuthorityPortal(edge.url);
    const { version, authorities } = await portal.status();
    const [de] = authorities;
    const more = [{ ...de!, apps: [...de!.apps, 'org.example.other'] }];
    expect((await portal.set(more, version, true)).kind).toBe('needs-second-person');
    const proposed = await portal.set(more, version);
    const id = proposed.kind === 'proposed' ? proposed.id : '';
    expect((await portal.status()).proposals).toMatchObject([{ id, by: 'local-operator', expectedVersion: version }]);
    await expect(portal.agree(id)).rejects.toThrow('403');
    // It is no proposal about parameters.
    expect((JSON.parse((await config('status', '--json')).stdout) as ConfigStatus).proposals).toEqual([]);
    expect((await config('agree', '--proposal', id)).code).toBe(1);
    const call = ['agree', '--proposal', id, '--as', 'berta', '--url', edge.url];
    const agreed = await runCommand(['scripts/authorities.ts', ...call]);
    expect(agreed.stdout).toBe('version 2 is in force\n');
    expect((await portal.status()).proposals).toEqual([]);
    expect(await portal.set([], 2)).toEqual({ kind: 'published', version: 3 });
  });

  it('is renewed in time, without anybody publishing', async ({ expect }) => {
    await moveClock(edge.url, START + HALF_VALIDITY);
    await advanceUntilIdle(edge.url);
    const { stdout } = await config('status', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ version: 7, published: true, issuedAt: START + HALF_VALIDITY });
  });

  it('gives CWA’s apps ZIPs with a type, an ETag and a life, five of them', async ({ expect }) => {
    for (const path of cwaConfigPaths('DE')) {
      const response = await fetch(new URL(path, edge.url));
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/zip']);
      expect(response.headers.get('etag')).toMatch(/^"[^"]+"$/);
      expect(Number(/max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1])).toBeGreaterThan(0);
      await response.arrayBuffer();
    }
  });
});

describe('CWA’s unmodified apps (docs/spec/cwa.md §4.3)', () => {
  const key = (name: string): Uint8Array => spkiFromPem(readFileSync(join(state, name), 'utf8'));
  const zip = async (path: string): Promise<Uint8Array> =>
    new Uint8Array(await (await fetch(new URL(path, edge.url))).arrayBuffer());

  it('take the ZIPs with the export key alone, with the configuration key alone, and with no other', async ({
    expect,
  }) => {
    const others = key('manifest-public.pem');
    for (const path of cwaConfigPaths('DE')) {
      const bytes = await zip(path);
      for (const name of ['public.pem', 'config-public.pem'])
        expect(verified(bytes, [key(name)]).length).toBeGreaterThan(0);
    }
    for (const version of ['v1', 'v2']) {
      const [android, ios] = [
        await zip(`version/${version}/app_config_android`),
        await zip(`version/${version}/app_config_ios`),
      ];
      for (const pinned of [key('public.pem'), key('config-public.pem')]) {
        expect(readByAndroid(android, [pinned]).supportedCountries).toEqual(['DE']);
        expect(readByAndroid(android, [others, pinned]).supportedCountries).toEqual(['DE']);
        expect(readByIos(ios, pinned).supportedCountries).toEqual(['DE']);
      }
      expect(() => readByAndroid(android, [others])).toThrow('no signature by a pinned key');
      expect(() => readByIos(ios, others)).toThrow('no signature by a pinned key');
    }
  });

  it('find all that they require or show, and what isn’t served here switched off', async ({ expect }) => {
    const android = readByAndroid(await zip('version/v2/app_config_android'), [key('public.pem')]);
    const ios = readByIos(await zip('version/v2/app_config_ios'), key('public.pem'));
    expect([android.minVersionCode, ios.minVersion]).toEqual([48, { major: 0, minor: 5, patch: 0 }]);
    const values = [0, 0, 0.6, 0.8, 1, 1.2, 1.4, 1.6].map((transmissionRiskValue, n) => ({
      transmissionRiskLevel: n + 1,
      transmissionRiskValue,
    }));
    const levels = [
      { normalizedTimeRange: { min: 0, minExclusive: true, max: 10, maxExclusive: true }, riskLevel: 'LOW' },
      { normalizedTimeRange: { min: 10, minExclusive: false, max: 999_999, maxExclusive: false }, riskLevel: 'HIGH' },
    ];
    for (const given of [android, ios]) {
      expect(given.riskCalculationParameters).toMatchObject({ maxEncounterAgeInDays: 10 });
      expect(given.riskCalculationParameters.transmissionRiskValueMapping).toEqual(values);
      expect(given.dgcParameters).toEqual({
        testCertificateParameters: { waitAfterPublicKeyRegistrationInSeconds: 10, waitForRetryInSeconds: 10 },
        expirationThresholdInDays: 14,
        // Fits no key: no certificate is issued anew.
        reissueServicePublicKeyDigest: new Uint8Array(32),
      });
      expect(given.coronaTestParameters).toEqual({
        coronaRapidAntigenTestParameters: {
          hoursToDeemTestOutdated: 48,
          hoursSinceSampleCollectionToShowRiskCard: 168,
        },
        coronaPCRTestParameters: { hoursSinceTestRegistrationToShowRiskCard: 168 },
      });
      expect(given.presenceTracingParameters).toMatchObject({
        riskCalculationParameters: {
          transmissionRiskValueMapping: values,
          normalizedTimePerCheckInToRiskLevelMapping: levels,
          normalizedTimePerDayToRiskLevelMapping: levels,
          maxCheckInAgeInDays: 10,
        },
        submissionParameters: {
          durationFilters: [{ dropIfMinutesInRange: { min: 0, max: 10, maxExclusive: true } }],
          aerosoleDecayLinearFunctions: [
            { minutesRange: { min: 0, max: 30 }, slope: 1, intercept: 0 },
            { minutesRange: { min: 30, minExclusive: true, max: 999_999 }, slope: 0, intercept: 30 },
          ],
        },
        qrCodeErrorCorrectionLevel: 'HIGH',
        // No code is an event, and no upload is padded with check-ins that didn’t happen.
        qrCodeDescriptors: [],
        plausibleDeniabilityParameters: null,
      });
      // 114 years: an absent one would be 24 hours.
      expect(given.selfReportParameters.common).toEqual({
        timeSinceOnboardingInHours: 1_000_000,
        timeBetweenSubmissionsInDays: 90,
      });
    }
  });

  it('are described by a table, with the source of each requirement', ({ expect }) => {
    const section = readFileSync('docs/spec/cwa.md', 'utf8').split('### 4.3 ')[1] ?? '';
    for (const name of androidRequires) {
      expect(section).toMatch(new RegExp(`^\\| ${name} \\| required.*\\| \`\\w+\\.kt:\\d+\` at [0-9a-f]{7} \\|$`, 'm'));
    }
  });
});
