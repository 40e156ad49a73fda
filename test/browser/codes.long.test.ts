/**
 * @module Verification codes in a real browser, before all Workers of the local edge: issued to be read out, scanned and sent; a table of people with a bar and a report; a key that is shown once; and what
 * a phone and a laboratory's system do with them.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { makeApiKey, setCodeQuota } from '../../scripts/support/operator.ts';
import { axeViolations } from '../support/axe.ts';
import { type Portal, scrollsSideways, startPortal } from './portal-rig.ts';
import { qrOn } from './print.ts';

/** A machine without Chromium gets it first. */
const INSTALL_TIMEOUT_MS = 600_000;
/** Pictures for whoever looks, where this names a folder. */
const PICTURES = process.env['PICTURES'];

let portal: Portal;
let device: string;
beforeAll(async () => {
  portal = await startPortal();
  device = (await makeApiKey(portal.edge.url, 'device', 'an app')).key;
}, INSTALL_TIMEOUT_MS);
afterAll(() => portal.close());

const open = (page: Page, path: string) => page.goto(`${portal.edge.url}/staff/${path}`);
const outbox = (): { phone: string; text: string; uuid: string }[] =>
  readFileSync(join(portal.edge.state, 'sms-outbox.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { phone: string; text: string; uuid: string });

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}

/** What an app does with a code. @returns the kind of the test, or why there is none */
async function verify(code: string): Promise<unknown> {
  const response = await fetch(`${portal.edge.url}/api/verify`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': device },
    body: JSON.stringify({ code, padding: 'QQ==' }),
  });
  const { testtype, errorCode } = (await response.json()) as Record<string, unknown>;
  return testtype ?? errorCode;
}

async function issue(
  page: Page,
  way: RegExp,
  more: (page: Page) => Promise<void> = async () => undefined,
): Promise<void> {
  await open(page, 'issue');
  await page.getByLabel('A test was positive').check();
  await page.getByLabel(way).check();
  await more(page);
  await page.getByLabel('I asked who is calling').check();
  await page.getByRole('button', { name: 'Issue the code' }).click();
}

describe('one code', () => {
  it('is read out large, opens once on a phone, and is then used in the list', async ({ expect }) => {
    const page = await portal.signIn({ name: 'one@example.org', roles: ['hotline'] });
    await open(page, 'issue');
    await picture(page, 'issue-form');
    expect(await axeViolations(page)).toEqual([]);
    await issue(page, /I read it out/);
    await page.locator('.code').waitFor();
    await picture(page, 'issue');
    expect(await axeViolations(page)).toEqual([]);
    const code = ((await page.locator('.code').textContent()) ?? '').replace(/\s/g, '');
    expect(code).toMatch(/^\d{8}$/);
    expect(page.url()).not.toContain(code);
    expect(await verify(code)).toBe('confirmed');
    await open(page, 'issued');
    expect(await page.getByRole('cell', { name: 'used', exact: true }).count()).toBe(1);
    // What has been used isn't shown again, and can't be ended.
    expect(await page.getByRole('button', { name: /^End/ }).count()).toBe(0);
    await page.goBack();
    await page.reload();
    expect(await page.textContent('main')).toContain('cannot be shown again');
  });

  it('is scanned as a link of the region, whose code opens too', async ({ expect }) => {
    const page = await portal.signIn({ name: 'two@example.org', roles: ['hotline'] });
    await issue(page, /They scan or open a link/);
    await page.locator('.qr svg').waitFor();
    await picture(page, 'issue-link');
    const link = (await qrOn(page, '.qr svg')) ?? '';
    expect(link).toMatch(/^https:\/\/de\.localhost\/v\?c=[a-z0-9]{16}$/);
    expect(await page.locator('.code-box .mono').textContent()).toBe(link);
    expect(await axeViolations(page)).toEqual([]);
    expect(await verify(link.slice(-16))).toBe('confirmed');
  });

  it('goes by SMS, signed, and is shown to nobody', async ({ expect }) => {
    const page = await portal.signIn({ name: 'three@example.org', roles: ['hotline'] });
    await issue(page, /By SMS/, (form) => form.getByLabel('Telephone number').fill('+49 170 7654321'));
    await page.getByText('The SMS is on its way.').waitFor();
    const { phone, text } = outbox().at(-1) ?? { phone: '', text: '' };
    expect(phone).toBe('+491707654321');
    expect(text).toMatch(/ \nAuthentication:\d{4}:local:[A-Za-z0-9+/]+$/);
    expect(await page.content()).not.toMatch(/7654321/);
    await open(page, 'issued');
    await picture(page, 'issued');
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('button', { name: /^End/ }).click();
    await page.getByText('The code has ended.').waitFor();
    expect(await verify(/code: (\d{8})/.exec(text)?.[1] ?? '')).toBe('code_expired');
  });
});

const TODAY = new Date().toISOString().slice(0, 10);

describe('a table of people', () => {
  it('is checked, issued with a bar, reported with what failed; sent again, nobody gets a second code or SMS', async ({
    expect,
  }) => {
    const page = await portal.signIn({ name: 'many@example.org', roles: ['health-authority'] });
    await setCodeQuota(portal.edge.url, 'many@example.org', 240);
    await open(page, 'bulk');
    await picture(page, 'bulk');
    expect(await axeViolations(page)).toEqual([]);
    const people = Array.from({ length: 250 }, (_, i) =>
      i === 7 ? `cured;${TODAY};` : `confirmed;${TODAY};${i % 2 === 0 ? `+49170${1_000_000 + i}` : ''}`,
    );
    const before = outbox().length;
    await page.getByLabel('File').setInputFiles({
      name: 'people.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(['testType;testDate;phone', ...people].join('\n')),
    });
    await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>('#table')?.value !== '');
    await page.getByRole('button', { name: 'Check the table' }).click();
    await page.getByText('249 of 250 lines can be issued.').waitFor();
    await picture(page, 'bulk-checked');
    expect(await axeViolations(page)).toEqual([]);
    // The second slice's answer is lost on the way: it is sent again.
    let slices = 0;
    await page.route('**/staff/bulk/issue', async (route) => {
      slices += 1;
      if (slices !== 2) return route.continue();
      await route.fetch();
      return route.abort('connectionreset');
    });
    await page.getByRole('button', { name: 'Issue 249 codes' }).click();
    await page.getByText('240 codes were issued; 9 lines failed.').waitFor();
    await page.locator('.bulk-report').waitFor();
    await picture(page, 'bulk-done');
    expect(await axeViolations(page)).toEqual([]);
    expect(await page.locator('progress').getAttribute('max')).toBe('249');
    expect(await page.locator('progress').evaluate((bar: HTMLProgressElement) => bar.value)).toBe(249);
    expect(await page.getByRole('cell', { name: 'Your codes of today are used up.' }).count()).toBe(9);
    expect(slices).toBe(4);
    const numbers = outbox()
      .slice(before)
      .map(({ phone }) => phone);
    expect(new Set(numbers).size).toBe(numbers.length);

    const [download] = await Promise.all([page.waitForEvent('download'), page.getByText('Save the report').click()]);
    const report = readFileSync(await download.path(), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    expect(report).toHaveLength(250);
    expect(report.filter(([, , , , result]) => result === 'quota')).toHaveLength(9);
    const codes = report.slice(1).flatMap(([, , code = '']) => (code === '' ? [] : [code]));
    expect(new Set(codes).size).toBe(codes.length);
    expect(await verify(codes[0] ?? '')).toBe('confirmed');

    await setCodeQuota(portal.edge.url, 'many@example.org', 1_000);
    await page.getByRole('button', { name: 'Issue what is missing' }).click();
    await page.getByText('249 codes were issued; 0 lines failed.').waitFor();
    const all = outbox()
      .slice(before)
      .map(({ phone }) => phone);
    expect(all).toHaveLength(people.filter((line) => line.includes('+49')).length);
    expect(new Set(all).size).toBe(all.length);
  });

  it('works without a script, and fits a narrow window', async ({ expect }) => {
    const signedIn = await portal.signIn({ name: 'plain@example.org', roles: ['health-authority'] });
    const storageState = await signedIn.context().storageState();
    const context = await portal.browser.newContext({
      javaScriptEnabled: false,
      storageState,
      viewport: { width: 360, height: 800 },
    });
    const page = await context.newPage();
    await open(page, 'bulk');
    expect(await page.getByLabel('File').isVisible()).toBe(false);
    await page.getByLabel('Table (CSV)').fill(`testType,testDate\nconfirmed,${TODAY}\nlikely,${TODAY}`);
    await page.getByRole('button', { name: 'Check the table' }).click();
    await page.getByRole('button', { name: 'Issue 2 codes' }).click();
    await page.getByText('2 codes were issued; 0 lines failed.').waitFor();
    await picture(page, 'bulk-plain');
    const code = (await page.locator('td .mono').first().textContent()) ?? '';
    expect(await verify(code)).toBe('confirmed');
    await context.close();
    await signedIn.setViewportSize({ width: 360, height: 800 });
    for (const path of ['issue', 'issued', 'bulk', 'quotas']) {
      await open(signedIn, path);
      expect([path, await scrollsSideways(signedIn)]).toEqual([path, false]);
    }
  });
});

describe('an API key', () => {
  it('is made on a page, shown once, and issues codes until it is revoked', async ({ expect }) => {
    const page = await portal.signIn({ name: 'keys@example.org', roles: ['operator'] });
    await open(page, 'api-keys');
    await page.getByLabel('Whose key it is').fill('Laboratory Gouda');
    await page.getByLabel('Systems that issue codes').check();
    await page.getByRole('button', { name: 'Make a key' }).click();
    const key = (await page.locator('[data-key]').textContent())?.trim() ?? '';
    await picture(page, 'api-key');
    expect(await axeViolations(page)).toEqual([]);
    expect(key).toMatch(/^[A-Za-z0-9_-]{86}\.[a-z0-9]+\.[A-Za-z0-9_-]{86}$/);
    const ask = async (): Promise<number> => {
      const answer = await fetch(`${portal.edge.url}/api/issue`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': key },
        body: JSON.stringify({ testType: 'likely', testDate: TODAY }),
      });
      return answer.status;
    };
    expect(await ask()).toBe(200);
    await page.getByRole('link', { name: 'Back', exact: true }).click();
    await picture(page, 'api-keys');
    expect(await axeViolations(page)).toEqual([]);
    expect(await page.content()).not.toContain(key.slice(0, 20));
    await page.getByRole('button', { name: 'Revoke … Laboratory Gouda' }).click();
    await picture(page, 'api-key-revoke');
    await page.getByRole('button', { name: 'Revoke this key' }).click();
    await page.getByText('The key is revoked.').waitFor();
    expect(await ask()).toBe(401);
  });
});
