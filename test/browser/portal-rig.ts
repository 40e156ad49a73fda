/**
 * @module A local edge with all Workers, Chromium before it, and people who sign in at the local chooser.
 */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { requireChromium } from '../../scripts/support/chromium.ts';
import { type LocalEdge, type LocalEdgeOptions, startLocalEdge } from '../../local-edge/local-edge.ts';
import { command } from '../../scripts/support/operator.ts';
import { issueCertificate, issueRevocationList } from '../support/certificate-authority.ts';

/** A running portal. */
export interface Portal {
  readonly edge: LocalEdge;
  readonly browser: Browser;
  /** Signs somebody in, in a browser of their own. */
  signIn(person: Person): Promise<Page>;
  /** An authority of professionals has its list of revoked cards brought, made at `now` (Unix seconds) for a day. */
  bringList(now: number): Promise<void>;
  close(): Promise<void>;
}

const CARD_AUTHORITY = {
  name: 'CN=Professionals 2026, O=Ministry of Health, C=NL',
  authority: true,
  notBefore: Date.UTC(2026, 0, 1) / 1000,
  notAfter: Date.UTC(2036, 0, 1) / 1000,
};

/** Who signs in. */
interface Person {
  readonly name: string;
  readonly roles: readonly string[];
  readonly provider?: string;
}

/** @param options of the edge, and variables of the portal @returns the edge and a browser; ended by `close` */
export async function startPortal(
  options: Pick<LocalEdgeOptions, 'adapt'> & { readonly portal?: Readonly<Record<string, string>> } = {},
): Promise<Portal> {
  const authority = await issueCertificate(CARD_AUTHORITY, null);
  const edge = await startLocalEdge({
    ...options,
    vars: { portal: { STAFF_ROOTS: authority.certificate.toString('pem'), ...options.portal } },
  });
  const browser = await chromium.launch({
    executablePath: requireChromium(),
    // As root Chromium has no sandbox; what it opens here is our own.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
  const contexts: BrowserContext[] = [];
  return {
    edge,
    browser,
    async signIn({ name, roles, provider = 'Practice Gouda' }) {
      const context = await browser.newContext({ viewport: { width: 1200, height: 900 } });
      contexts.push(context);
      const page = await context.newPage();
      await page.goto(`${edge.url}/staff`);
      await page.getByLabel('Name').fill(name);
      await page.getByLabel('Provider', { exact: true }).fill(provider);
      for (const role of roles) await page.getByLabel(role, { exact: true }).check();
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.waitForURL(`${edge.url}/staff`);
      return page;
    },
    async bringList(now) {
      const list = await issueRevocationList({ thisUpdate: now, revoked: ['01', '02'] }, authority);
      const body = { list: Buffer.from(list).toString('base64'), authority: null };
      await command(edge.url, 'POST', '/operator/cards/list', body);
    },
    async close() {
      for (const context of contexts) await context.close();
      await browser.close();
      await edge.dispose();
    },
  };
}

/** On the page `teletan`: says why and that one asked, and issues a code, which is shown then. */
export async function issueTeleTan(page: Page): Promise<void> {
  await page.getByLabel('They lost the QR code').check();
  await page.getByLabel('I asked who is calling').check();
  await page.getByRole('button', { name: 'Issue a teleTAN' }).click();
  await page.locator('.code').waitFor();
}

/** @returns whether something is wider than the window */
export async function scrollsSideways(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}
