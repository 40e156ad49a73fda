/** @module What axe finds on a page in Chromium: WCAG 2.2 AA and its best practices. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** What axe found, one line each. */
export async function axeViolations(page: Page): Promise<string[]> {
  // The pages' policy forbids scripts from elsewhere; the debugger may run one all the same.
  return page.evaluate(`${axe.source}; axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ' ' + html)))`);
}
