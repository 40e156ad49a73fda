/**
 * @module Peers in a real browser, before all Workers: what a peer's feed really brought is shown, a batch beyond its limits is thrown away, one that was imported is taken back by a second person.
 */
import { afterAll, beforeAll, it } from 'vitest';
import { setClock } from '../../scripts/support/operator.ts';
import { axeViolations } from '../support/axe.ts';
import { playPeers, twoPeers } from './peers-story.ts';
import { type Portal, scrollsSideways, startPortal } from './portal-rig.ts';

/** A machine without Chromium gets it first. */
const INSTALL_TIMEOUT_MS = 600_000;
/** 25 November 2026, 09:00 UTC. */
const NOW = Date.UTC(2026, 10, 25, 9) / 1000;

let portal: Portal;
beforeAll(async () => {
  const { feed, adapt } = twoPeers(NOW);
  portal = await startPortal({ adapt });
  await setClock(portal.edge.url, NOW - 7200);
  await playPeers(portal, feed, NOW);
}, INSTALL_TIMEOUT_MS);
afterAll(() => portal.close());

it('are seen by everybody who may, in any width', async ({ expect }) => {
  const page = await portal.signIn({ name: 'anna@example.org', roles: ['operator'] });
  for (const path of ['peers', 'peers?peer=NL', 'peers?peer=IT']) {
    await page.setViewportSize({ width: 1200, height: 900 });
    await page.goto(`${portal.edge.url}/staff/${path}`);
    expect([path, await axeViolations(page)]).toEqual([path, []]);
    await page.setViewportSize({ width: 320, height: 700 });
    expect([path, await scrollsSideways(page)]).toEqual([path, false]);
  }
});

it('have what was set aside thrown away by one, and what was imported taken back by a second person', async ({
  expect,
}) => {
  const first = await portal.signIn({ name: 'berta@example.org', roles: ['operator'] });
  await first.goto(`${portal.edge.url}/staff/peers?peer=NL`);
  await first.getByRole('button', { name: 'Throw away: NL 3' }).click();
  await first.getByText('The batch is thrown away.').waitFor();
  expect(await first.getByText('breaker open').count()).toBe(0);
  await first.getByRole('button', { name: 'Ask to take it back: NL 1' }).click();
  await first.getByText('A second person must confirm it within an hour.').waitFor();
  expect(await first.getByRole('button', { name: /^Confirm/ }).count()).toBe(0);
  const second = await portal.signIn({ name: 'clara@example.org', roles: ['operator'] });
  await second.goto(`${portal.edge.url}/staff/rollbacks`);
  await second.getByText('Take back: NL, batch 1, 280 keys').waitFor();
  await second.getByRole('button', { name: /^Confirm, and take it back/ }).click();
  await second.getByText('It is confirmed, and done.').waitFor();
  expect(await axeViolations(second)).toEqual([]);
});
