/**
 * @module Forms in a real browser, before all Workers of the local edge: double clicks, Back, two tabs, slashes; a teleTAN is
 * revoked, a second person releases codes and agrees to parameters; on a phone's screen, and seen by axe.
 */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { parseTeleTan } from '../../domain/teletan.ts';
import { command } from '../../scripts/support/operator.ts';
import { axeViolations } from '../support/axe.ts';
import { issueTeleTan, type Portal, scrollsSideways, startPortal } from './portal-rig.ts';

/** A machine without Chromium gets it first. */
const INSTALL_TIMEOUT_MS = 600_000;
const LANGUAGES = ['English', 'Deutsch', 'Nederlands'];
const PHONE = { width: 360, height: 740 };

let portal: Portal;
beforeAll(async () => {
  portal = await startPortal();
}, INSTALL_TIMEOUT_MS);
afterAll(() => portal.close());

const open = (page: Page, path: string) => page.goto(`${portal.edge.url}/staff/${path}`);
const shown = async (page: Page): Promise<string> =>
  parseTeleTan((await page.locator('.code').textContent()) ?? '') ?? '';
const notice = (page: Page): Promise<string> => page.locator('.notice').first().innerText();

/** Registers with a teleTAN as a phone does. @returns the status */
async function register(key: string): Promise<number> {
  const response = await fetch(`${portal.edge.url}/version/v1/registrationToken`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'cwa-fake': '0' },
    body: JSON.stringify({ keyType: 'TELETAN', key }),
  });
  return response.status;
}

/** On a phone's screen and by axe, in each language; the page stays what it is. */
async function isFit(page: Page): Promise<string[]> {
  const before = page.viewportSize() ?? { width: 1200, height: 900 };
  await page.setViewportSize(PHONE);
  const sideways = (await scrollsSideways(page)) ? ['scrolls sideways'] : [];
  const found = await axeViolations(page);
  await page.setViewportSize(before);
  return [...sideways, ...found];
}

describe('a form', () => {
  it('that is double-clicked issues one teleTAN, and Back from the next page shows it again', async ({ expect }) => {
    const page = await portal.signIn({ name: 'double-1', roles: ['hotline'] });
    await open(page, 'teletan');
    await page.getByLabel('Another reason').check();
    await page.getByLabel('I asked who is calling').check();
    await page.getByRole('button', { name: 'Issue a teleTAN' }).dblclick();
    await page.locator('.code').waitFor();
    const code = await shown(page);
    expect(code).not.toBe('');
    expect(await isFit(page)).toEqual([]);
    await page.reload();
    expect(await shown(page)).toBe(code);
    await open(page, 'codes');
    expect(await page.locator('tbody tr').count()).toBe(1);
    await page.goBack();
    expect(await shown(page)).toBe(code);
  });

  it('that is double-clicked makes one batch', async ({ expect }) => {
    const page = await portal.signIn({ name: 'double-2', roles: ['provider'], provider: 'Practice Double' });
    await open(page, 'cards');
    await page.getByLabel('Name of the batch').fill('Once');
    await page.getByLabel('Number of cards').fill('400');
    await page.getByRole('button', { name: 'Make the cards' }).dblclick();
    await page.locator('#sheets-end').waitFor({ state: 'attached' });
    expect(await page.locator('.card').count()).toBe(400);
    await open(page, 'batches');
    expect(await page.locator('tbody tr').count()).toBe(1);
  });

  it('of a session that another tab has ended comes anew, and does nothing', async ({ expect }) => {
    const page = await portal.signIn({ name: 'tabs-1', roles: ['hotline'] });
    await open(page, 'teletan');
    await page.getByLabel('Another reason').check();
    await page.getByLabel('I asked who is calling').check();
    const other = await page.context().newPage();
    await open(other, '');
    await other.getByRole('button', { name: 'Sign out' }).click();
    // A sign-in of the same second would have ended with the session.
    await other.waitForTimeout(1_100);
    await other.getByRole('link', { name: 'Sign in again' }).click();
    await other.getByLabel('Name').fill('tabs-1');
    await other.getByLabel('hotline', { exact: true }).check();
    await other.getByRole('button', { name: 'Sign in' }).click();
    await other.waitForURL(/\/staff$/);
    await page.getByRole('button', { name: 'Issue a teleTAN' }).click();
    expect(await notice(page)).toContain('This form was of an earlier session');
    await issueTeleTan(page);
    expect(await shown(page)).not.toBe('');
    await open(page, 'codes');
    expect(await page.locator('tbody tr').count()).toBe(1);
  });

  it('after a withdrawal meets pages at each step back', async ({ expect }) => {
    const page = await portal.signIn({ name: 'back-1', roles: ['provider'], provider: 'Practice Back' });
    await open(page, 'cards');
    await page.getByLabel('Name of the batch').fill('Back');
    await page.getByRole('button', { name: 'Make the cards' }).click();
    await page.locator('#sheets-end').waitFor({ state: 'attached' });
    await open(page, 'batches');
    await page.getByRole('button', { name: 'Withdraw … Back' }).click();
    await page.getByRole('button', { name: 'Show what this would do' }).click();
    await page.getByRole('button', { name: 'Withdraw this batch' }).dblclick();
    await page.getByText('The batch is withdrawn from').waitFor();
    for (let step = 0; step < 4; step++) {
      await page.goBack();
      expect(await page.locator('h1').textContent()).toMatch(/Card batches|Print code cards/);
      expect(await page.getByText('That did not work').count()).toBe(0);
    }
  });

  it.for(['/staff/', '/staff/codes/'])('%s is a page', async (path, { expect }) => {
    const page = await portal.signIn({ name: 'slash-1', roles: ['hotline'] });
    expect((await page.goto(`${portal.edge.url}${path}`))?.status()).toBe(200);
    expect(new URL(page.url()).pathname).toBe(path.slice(0, -1));
  });
});

describe('a teleTAN', () => {
  it('is revoked: a phone that types it is answered as for one that never was', async ({ expect }) => {
    const page = await portal.signIn({ name: 'revoke-1', roles: ['hotline'] });
    await open(page, 'teletan');
    await issueTeleTan(page);
    const code = await shown(page);
    await open(page, 'codes');
    await page.getByRole('button', { name: `Revoke … ${code.slice(0, 3)}` }).click();
    expect(await isFit(page)).toEqual([]);
    await page.getByRole('button', { name: 'Revoke this teleTAN' }).click();
    expect(await notice(page)).toBe('The teleTAN is revoked.');
    expect(await isFit(page)).toEqual([]);
    expect(await register(code)).toBe(await register('22222222G5'));
  });

  it('beyond the quota needs a second person', async ({ expect }) => {
    const hotline = await portal.signIn({ name: 'quota-1', roles: ['hotline'] });
    const authority = await portal.signIn({ name: 'quota-2', roles: ['health-authority'] });
    await open(authority, 'quotas');
    await authority.getByLabel('Person', { exact: true }).fill('quota-1');
    await authority.getByLabel('teleTANs an hour').fill('1');
    await authority.getByRole('button', { name: 'Set the quota' }).click();
    await open(hotline, 'teletan');
    await issueTeleTan(hotline);
    await hotline.getByRole('link', { name: 'Issue another teleTAN' }).click();
    expect(await isFit(hotline)).toEqual([]);
    await hotline.getByRole('button', { name: 'Ask a second person' }).click();
    expect(await notice(hotline)).toBe('Your request is with the health authority.');
    await open(authority, 'quotas');
    expect(await isFit(authority)).toEqual([]);
    await authority.getByRole('button', { name: 'Release quota-1' }).click();
    expect(await notice(authority)).toBe('The codes are released for an hour.');
    await hotline.getByRole('link', { name: 'Look again' }).click();
    await issueTeleTan(hotline);
    expect(await shown(hotline)).not.toBe('');
  });
});

it('parameters: a weight goes out when a second officer agrees, and nobody undoes it unseen', async ({ expect }) => {
  const document = readFileSync(new URL('../../parameters/default.json', import.meta.url), 'utf8');
  await command(portal.edge.url, 'POST', '/operator/config/publish', { document, expectedVersion: 0 });
  const first = await portal.signIn({ name: 'officer-1', roles: ['health-authority'] });
  const second = await portal.signIn({ name: 'officer-2', roles: ['health-authority'] });
  const weight = 'riskCalculation.minutesAtAttenuationWeights.0.weight';
  const slide = (page: Page, path: string, value: number): Promise<void> =>
    page.locator(`input[data-path="${path}"]`).evaluate((input, to) => {
      (input as HTMLInputElement).value = String(to);
      input.dispatchEvent(new Event('input'));
    }, value);
  for (const page of [first, second]) {
    await open(page, '');
    await page.getByRole('link', { name: 'Parameters of phones' }).first().click();
    await page.getByRole('link', { name: 'Open the risk explorer' }).click();
    await page.getByText('Version 1 is in force.').waitFor();
  }
  await slide(first, weight, 0.4);
  await first.getByRole('button', { name: 'Propose to a second person …' }).click();
  await first.getByLabel('I have looked at each').check();
  await first.getByRole('button', { name: 'Propose', exact: true }).click();
  await first.getByText('Nothing is published yet: a second person must agree').waitFor();
  await open(first, 'parameters');
  expect(await first.getByRole('button', { name: 'Agree and publish' }).count()).toBe(0);

  // The second officer still has version 1 in the explorer of another tab.
  const tab = await second.context().newPage();
  await open(tab, 'parameters');
  expect((await tab.locator('.proposal tbody').innerText()).split(/\s+/)).toEqual([
    'riskCalculation.minutesAtAttenuationWeights[0].weight',
    '0.8',
    '0.4',
  ]);
  for (const language of LANGUAGES) {
    await tab.getByRole('button', { name: language }).click();
    await open(tab, 'parameters');
    expect([language, await isFit(tab)]).toEqual([language, []]);
  }
  await tab.getByRole('button', { name: 'English' }).click();
  await open(tab, 'parameters');
  await tab.getByRole('button', { name: 'Agree and publish' }).click();
  expect(await notice(tab)).toBe('The new version is published.');

  await slide(second, 'v1.exposureConfiguration.minimumRiskScore', 20);
  await second.getByLabel('Share of phones, %').fill('5');
  await second.getByRole('button', { name: 'Publish …' }).click();
  await second.getByLabel('I have looked at each').check();
  await second.getByRole('button', { name: 'Publish now' }).click();
  await second.getByText('Refused: version 2 was published meanwhile.').waitFor();
  expect(await second.locator('#publish .changes').innerText()).toMatch(
    /minutesAtAttenuationWeights[\s\S]*0\.8\s+0\.4/,
  );
  await second.getByRole('button', { name: 'Put my changes onto version 2' }).click();
  expect(await second.locator(`input[data-path="${weight}"]`).inputValue()).toBe('0.4');
});
