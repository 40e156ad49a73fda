/**
 * @module The portal in a real browser, before all Workers of the local edge: issue, expire, print, withdraw, refuse; by
 * keyboard alone, enlarged, and seen by axe.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { parseCardCode } from '../../domain/derived-codes.ts';
import { parseTeleTan } from '../../domain/teletan.ts';
import { requirePdftotext } from '../../scripts/support/chromium.ts';
import { command, moveClock } from '../../scripts/support/operator.ts';
import { ask, withBackOffice } from '../support/back-office.ts';
import { axeViolations } from '../support/axe.ts';
import { issueTeleTan, type Portal, scrollsSideways, startPortal } from './portal-rig.ts';
import { qrOn, textOfPdf } from './print.ts';

const PAGES = [
  'teletan',
  'codes',
  'issue',
  'issued',
  'bulk',
  'cards',
  'batches',
  'flyers',
  'laboratories',
  'quotas',
  'rollbacks',
  'peers',
  'parameters',
  'guesses',
  'api-keys',
  'holders',
  'sessions',
  'status',
  'audit',
];
const EVERYTHING = ['hotline', 'health-authority', 'provider', 'lab-admin', 'operator', 'auditor'];
const QR_TEXT = /^https:\/\/localhost\/\?([0-9A-F]{6}(-[0-9A-F]+){5})$/;

/** A machine without Chromium gets it first. */
const INSTALL_TIMEOUT_MS = 600_000;

let portal: Portal;
beforeAll(async () => {
  requirePdftotext();
  portal = await startPortal({ adapt: withBackOffice });
  await portal.bringList(Math.floor(Date.now() / 1000));
}, INSTALL_TIMEOUT_MS);
afterAll(() => portal.close());

const heading = (page: Page): Promise<string | null> => page.locator('h1').textContent();
const open = (page: Page, path: string) => page.goto(`${portal.edge.url}/staff/${path}`);

/** Registers with a hashed GUID or teleTAN as a phone does. @returns the status */
async function register(keyType: 'GUID' | 'TELETAN', key: string): Promise<number> {
  const response = await fetch(`${portal.edge.url}/version/v1/registrationToken`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'cwa-fake': '0' },
    body: JSON.stringify({ keyType, key }),
  });
  return response.status;
}
const hashed = (guid: string): string => createHash('sha256').update(guid).digest('hex');

describe('the hotline', () => {
  it('issues a teleTAN that a phone can use, shown large, until its time runs out', async ({ expect }) => {
    const page = await portal.signIn({ name: 'hotline-1', roles: ['hotline'] });
    await page.clock.install();
    await open(page, 'teletan');
    await issueTeleTan(page);
    const shown = (await page.locator('.code').textContent()) ?? '';
    expect(parseTeleTan(shown)).not.toBeNull();
    const size = await page.locator('.code').evaluate((node) => Number.parseFloat(getComputedStyle(node).fontSize));
    expect(size).toBeGreaterThanOrEqual(40);
    expect(page.url()).not.toContain(shown.slice(0, 3));
    expect(await register('TELETAN', parseTeleTan(shown) ?? '')).toBe(201);

    const timer = page.locator('.timer');
    expect(await timer.textContent()).toMatch(/^Time left: (60:00|59:5\d)$/);
    await page.clock.runFor(30 * 60_000);
    expect(await timer.textContent()).toMatch(/^Time left: (30:00|29:\d\d)$/);
    await page.clock.runFor(31 * 60_000);
    expect(await timer.textContent()).toBe('This code has expired. Issue another one.');
    expect(await page.locator('.code').evaluate((node) => getComputedStyle(node).textDecorationLine)).toBe(
      'line-through',
    );
    expect(await page.getByRole('button', { name: 'Copy' }).count()).toBe(0);
    expect(await axeViolations(page)).toEqual([]);
  });

  it('works by keyboard alone', async ({ expect }) => {
    const page = await portal.signIn({ name: 'hotline-2', roles: ['hotline'] });
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to content');
    await page.keyboard.press('Enter');
    // The content has a tile for each page; the first one is the teleTAN.
    await page.keyboard.press('Tab');
    expect(await focused()).toContain('Issue a teleTAN');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
    expect(outline).toBe('solid');
    await page.keyboard.press('Enter');
    await page.waitForURL(/teletan/);
    const tabTo = async (there: () => Promise<boolean>): Promise<void> => {
      for (let presses = 0; !(await there()); presses++) {
        expect(presses).toBeLessThan(20);
        await page.keyboard.press('Tab');
      }
    };
    const isInput = (name: string) => async (): Promise<boolean> =>
      (await page.evaluate(() => document.activeElement?.getAttribute('name'))) === name;
    await tabTo(isInput('reason'));
    await page.keyboard.press('Space');
    await tabTo(isInput('asked'));
    await page.keyboard.press('Space');
    await tabTo(async () => (await focused()) === 'Issue a teleTAN' && isButton(page));
    await page.keyboard.press('Enter');
    await page.locator('.code').waitFor();
    expect(parseTeleTan((await page.locator('.code').textContent()) ?? '')).not.toBeNull();
  });

  it('copies the code', async ({ expect }) => {
    const page = await portal.signIn({ name: 'hotline-3', roles: ['hotline'] });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await open(page, 'teletan');
    await issueTeleTan(page);
    const shown = parseTeleTan((await page.locator('.code').textContent()) ?? '');
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(shown);
  });

  it('works without JavaScript: the code with its end, and no button that would do nothing', async ({ expect }) => {
    const signedIn = await portal.signIn({ name: 'hotline-4', roles: ['hotline'] });
    const storageState = await signedIn.context().storageState();
    const context = await portal.browser.newContext({ javaScriptEnabled: false, storageState });
    const page = await context.newPage();
    await open(page, 'teletan');
    await issueTeleTan(page);
    expect(await page.locator('.timer').textContent()).toMatch(/^Valid until (\d{4}-\d\d-\d\d )?\d\d:\d\d CES?T\.$/);
    expect(await page.getByRole('button', { name: 'Copy' }).isVisible()).toBe(false);
    await context.close();
  });

  it('is refused where it has no role, and its menu does not lead there', async ({ expect }) => {
    const page = await portal.signIn({ name: 'hotline-5', roles: ['hotline'] });
    for (const path of PAGES.filter((name) => !['teletan', 'codes', 'issue', 'issued'].includes(name))) {
      expect((await open(page, path))?.status()).toBe(403);
      expect(await page.getByRole('alert').textContent()).toBe('Your role does not include this page.');
      expect(await page.locator(`nav a[href="/staff/${path}"]`).count()).toBe(0);
    }
  });

  it('whose session an operator ended has to sign in again', async ({ expect }) => {
    const page = await portal.signIn({ name: 'hotline-6', roles: ['hotline'] });
    const operator = await portal.signIn({ name: 'operator-6', roles: ['operator'] });
    await open(operator, 'sessions');
    await operator.getByRole('button', { name: 'End the sessions hotline-6' }).click();
    expect((await open(page, 'teletan'))?.status()).toBe(401);
    expect(await heading(page)).toBe('Your session has ended');
    expect(await page.getByRole('link', { name: 'Sign in again' }).isVisible()).toBe(true);
  });
});

describe('an operator', () => {
  it('puts a card on the list, keeps it out by ending its sessions, lets it in again and removes it', async ({
    expect,
  }) => {
    const page = await portal.signIn({ name: 'operator-7', roles: ['operator'] });
    await open(page, 'holders');
    await page.getByLabel('Authority that issues the card').selectOption({ index: 0 });
    await page.getByLabel('Number on the card').fill('900012345');
    await page.getByLabel('Provider', { exact: true }).fill('Klinikum, Nord');
    await page.getByLabel('E-mail address of the person').fill('dora@example.org');
    await page.getByLabel('Health-care provider').check();
    await page.getByRole('button', { name: 'Save the entry' }).click();
    const row = page.locator('tbody tr').first();
    expect(await row.innerText()).toMatch(
      /card:[0-9a-f]{16}:900012345[\s\S]*Health-care provider[\s\S]*Klinikum, Nord[\s\S]*dora@example.org/,
    );
    expect(await axeViolations(page)).toEqual([]);
    const subject = /card:\S+/.exec(await row.innerText())?.[0] ?? '';
    await open(page, 'sessions');
    await page.getByLabel('Person', { exact: true }).fill(subject);
    await page.getByRole('button', { name: 'End the sessions', exact: true }).click();
    await open(page, 'holders');
    expect(await row.innerText()).toContain('kept out');
    await page.getByRole('button', { name: `Let in again ${subject}` }).click();
    expect(await row.innerText()).not.toContain('kept out');
    await page.getByRole('button', { name: `Remove ${subject}` }).click();
    expect(await page.locator('main').innerText()).toContain('Nobody is on the list.');
  });
});

describe('a provider', () => {
  it('prints a sheet of cards whose codes and QR codes open the same session', async ({ expect }) => {
    const page = await portal.signIn({ name: 'provider-1', roles: ['provider'], provider: 'Practice Gouda' });
    await open(page, 'cards');
    await page.getByLabel('Name of the batch').fill('December');
    await page.getByLabel('Number of cards').fill('23');
    await page.getByRole('button', { name: 'Make the cards' }).click();
    await page.locator('.card').nth(22).waitFor();

    const { text, pages } = textOfPdf(await page.pdf({ preferCSSPageSize: true }));
    expect(pages).toBe(3); // ten cards on a sheet of A4
    const typed = await page
      .locator('.card')
      .evaluateAll((cards) =>
        cards.map((card) => [...card.querySelectorAll('.typed')].map((group) => group.textContent).join('')),
      );
    expect(new Set(typed).size).toBe(23);
    for (const code of typed) {
      expect(parseCardCode(code)).not.toBeNull();
      for (const group of code.split('-')) expect(text).toContain(group);
    }
    expect(text.match(/Batch [0-9a-f]{8} · Practice Gouda · December/g)).toHaveLength(23);
    expect(text).toMatch(/Valid until \d{4}-\d\d-\d\d/);
    // What is for the screen stays there.
    for (const word of ['Sign out', 'Print this page', 'Card batches']) expect(text).not.toContain(word);

    // Asked until it is there: on a busy machine the first picture after printing couldn't be read.
    let guid = '';
    await expect
      .poll(async () => (guid = QR_TEXT.exec((await qrOn(page, '.card svg', 22)) ?? '')?.[1] ?? ''), {
        timeout: 60_000,
      })
      .not.toBe('');
    expect(await register('GUID', hashed(guid))).toBe(201);

    await open(page, 'batches');
    expect(await page.locator('tbody tr').first().innerText()).toMatch(/December[\s\S]*\b23\b[\s\S]*valid/);
    expect(await page.content()).not.toContain((typed[0] ?? '').slice(0, 5));
  });

  it('withdraws a batch: the preview changes nothing, then its cards open nothing', async ({ expect }) => {
    const page = await portal.signIn({ name: 'provider-2', roles: ['provider'], provider: 'Practice Delft' });
    await open(page, 'cards');
    await page.getByLabel('Name of the batch').fill('Lost');
    await page.getByLabel('Number of cards').fill('20');
    await page.getByRole('button', { name: 'Make the cards' }).click();
    await page.locator('.card').nth(1).waitFor();
    const guids = await Promise.all(
      [0, 1].map(async (i) => QR_TEXT.exec((await qrOn(page, '.card svg', i)) ?? '')?.[1]),
    );
    await open(page, 'batches');
    await page.getByRole('button', { name: 'Withdraw … Lost' }).click();
    await page.getByLabel('From now on').check();
    await page.getByRole('button', { name: 'Show what this would do' }).click();
    expect(await page.locator('main').innerText()).toContain(
      'The 20 cards of batch “Lost” that were not used stop working.',
    );
    expect(await axeViolations(page)).toEqual([]);
    expect(await register('GUID', hashed(guids[0] ?? ''))).toBe(201);
    await page.getByRole('button', { name: 'Withdraw this batch' }).click();
    expect(await page.getByRole('status').textContent()).toMatch(/^The batch is withdrawn from /);
    await open(page, 'batches');
    expect(await page.locator('tbody tr').first().innerText()).toMatch(/withdrawn from/);
    expect(await register('GUID', hashed(guids[1] ?? ''))).not.toBe(201);
  });

  it('turns over the pages of batches, in both directions', async ({ expect }) => {
    for (let i = 0; i < 26; i++) {
      await ask(portal.edge.url, 'verification', 'makeCards', 'Practice Leiden', `Batch ${i}.`, 20);
    }
    const page = await portal.signIn({ name: 'provider-4', roles: ['provider'], provider: 'Practice Leiden' });
    await open(page, 'batches');
    const rows = page.locator('tbody tr');
    expect(await rows.count()).toBe(25);
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('link', { name: 'Older batches' }).click();
    await page.waitForURL(/older=/);
    expect(await rows.count()).toBe(1);
    await page.getByRole('link', { name: 'Newer batches' }).click();
    await page.waitForURL(/newer=/);
    expect(await rows.count()).toBe(25);
    expect(await page.getByRole('link', { name: 'Newer batches' }).count()).toBe(0);
  });

  it('prints flyers, one a page, with the same code for patient and laboratory', async ({ expect }) => {
    const page = await portal.signIn({ name: 'provider-3', roles: ['provider'] });
    await open(page, 'flyers');
    await page.getByLabel('Number of flyers').fill('3');
    await page.getByRole('button', { name: 'Make the flyers' }).click();
    await page.locator('.flyer').nth(2).waitFor();
    const { text, pages } = textOfPdf(await page.pdf({ preferCSSPageSize: true }));
    expect(pages).toBe(3);
    expect(text.match(/Sample form/g)).toHaveLength(3);
    const [patient, laboratory, next] = await Promise.all([0, 1, 2].map((i) => qrOn(page, '.flyer svg', i)));
    const guid = QR_TEXT.exec(patient ?? '')?.[1] ?? 'none';
    expect(laboratory).toBe(patient);
    expect(next).not.toBe(patient);
    expect(text.split(guid)).toHaveLength(3);
  });
});

describe('a health authority', () => {
  it('turns over what a proposal changes, page by page, and is told how much it is', async ({ expect }) => {
    const document = JSON.parse(readFileSync(new URL('../../parameters/default.json', import.meta.url), 'utf8')) as {
      v1: { exposureConfiguration: Record<string, number[]> };
    };
    const publish = (expectedVersion: number) =>
      command(portal.edge.url, 'POST', '/operator/config/publish', {
        document: JSON.stringify(document),
        expectedVersion,
      });
    await publish(0);
    const scores = document.v1.exposureConfiguration;
    for (const name of [
      'attenuationScores',
      'daysSinceLastExposureScores',
      'durationScores',
      'transmissionRiskScores',
    ]) {
      scores[name] = (scores[name] ?? []).map((score) => (score + 1) % 9);
    }
    await publish(1);
    const page = await portal.signIn({ name: 'authority-1', roles: ['health-authority'] });
    await open(page, 'parameters');
    await page.getByText('Fields it changes: 32').waitFor();
    const rows = page.locator('.proposal tbody tr');
    expect(await rows.count()).toBe(25);
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('navigation', { name: 'Pages: Fields it changes: 32' }).getByRole('link').click();
    await page.getByText('Page 2 of 2').waitFor();
    expect(await rows.count()).toBe(7);
    expect(await page.getByRole('button', { name: 'Agree and publish' }).isVisible()).toBe(true);
    await page.setViewportSize({ width: 360, height: 700 });
    expect(await scrollsSideways(page)).toBe(false);
    await page.getByRole('button', { name: 'Decline' }).click();
    await page.getByText('Nothing was published.').waitFor();
  });
});

describe('every page', () => {
  it('has no accessibility violation, in English, German and Dutch', async ({ expect }) => {
    const page = await portal.signIn({ name: 'everybody-1', roles: EVERYTHING });
    for (const language of ['Deutsch', 'Nederlands', 'English']) {
      await page.getByRole('button', { name: language }).click();
      for (const path of ['', ...PAGES]) {
        await open(page, path);
        expect([path, await axeViolations(page)]).toEqual([path, []]);
      }
    }
  });

  it('is operated by keyboard: Tab reaches everything in its order, and one sees where one is', async ({ expect }) => {
    const page = await portal.signIn({ name: 'everybody-4', roles: EVERYTHING });
    for (const path of ['', ...PAGES]) {
      await open(page, path);
      const all = await operable(page);
      const reached: string[] = [];
      // A date has places of its own for day, month, year and calendar.
      for (let n = 0; n < all.length + 10 && reached.length < all.length; n++) {
        await page.keyboard.press('Tab');
        const name = await focused(page);
        const last = reached.at(-1);
        if (last === undefined || !name.startsWith(last)) reached.push(name);
      }
      expect([path, reached]).toEqual([path, all]);
    }
  });

  it('is readable at 200 % and on a narrow screen: nothing has to be scrolled sideways', async ({ expect }) => {
    const page = await portal.signIn({ name: `everybody.${'m'.repeat(50)}@example.org`, roles: EVERYTHING });
    // A window of 1,200 pixels enlarged to 200 % is 600 wide; WCAG 1.4.10 asks for 320.
    for (const width of [600, 360, 320]) {
      await page.setViewportSize({ width, height: 700 });
      for (const path of ['', ...PAGES]) {
        await open(page, path);
        expect([width, path, await scrollsSideways(page)]).toEqual([width, path, false]);
      }
    }
  });

  it('loads without one refused script, style or request', async ({ expect }) => {
    const page = await portal.signIn({ name: 'everybody-3', roles: EVERYTHING });
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    for (const path of PAGES) await open(page, path);
    expect(complaints.filter((text) => !text.includes('favicon'))).toEqual([]);
  });
});

// Last: it moves the clock for everybody.
it('a session that was idle for 15 minutes has ended', async ({ expect }) => {
  const page = await portal.signIn({ name: 'idle-1', roles: ['hotline'] });
  await moveClock(portal.edge.url, Math.floor(Date.now() / 1000) + 16 * 60);
  await open(page, 'teletan');
  expect(await heading(page)).toBe('Your session has ended');
});

/**
 * Numbers what can be operated on a page, in the order of the document. Of a group of radio buttons Tab stops at one.
 *
 * @returns a name for each, as {@link focused} gives it
 */
const operable = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const groups = new Set<string>();
    const all = [
      ...document.querySelectorAll<HTMLElement>('a[href], button, input, select, textarea, summary, [tabindex="0"]'),
    ].filter((element) => {
      const { type, name, disabled } = element as HTMLInputElement;
      if (!element.checkVisibility() || disabled || type === 'hidden') return false;
      if (type !== 'radio') return true;
      const isNew = !groups.has(name);
      groups.add(name);
      return isNew;
    });
    return all.map((element, n) => {
      const { type, name } = element as HTMLInputElement;
      const named = type === 'radio' ? `radio ${name}` : `${element.tagName} ${n}`;
      element.dataset['tab'] = named;
      return named;
    });
  });

/** @returns what has the focus, or what is wrong with it: nobody would see it */
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const element = document.activeElement as HTMLElement;
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    const isSeen = (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
    const { type, name } = element as HTMLInputElement;
    const named = type === 'radio' ? `radio ${name}` : (element.dataset['tab'] ?? element.tagName);
    return isSeen ? named : `${named} without a visible focus`;
  });

const isButton = (page: Page): Promise<boolean> => page.evaluate(() => document.activeElement?.tagName === 'BUTTON');
