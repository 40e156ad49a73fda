/**
 * @module The explorer's page in real Chromium. Without a Chromium on the machine the browser's part doesn't run (its
 * scoring is tested in Node all the same); `apt-get install chromium` brings one.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type Page, chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from 'vitest';
import defaults from '../parameters/default.json' with { type: 'json' };
import { type Parameters, parametersSchema } from '../protocol/parameters/document.ts';
import { CHROMIUM } from '../test/support/chromium.ts';
import { buildFiles } from './build.ts';
import { LIBRARY } from './encounters.ts';
import { evaluate } from './evaluate.ts';

const ROOT = new URL('../', import.meta.url);
const PAGE = readFileSync(new URL('docs/risk-explorer/index.html', ROOT), 'utf8');
const PARAMETERS: Parameters = parametersSchema.parse(defaults);

it('is what `npm run explorer` builds from the sources, for docs and portal', async ({ expect }) => {
  for (const [path, text] of Object.entries(await buildFiles())) {
    expect(readFileSync(new URL(path, ROOT), 'utf8') === text, `${path}: run npm run explorer`).toBe(true);
  }
});

describe.runIf(CHROMIUM !== null)('in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'risk-explorer-'));
  let browser: Browser;
  let server: Server;
  let page: Page;
  let problems: string[];
  /** What the portal was asked to publish. */
  let published: Record<string, unknown>[] = [];
  let base = '';

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const path = request.url ?? '';
        if (path.endsWith('/explorer') || path === '/docs') return response.end(PAGE);
        response.setHeader('content-type', 'application/json');
        if (path === '/operator/config') return response.end('{"version":4}');
        const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
        published.push(body);
        return response.end(
          JSON.stringify({ kind: body['dryRun'] === true ? 'would-publish' : 'published', version: 5 }),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await browser.close();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    problems = [];
    published = [];
    page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
    page.on('pageerror', (error) => void problems.push(error.message));
    await page.goto(new URL('docs/risk-explorer/index.html', ROOT).href);
    await page.waitForSelector('.results tbody tr');
  });
  afterEach(async ({ expect }) => {
    await page.close();
    expect(problems).toEqual([]);
  });

  const cell = (encounter: string, name: string): Promise<string> =>
    page.locator(`tr[data-encounter="${encounter}"] [data-cell="${name}"]`).innerText();

  async function slide(path: string, value: number): Promise<void> {
    await page.locator(`input[data-path="${path}"]`).evaluate((input, to) => {
      (input as HTMLInputElement).value = String(to);
      input.dispatchEvent(new Event('input'));
    }, value);
  }

  it('shows for each encounter what the scoring code says in Node', async ({ expect }) => {
    for (const encounter of LIBRARY) {
      const { v1, cwa, summaryMinutes, weightedSum } = evaluate(PARAMETERS, encounter);
      expect(await cell(encounter.name, 'android')).toBe(String(v1.androidScore));
      expect(await cell(encounter.name, 'combined')).toBe(`${v1.combinedMinutes.toFixed(1)} ${v1.riskClass}`);
      expect(await cell(encounter.name, 'normalized')).toBe(cwa.normalizedMinutes.toFixed(1));
      expect(await cell(encounter.name, 'level')).toBe(['no risk', 'LOW', 'HIGH'][cwa.level ?? 0]);
      expect(await cell(encounter.name, 'summary')).toBe(String(summaryMinutes));
      expect(await cell(encounter.name, 'sum')).toContain(`${weightedSum.total} ${weightedSum.riskLevel}`);
    }
  });

  it('follows a slider at once: tables, level, windows and plot', async ({ expect }) => {
    const queue = 'Queue, 2 m, 15 min';
    await page.getByRole('button', { name: queue }).click();
    expect(await cell(queue, 'level')).toBe('HIGH');
    const before = await page.locator('#level-map svg').innerHTML();
    await slide('riskCalculation.minutesAtAttenuationWeights.0.weight', 0.4);
    expect([await cell(queue, 'normalized'), await cell(queue, 'level')]).toEqual(['7.2', 'LOW']);
    expect(await page.locator('#windows').innerText()).toContain('7.2');
    expect(await page.locator('#level-map svg').innerHTML()).not.toBe(before);
    await page.getByRole('button', { name: 'Defaults' }).click();
    expect(await cell(queue, 'level')).toBe('HIGH');
  });

  it('changes the 32 level values of v1, and the person’s own encounter', async ({ expect }) => {
    await page.getByText('Scores (GAEN v1)').click();
    await page.getByLabel('Transmission 8', { exact: true }).fill('4');
    expect(await cell('Coffee for two, 30 min', 'android')).toBe('40');
    await page.locator('input[data-own="minutes"]').focus();
    await page.keyboard.press('End');
    expect(await page.locator('#detail-title').innerText()).toBe('Your own');
    expect(await cell('Your own', 'normalized')).toBe((240 * 0.8 * 1.2).toFixed(1));
  });

  it('says what can’t be published, by path, value and rule', async ({ expect }) => {
    expect(await page.locator('#findings').innerText()).toContain('can be published');
    await slide('v2.dailySummaries.attenuationBucketThresholdDb.0', 60);
    expect(await page.locator('#findings').innerText()).toContain(
      'v2.dailySummaries.attenuationBucketThresholdDb: [60,50,70] thresholds must rise strictly',
    );
  });

  it('opens a document, refuses a bad one, and saves what is on the screen', async ({ expect }) => {
    const file = join(folder, 'mine.json');
    const changed = structuredClone(defaults);
    changed.v1.exposureConfiguration.minimumRiskScore = 100;
    writeFileSync(file, JSON.stringify(changed));
    await page.locator('#open').setInputFiles(file);
    await page.getByText('mine.json is shown.').waitFor();
    expect(await cell('Coffee for two, 30 min', 'android')).toBe('0');
    writeFileSync(file, '{"format": 1}');
    await page.locator('#open').setInputFiles(file);
    await page.getByText('format: 1 must be one of').waitFor();
    expect(await cell('Coffee for two, 30 min', 'android')).toBe('0');
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#save').click()]);
    expect(JSON.parse(readFileSync(await download.path(), 'utf8'))).toEqual(changed);
  });

  it('publishes where the portal serves it, and only there', async ({ expect }) => {
    expect(await page.locator('#publish').innerText()).toBe('');
    await page.goto(`${base}/docs`);
    expect(await page.locator('#publish').innerText()).toBe('');
    await page.goto(`${base}/operator/config/explorer`);
    await page.getByText('Version 4 is published.').waitFor();
    await page.getByLabel('Share of phones, %').last().fill('10');
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByText('It would become version 5.').waitFor();
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Version 5 is published.').waitFor();
    expect(published).toMatchObject([
      { dryRun: true, expectedVersion: 4, audience: { percentage: 10 } },
      { dryRun: false, expectedVersion: 4 },
    ]);
    expect(JSON.parse(String(published[0]!['document']))).toEqual(defaults);
  });

  it('is readable in a narrow window: nothing but tables scrolls sideways', async ({ expect }) => {
    await page.setViewportSize({ width: 420, height: 800 });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  });
});
