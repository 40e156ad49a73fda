/** @module The page of rollbacks in a real browser, with a rollback in each state: seen by axe, in each language, wide and narrow; and what its buttons are called. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { setClock } from '../../scripts/support/operator.ts';
import { axeViolations } from '../support/axe.ts';
import { type Portal, scrollsSideways, startPortal } from './portal-rig.ts';
import { playRollbacks } from './rollback-story.ts';

/** 25 November 2026, 09:00 UTC. */
const NOW = Date.UTC(2026, 10, 25, 9) / 1000;
/** A machine without Chromium gets it first. */
const INSTALL_TIMEOUT_MS = 600_000;

let portal: Portal;
beforeAll(async () => {
  portal = await startPortal();
  await setClock(portal.edge.url, NOW - 7200);
  await playRollbacks(portal, NOW);
}, INSTALL_TIMEOUT_MS);
afterAll(() => portal.close());

describe('the page of rollbacks', () => {
  it('has no violation that axe finds, nor anything wider than the window, in any language', async ({ expect }) => {
    const page = await portal.signIn({ name: 'anna@example.org', roles: ['operator'] });
    for (const language of ['Deutsch', 'Nederlands', 'English']) {
      await page.getByRole('button', { name: language }).click();
      for (const width of [1200, 320]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(`${portal.edge.url}/staff/rollbacks`);
        expect([language, width, await axeViolations(page)]).toEqual([language, width, []]);
        expect([language, width, await scrollsSideways(page)]).toEqual([language, width, false]);
      }
    }
  });

  it('says of each how far it is, and offers what this person may do, told apart by name', async ({ expect }) => {
    const page = await portal.signIn({ name: 'Anna@example.org', roles: ['operator'] });
    await page.goto(`${portal.edge.url}/staff/rollbacks`);
    const sections = await page.locator('section.proposal').allInnerTexts();
    const about = (name: string): string => sections.find((text) => text.includes(`: ${name}@example.org`)) ?? '';
    expect(sections.length).toBe(5);
    expect(about('agent-1')).toMatch(/To be confirmed by 11:00 CET[\s\S]*\sDE\s+< 280\s+< (280|420)\s/);
    expect(about('agent-2')).toContain('You asked for it: somebody else must confirm.');
    expect(about('agent-2')).toContain('agent-4@example.org (2026-11-25)');
    expect(about('agent-3')).toContain('Waiting for company: of 154 published keys some or all can still be read');
    expect(about('agent-4')).toMatch(/wait for the undo key[\s\S]*npm run rollback -- confirm --id [0-9a-f-]{36}/);
    expect(about('agent-5')).toContain('28 keys that waited are deleted, 0 published keys are taken back.');
    const labels = await page
      .locator('section.proposal button')
      .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')?.replace(/[0-9a-f]{8}$/, 'ID')));
    expect(new Set(labels)).toEqual(
      new Set([
        'Confirm the rollback: agent-1@example.org, ID',
        'Decline: agent-1@example.org, ID',
        'Take back the request: agent-2@example.org, ID',
      ]),
    );
  });

  it('confirms, and says at once what waits', async ({ expect }) => {
    const page = await portal.signIn({ name: 'gerd@example.org', roles: ['health-authority'] });
    await page.goto(`${portal.edge.url}/staff/rollbacks`);
    await page.getByRole('button', { name: 'Confirm the rollback: agent-1@example.org' }).click();
    await page.getByText('The rollback is confirmed.').waitFor();
    const section = page.locator('section.proposal', { hasText: ': agent-1@example.org' });
    expect(await section.innerText()).toContain(
      '28 keys that waited are deleted. Published keys wait for the undo key',
    );
    expect(await section.getByRole('button').count()).toBe(0);
  });
});
