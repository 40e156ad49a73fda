/**
 * @module `npm run portal:screenshots`: each page of the portal as it looks, into docs/portal. The clock stands still, so
 * that two runs differ in codes alone.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { signDocument } from '../../protocol/index/signed-document.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { run } from '../../scripts/support/command-line/command.ts';
import { command, setClock } from '../../scripts/support/operator.ts';
import { issueTeleTan, startPortal } from './portal-rig.ts';
import { playPeers, twoPeers } from './peers-story.ts';
import { playRollbacks } from './rollback-story.ts';

const FOLDER = new URL('../../docs/portal/', import.meta.url).pathname;
/** 25 November 2026, 09:00 UTC. */
const NOW = Date.UTC(2026, 10, 25, 9) / 1000;
const EVERYTHING = ['hotline', 'health-authority', 'provider', 'lab-admin', 'operator', 'auditor'];

await run(
  {
    name: 'npm run portal:screenshots',
    summary:
      'Renews docs/portal/*.png: starts a local edge, walks through the portal with Chromium, and takes a picture of each page.',
  },
  async (_, { say }) => {
    const { feed, adapt } = twoPeers(NOW);
    const portal = await startPortal({ adapt });
    mkdirSync(FOLDER, { recursive: true });
    try {
      const { edge } = portal;
      await setClock(edge.url, NOW - 7200);
      await playRollbacks(portal, NOW);
      const page = await portal.signIn({ name: 'anna@example.org', roles: EVERYTHING });
      const open = (path: string) => page.goto(`${edge.url}/staff/${path}`);
      const shoot = async (name: string): Promise<void> => {
        await page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage: true });
        say(`${name}.png`);
      };

      await shoot('home');
      await open('teletan');
      await shoot('teletan-form');
      await issueTeleTan(page);
      await shoot('teletan');
      await open('codes');
      await shoot('codes');
      await page.getByRole('button', { name: /^Revoke/ }).click();
      await shoot('revoke');
      await open('issue');
      await shoot('issue-form');
      await page.getByLabel('A test was positive').check();
      await page.getByLabel('They scan or open a link').check();
      await page.getByLabel('I asked who is calling').check();
      await page.getByRole('button', { name: 'Issue the code' }).click();
      await page.locator('.qr svg').waitFor();
      await shoot('issue-link');
      await open('issued');
      await shoot('issued');
      await open('bulk');
      const day = new Date(NOW * 1000).toISOString().slice(0, 10);
      await page
        .getByLabel('Table (CSV)')
        .fill(
          [
            'testType,testDate,phone',
            ...['', '+49 170 1234567', '0170 1234567'].map((phone) => `confirmed,${day},${phone}`),
          ].join('\n'),
        );
      await page.getByRole('button', { name: 'Check the table' }).click();
      await page.getByRole('button', { name: 'Issue 2 codes' }).click();
      await page.locator('.bulk-report').waitFor();
      await shoot('bulk');
      await open('api-keys');
      await page.getByLabel('Whose key it is').fill('Laboratory Gouda');
      await page.getByLabel('Systems that issue codes').check();
      await page.getByRole('button', { name: 'Make a key' }).click();
      await open('api-keys');
      await shoot('api-keys');
      await open('cards');
      await page.getByLabel('Name of the batch').fill('December');
      await shoot('cards');
      await page.getByRole('button', { name: 'Make the cards' }).click();
      await page.locator('#sheets-end').waitFor({ state: 'attached' });
      await shoot('cards-made');
      await page.emulateMedia({ media: 'print' });
      await page.setViewportSize({ width: 720, height: 1018 });
      await shoot('cards-printed');
      await page.emulateMedia({ media: 'screen' });
      await page.setViewportSize({ width: 1200, height: 900 });
      await open('batches');
      await shoot('batches');
      await page.getByRole('button', { name: 'Withdraw … December' }).click();
      await page.getByLabel('Back to a date').check();
      await shoot('withdraw');
      await page.getByRole('button', { name: 'Show what this would do' }).click();
      await shoot('withdraw-preview');
      await open('flyers');
      await shoot('flyers');
      await page.getByRole('button', { name: 'Make the flyers' }).click();
      await page.locator('#sheets-end').waitFor({ state: 'attached' });
      await page.emulateMedia({ media: 'print' });
      await page.setViewportSize({ width: 720, height: 1018 });
      await shoot('flyer-printed');
      await page.emulateMedia({ media: 'screen' });
      await page.setViewportSize({ width: 1200, height: 900 });
      await open('laboratories');
      const { LABORATORY_LIST_SIGNING_KEY: pem = '' } = JSON.parse(
        readFileSync(join(edge.state, 'secrets.json'), 'utf8'),
      ) as Record<string, string>;
      const laboratories = [
        { id: 'lab-gouda', name: 'Laboratory Gouda', certificateFingerprints: ['00'.repeat(2) + 'a7'.repeat(30)] },
        { id: 'lab-bonn', name: 'Labor Bonn', certificateFingerprints: ['3c'.repeat(32), '91'.repeat(32)] },
      ];
      const list = { version: 1, laboratories };
      await page
        .getByLabel('Signed list')
        .fill(signDocument('laboratories', 'laboratories-v1', list, signerFromPkcs8Pem(pem).raw));
      await page.getByRole('button', { name: 'Put in force' }).click();
      await shoot('laboratories');
      await open('quotas');
      await page.getByLabel('Person', { exact: true }).fill('berta@example.org');
      await page.getByLabel('teleTANs an hour').fill('120');
      await page.getByRole('button', { name: 'Set the quota' }).click();
      await shoot('quotas');
      const document = readFileSync(new URL('../../parameters/default.json', import.meta.url), 'utf8');
      const publish = (change: object, expectedVersion: number) =>
        command(edge.url, 'POST', '/operator/config/publish', {
          document: JSON.stringify({ ...(JSON.parse(document) as object), ...change }),
          expectedVersion,
        });
      await publish({}, 0);
      await publish({ exposureDetection: { maxExposureDetectionsPerInterval: 4, overallTimeoutInSeconds: 600 } }, 1);
      await open('rollbacks');
      await shoot('rollbacks');
      await open('parameters');
      await shoot('parameters');
      await page.getByRole('link', { name: 'Open the risk explorer' }).click();
      await page.locator('.difference').waitFor();
      await shoot('explorer');
      await portal.bringList(NOW - 3600);
      await open('holders');
      await page.getByLabel('Number on the card').fill('900012345');
      await page.getByLabel('Provider', { exact: true }).fill('Klinikum, Nord');
      await page.getByLabel('E-mail address of the person').fill('dora@example.org');
      await page.getByLabel('Health-care provider').check();
      await page.getByRole('button', { name: 'Save the entry' }).click();
      await shoot('holders');
      for (const path of ['guesses', 'sessions', 'status', 'audit']) {
        await open(path);
        await shoot(path);
      }
      await page.getByRole('button', { name: 'Deutsch' }).click();
      await shoot('home-de');
      await page.setViewportSize({ width: 600, height: 800 });
      await open('batches');
      await shoot('batches-200-percent');
      const hotline = await portal.signIn({ name: 'carla@example.org', roles: ['hotline'] });
      await hotline.goto(`${edge.url}/staff/audit`);
      await hotline.screenshot({ path: join(FOLDER, 'refused.png') });
      // Last, since it takes two hours, and sessions end.
      await playPeers(portal, feed, NOW + 7200);
      const operator = await portal.signIn({ name: 'emil@example.org', roles: ['operator'] });
      await operator.goto(`${edge.url}/staff/peers?peer=NL`);
      await operator.screenshot({ path: join(FOLDER, 'peer.png'), fullPage: true });
      say('peer.png');
      await operator.getByRole('button', { name: /^Ask to let it in/ }).click();
      await operator.getByText('A second person must confirm').waitFor();
      const second = await portal.signIn({ name: 'fay@example.org', roles: ['operator'] });
      await second.goto(`${edge.url}/staff/peers`);
      await second.screenshot({ path: join(FOLDER, 'peers.png'), fullPage: true });
      say('peers.png');
    } finally {
      await portal.close();
    }
    return 0;
  },
);
