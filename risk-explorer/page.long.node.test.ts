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
import { axeViolations } from '../test/support/axe.ts';
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
  let asked: Record<string, unknown>[] = [];
  /** Documents that were published, the first being version 1; as the portal's own tests have it for real. */
  let versions: Parameters[] = [];
  let base = '';

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const [path = ''] = (request.url ?? '').split('?');
        if (path.endsWith('/explorer') || path === '/docs') return response.end(PAGE);
        response.setHeader('content-type', 'application/json');
        const [, name] = /^\/operator\/config\/documents\/v(\d+)$/.exec(path) ?? [];
        if (name !== undefined) return response.end(JSON.stringify(versions[Number(name) - 1]));
        const audience = { percentage: 100, android: 'all', ios: 'all' };
        const history = versions.map((_, n) => ({ version: n + 1, documents: [{ sha256: `v${n + 1}`, audience }] }));
        const version = versions.length;
        if (path === '/operator/config')
          return response.end(JSON.stringify({ version, history: history.toReversed() }));
        const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
        asked.push(body);
        const answer = (reply: object): unknown => response.end(JSON.stringify(reply));
        if (body['expectedVersion'] !== version) return answer({ kind: 'conflict', version });
        if (body['audience'] === null && version > 0) {
          return answer(
            body['dryRun'] === true ? { kind: 'needs-second-person', version: version + 1 } : { kind: 'proposed' },
          );
        }
        if (body['dryRun'] === true) return answer({ kind: 'would-publish', version: version + 1 });
        versions.push(JSON.parse(String(body['document'])) as Parameters);
        return answer({ kind: 'published', version: version + 1 });
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
    asked = [];
    versions = [];
    page = await browser.newPage({ viewport: { width: 1400, height: 1000 }, locale: 'en-GB' });
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

  const WEIGHT = 'riskCalculation.minutesAtAttenuationWeights.0.weight';
  const weighing = (weight: number): Parameters => {
    const changed = structuredClone(PARAMETERS);
    changed.riskCalculation.minutesAtAttenuationWeights[0]!.weight = weight;
    return changed;
  };
  const openPortal = (): Promise<unknown> => page.goto(`${base}/operator/config/explorer?lang=en`);
  const confirm = async (name: string): Promise<void> => {
    await page.getByLabel('I have looked at each of these changes.').check();
    await page.getByRole('button', { name, exact: true }).click();
  };

  it('publishes where the portal serves it, and only there', async ({ expect }) => {
    expect(await page.locator('#publish').innerText()).toBe('');
    await page.goto(`${base}/docs`);
    expect(await page.locator('#publish').innerText()).toBe('');
    expect(await page.locator('#portal').isVisible()).toBe(false);
    await openPortal();
    await page.getByText('Nothing is published yet.').waitFor();
    await page.getByRole('button', { name: 'Publish …' }).click();
    await confirm('Publish now');
    await page.getByText('Version 1 is published.').waitFor();
    expect(versions).toEqual([PARAMETERS]);
  });

  it('begins with what is in force, shows what differs, and asks before it sends', async ({ expect }) => {
    versions = [weighing(0.3)];
    await openPortal();
    await page.getByText('Version 1 is in force.').waitFor();
    expect(await page.locator(`input[data-path="${WEIGHT}"]`).inputValue()).toBe('0.3');
    expect(await page.getByRole('button', { name: 'Dry run' }).isDisabled()).toBe(true);
    await slide(WEIGHT, 0.5);
    const row = page.locator('.difference .changes tbody tr');
    expect((await row.innerText()).split('\t')).toEqual([
      'riskCalculation.minutesAtAttenuationWeights[0].weight',
      '0.3',
      '0.5',
    ]);
    await page.getByLabel('Share of phones, %').fill('10');
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByText('It would become version 2.').waitFor();
    await page.getByRole('button', { name: 'Publish …' }).click();
    expect(await page.getByRole('dialog').innerText()).toContain('They reach 10 % of the phones within hours');
    expect(await page.getByRole('button', { name: 'Publish now' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(versions).toHaveLength(1);
    await page.getByRole('button', { name: 'Publish …' }).click();
    await confirm('Publish now');
    await page.getByText('Version 2 is published.').waitFor();
    expect(asked).toMatchObject([
      { dryRun: true, expectedVersion: 1, audience: { percentage: 10 } },
      { dryRun: false, expectedVersion: 1 },
    ]);
    await page.getByRole('button', { name: 'As published' }).click();
    expect(await page.locator(`input[data-path="${WEIGHT}"]`).inputValue()).toBe('0.5');
  });

  it('proposes to a second person what goes to more than the document allows', async ({ expect }) => {
    versions = [weighing(0.3)];
    await openPortal();
    await page.getByText('Above 10 % a second person must agree.').waitFor();
    await slide(WEIGHT, 0.5);
    await page.getByRole('button', { name: 'Propose to a second person …' }).click();
    await confirm('Propose');
    await page.getByText('Nothing is published yet: a second person must agree').waitFor();
    expect(versions).toHaveLength(1);
  });

  it('what was made of an older version is refused, and shown with what it would have undone', async ({ expect }) => {
    versions = [weighing(0.3)];
    await openPortal();
    await page.getByText('Version 1 is in force.').waitFor();
    const second = structuredClone(weighing(0.3));
    second.v1.exposureConfiguration.minimumRiskScore = 77;
    versions.push(second);
    await slide(WEIGHT, 0.5);
    await page.getByLabel('Share of phones, %').fill('10');
    await page.getByRole('button', { name: 'Publish …' }).click();
    await confirm('Publish now');
    await page.getByText('Refused: version 2 was published meanwhile.').waitFor();
    expect(versions).toHaveLength(2);
    expect((await page.locator('#publish .changes tbody').innerText()).split('\t')).toEqual([
      'v1.exposureConfiguration.minimumRiskScore',
      String(PARAMETERS.v1.exposureConfiguration.minimumRiskScore),
      '77',
    ]);
    await page.getByRole('button', { name: 'Put my changes onto version 2' }).click();
    await page.getByText('Your changes: 1').waitFor();
    await page.getByRole('button', { name: 'Publish …' }).click();
    await confirm('Publish now');
    await page.getByText('Version 3 is published.').waitFor();
    const [minimum, weight] = [
      versions[2]?.v1.exposureConfiguration.minimumRiskScore,
      versions[2]?.riskCalculation.minutesAtAttenuationWeights[0]?.weight,
    ];
    expect([minimum, weight]).toEqual([77, 0.5]);
  });

  it('speaks three languages, and keeps what was moved when another is chosen', async ({ expect }) => {
    versions = [weighing(0.3)];
    await page.goto(`${base}/operator/config/explorer?lang=de`);
    await page.getByText('Version 1 gilt.').waitFor();
    expect(await page.getByRole('link', { name: 'Zurück zum Portal' }).isVisible()).toBe(true);
    await slide(WEIGHT, 0.5);
    await page.getByRole('button', { name: 'Nederlands' }).click();
    await page.getByText('Uw wijzigingen: 1').waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('nl');
    expect(await page.locator(`input[data-path="${WEIGHT}"]`).inputValue()).toBe('0.5');
    await slide('v2.dailySummaries.attenuationBucketThresholdDb.0', 60);
    expect(await page.locator('#findings').innerText()).toContain('[60,50,70] de drempels moeten oplopen');
    const english = /\b(Encounter|Weight|Publish|Window|Level|Days|Save|must|thresholds)\b/;
    expect(await page.locator('body').innerText()).not.toMatch(english);
  });

  it.for(['en', 'de', 'nl'])(
    'has nothing that axe finds, in %s, with the question open too',
    async (lang, { expect }) => {
      versions = [weighing(0.3)];
      await page.goto(`${base}/operator/config/explorer?lang=${lang}`);
      await page.locator('.difference').waitFor();
      await slide(WEIGHT, 0.5);
      expect(await axeViolations(page)).toEqual([]);
      await page.locator('#publish button.primary').click();
      expect(await axeViolations(page)).toEqual([]);
    },
  );

  it.for(['en', 'de', 'nl'])(
    'shows each column of each table in a window of 1,000 or 1,200 pixels, in %s',
    async (lang, { expect }) => {
      versions = [weighing(0.3)];
      await page.goto(`${base}/operator/config/explorer?lang=${lang}`);
      await page.locator('.difference').waitFor();
      await slide(WEIGHT, 0.5);
      for (const details of await page.locator('#controls details').all()) {
        await details.evaluate((element) => ((element as HTMLDetailsElement).open = true));
      }
      for (const width of [1000, 1184, 1200]) {
        await page.setViewportSize({ width, height: 900 });
        const cut = await page
          .locator('.scroll, table')
          .evaluateAll((all) => all.map((element) => element.scrollWidth - element.clientWidth));
        expect([width, Math.max(...cut), cut.length > 5]).toEqual([width, 0, true]);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(overflow).toBeLessThanOrEqual(0);
      }
    },
  );

  it('says what the origin finds wrong in the language of the page, rule by rule', async ({ expect }) => {
    versions = [weighing(0.3)];
    await page.route('**/operator/config/publish', (route) =>
      route.fulfill({
        status: 422,
        json: {
          kind: 'invalid',
          violations: [
            { path: 'regions[0]', value: '"XX"', rule: 'is listed twice', values: {} },
            { path: 'a', value: '1', rule: 'must be {new}, says a newer origin', values: { new: 2 } },
          ],
        },
      }),
    );
    await page.goto(`${base}/operator/config/explorer?lang=de`);
    await page.locator('.difference').waitFor();
    await slide(WEIGHT, 0.5);
    await page.getByRole('button', { name: 'Probelauf' }).click();
    await page.locator('#publish .violations').waitFor();
    expect(await page.locator('#publish .violations li').allInnerTexts()).toEqual([
      'regions[0]: "XX" steht zweimal in der Liste',
      'a: 1 must be 2, says a newer origin',
    ]);
    problems = problems.filter((text) => !text.includes('422'));
    // What is tried next is another document.
    await slide(WEIGHT, 0.6);
    expect(await page.locator('#publish .violations').count()).toBe(1);
  });

  it('moves the share above which a second person is needed, and the one in force still decides', async ({
    expect,
  }) => {
    versions = [weighing(0.3)];
    await openPortal();
    await page.getByText('Above 10 % a second person must agree.').waitFor();
    await slide('publication.secondPersonAbovePercentage', 100);
    await page.getByText('Your changes: 1').waitFor();
    expect(await page.getByText('Above 10 % a second person must agree.').isVisible()).toBe(true);
    expect(await page.getByRole('button', { name: 'Propose to a second person …' }).isVisible()).toBe(true);
  });

  it('is readable in a narrow window: nothing but tables scrolls sideways', async ({ expect }) => {
    versions = [weighing(0.3)];
    await openPortal();
    await page.locator('.difference').waitFor();
    await slide(WEIGHT, 0.5);
    await page.setViewportSize({ width: 360, height: 800 });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  });
});
