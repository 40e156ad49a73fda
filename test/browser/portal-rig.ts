/**
 * @module A local edge with all Workers, Chromium before it, and people who sign in at the local chooser.
 */
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { requireChromium } from '../../scripts/support/chromium.ts';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';

/** A running portal. */
export interface Portal {
  readonly edge: LocalEdge;
  readonly browser: Browser;
  /** Signs somebody in, in a browser of their own. */
  signIn(person: Person): Promise<Page>;
  close(): Promise<void>;
}

/** Who signs in. */
interface Person {
  readonly name: string;
  readonly roles: readonly string[];
  readonly provider?: string;
}

/** @returns the edge and a browser; ended by `close` */
export async function startPortal(): Promise<Portal> {
  const edge = await startLocalEdge();
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
    async close() {
      for (const context of contexts) await context.close();
      await browser.close();
      await edge.dispose();
    },
  };
}

/** What axe found, one line each. */
export async function axeViolations(page: Page): Promise<string[]> {
  // The pages' policy forbids scripts from elsewhere; the debugger may run one all the same.
  return page.evaluate(`${axe.source}; axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ' ' + html)))`);
}

/** @returns whether something is wider than the window */
export async function scrollsSideways(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}
