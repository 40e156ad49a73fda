/**
 * @module Sheets of cards in a real browser, of the longest names there may be: they fill their pages, hide nothing, and say
 * when they are not whole.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { requirePdftotext } from '../../scripts/support/chromium.ts';
import { axeViolations } from '../support/axe.ts';
import { type Portal, scrollsSideways, startPortal } from './portal-rig.ts';
import { qrOn, textOfPdf } from './print.ts';

/** 60 characters, 30 and 30: what the portal's variables allow. */
const AUTHORITY = 'Landesamt für Gesundheit und Verbraucherschutz, Dezernat 412';
const APP = 'Corona Warnung und Auskunft DE';
const TELEPHONE = '+49 (0) 30 / 18445 - 0000 0000';

/** A machine without Chromium gets it first. */
const INSTALL_TIMEOUT_MS = 600_000;

let portal: Portal;
beforeAll(async () => {
  requirePdftotext();
  portal = await startPortal({
    portal: { AUTHORITY_NAME: AUTHORITY, APP_NAME: APP, AUTHORITY_TELEPHONE: TELEPHONE },
  });
}, INSTALL_TIMEOUT_MS);
afterAll(() => portal.close());

let people = 0;

/** Fills in the form of cards, in German, which needs the most room. @returns a page before its button */
async function formOf(provider: string, label: string, count: number): Promise<Page> {
  const page = await portal.signIn({ name: `printer-${++people}`, roles: ['provider'], provider });
  await page.getByRole('button', { name: 'Deutsch' }).click();
  await page.goto(`${portal.edge.url}/staff/cards`);
  await page.getByLabel('Name des Stapels').fill(label);
  await page.getByLabel('Anzahl Karten').fill(String(count));
  return page;
}

async function makeCards(provider: string, label: string, count: number): Promise<Page> {
  const page = await formOf(provider, label, count);
  await page.getByRole('button', { name: 'Karten erstellen' }).click();
  await page.locator('#sheets-end').waitFor({ state: 'attached' });
  return page;
}

/** What lies outside its card, or over another part of it, by the names of their classes. */
const misplaced = (page: Page): Promise<string[]> =>
  page.locator('.card').evaluateAll((cards) =>
    cards.flatMap((card) => {
      const frame = card.getBoundingClientRect();
      const parts = [...card.querySelectorAll('.from, .title, svg, .type, .foot')];
      const boxes = parts.map((part) => ({
        name: part.getAttribute('class') ?? 'svg',
        box: part.getBoundingClientRect(),
      }));
      const outside = boxes.filter(
        ({ box }) => box.bottom > frame.bottom || box.right > frame.right || box.top < frame.top,
      );
      const foot = boxes.find(({ name }) => name.startsWith('foot'));
      const over = boxes.filter(({ name, box }) => !name.startsWith('foot') && box.bottom > (foot?.box.top ?? 0) + 0.5);
      return [...outside.map(({ name }) => `${name} outside`), ...over.map(({ name }) => `foot over ${name}`)];
    }),
  );

const LABEL = 'Winterkampagne der kommunalen Praxen, die zweite Lieferung !';
const PROVIDER = 'Arbeitsgemeinschaft der Hausärztinnen und Hausärzte der nördlichen Kreise samt ihren Bereitschaften';

describe('a sheet of cards', () => {
  it.for<[name: string, provider: string, label: string]>([
    ['words', PROVIDER, LABEL],
    ['one word each', 'W'.repeat(100), 'W'.repeat(60)],
    ['Chinese', '衛'.repeat(100), '生'.repeat(60)],
    ['one letter each', 'P', 'L'],
  ])('shows all of it: %s', async ([, provider, label], { expect }) => {
    const page = await makeCards(provider, label, 20);
    await page.emulateMedia({ media: 'print' });
    expect(await misplaced(page)).toEqual([]);
    const first = page.locator('.card').first();
    const text = (await first.innerText()).replaceAll('\u00a0', ' ');
    for (const part of [AUTHORITY, APP, TELEPHONE, provider, label]) expect(text).toContain(part);
    expect(await qrOn(page, '.card svg', 0)).toMatch(/^https:\/\/localhost\/\?[0-9A-F-]{43}$/);
  });

  it('fills its pages: of 21 cards ten, ten and one', async ({ expect }) => {
    const page = await makeCards('Praxis', 'Einundzwanzig', 21);
    const { text, pages } = textOfPdf(await page.pdf({ preferCSSPageSize: true }));
    const sheets = text.split('\f').slice(0, pages);
    expect(sheets.map((sheet) => sheet.match(/Praxis · Einundzwanzig/g)?.length)).toEqual([10, 10, 1]);
    expect(await axeViolations(page)).toEqual([]);
  });

  it('fits a narrow screen', async ({ expect }) => {
    const page = await makeCards(PROVIDER, LABEL, 20);
    for (const width of [600, 360]) {
      await page.setViewportSize({ width, height: 700 });
      expect([width, await scrollsSideways(page), await misplaced(page)]).toEqual([width, false, []]);
    }
  });

  it('that broke off says so, and is not to be printed', async ({ expect }) => {
    const page = await formOf('Praxis', 'Abgebrochen', 40);
    await page.route('**/staff/cards', async (route) => {
      // What playwright sends in the browser's place says nothing of where it began.
      const headers = { ...(await route.request().allHeaders()), 'sec-fetch-site': 'same-origin' };
      const response = await route.fetch({ headers });
      const body = await response.text();
      await route.fulfill({ response, body: body.slice(0, body.lastIndexOf('<article')) });
    });
    await page.getByRole('button', { name: 'Karten erstellen' }).click();
    await page.getByText('Die Seite brach ab, und Karten fehlen.').waitFor();
    expect(await page.locator('.card').count()).toBe(39);
    expect(await page.getByRole('button', { name: 'Drucken' }).isVisible()).toBe(false);
    expect(await page.getByText('Karten wurden erstellt').isVisible()).toBe(false);
  });
});

/** What lies outside its half of a flyer, or over another part of it, and flyers that are longer than their page. */
const misplacedOnFlyer = (page: Page): Promise<string[]> =>
  page.locator('.flyer').evaluateAll((flyers) =>
    flyers.flatMap((flyer) => {
      const sections = [...flyer.querySelectorAll('section')].map((section) => section.getBoundingClientRect());
      const cut = flyer.querySelector('.cut')!.getBoundingClientRect();
      const frame = flyer.getBoundingClientRect();
      const parts = [...flyer.querySelectorAll('.from, .kind, h2, svg, li, .parts p, .guid')];
      const outside = parts.flatMap((part) => {
        const box = part.getBoundingClientRect();
        const name = part.getAttribute('class') ?? part.tagName;
        const half = part.closest('section') === flyer.querySelector('section') ? 0 : 1;
        const [top, bottom] = [half === 0 ? frame.top : cut.bottom, half === 0 ? cut.top : frame.bottom];
        const isWide = part.scrollWidth > part.clientWidth + 1 && part.tagName !== 'svg';
        const isOut = box.right > frame.right + 0.5 || box.top < top - 0.5 || box.bottom > bottom + 0.5;
        return isOut || isWide ? [`${name} outside half ${half + 1}`] : [];
      });
      return [...outside, ...(sections.length === 2 ? [] : ['not two halves'])];
    }),
  );

describe('a flyer', () => {
  it.for<[name: string, provider: string]>([
    ['words', PROVIDER],
    ['one wide word', 'W'.repeat(100)],
    ['Chinese', '衛'.repeat(100)],
    ['one letter', 'P'],
  ])('fits its page, with the provider’s whole name: %s', async ([, provider], { expect }) => {
    const page = await portal.signIn({ name: `printer-${++people}`, roles: ['provider'], provider });
    await page.getByRole('button', { name: 'Deutsch' }).click();
    await page.goto(`${portal.edge.url}/staff/flyers`);
    await page.getByLabel('Anzahl Blätter').fill('2');
    await page.getByRole('button', { name: 'Blätter erstellen' }).click();
    await page.locator('#sheets-end').waitFor({ state: 'attached' });
    const pdf = await page.pdf({ preferCSSPageSize: true });
    const { text, pages } = textOfPdf(pdf);
    expect(pages).toBe(2);
    const letters = text.replaceAll(/\s/g, '');
    // A machine without a Chinese font prints boxes, which are as wide, and nothing can be read out of them.
    for (const part of [AUTHORITY, APP, TELEPHONE]) expect(letters).toContain(part.replaceAll(/\s/g, ''));
    expect(await page.locator('.flyer').first().innerText()).toContain(provider);
    // The paper between the margins of `@page`: 182 mm at 96 pixels an inch.
    await page.setViewportSize({ width: 688, height: 1024 });
    await page.emulateMedia({ media: 'print' });
    expect(await misplacedOnFlyer(page)).toEqual([]);
    const [patient, laboratory] = await Promise.all([0, 1].map((i) => qrOn(page, '.flyer svg', i)));
    expect(patient).toMatch(/^https:\/\/localhost\/\?[0-9A-F-]{43}$/);
    expect(laboratory).toBe(patient);
    await page.emulateMedia({ media: 'screen' });
    for (const width of [600, 360]) {
      await page.setViewportSize({ width, height: 700 });
      expect([width, await scrollsSideways(page)]).toEqual([width, false]);
    }
    expect(await axeViolations(page)).toEqual([]);
  });
});

describe('the table of batches', () => {
  it('shows the button that withdraws, whatever the batch is called, on any screen', async ({ expect }) => {
    const page = await makeCards('W'.repeat(100), 'M'.repeat(60), 20);
    await page.goto(`${portal.edge.url}/staff/batches`);
    for (const width of [1200, 1000, 600, 360, 320]) {
      await page.setViewportSize({ width, height: 900 });
      const hidden = await page.locator('.table').evaluate((table) => table.scrollWidth - table.clientWidth);
      expect([width, hidden, await scrollsSideways(page)]).toEqual([width, 0, false]);
      expect(await page.getByRole('button', { name: 'Zurückziehen' }).first().isVisible()).toBe(true);
    }
    expect(await axeViolations(page)).toEqual([]);
  });
});
