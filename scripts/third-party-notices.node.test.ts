import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { collectNotices, renderNotices } from './third-party-notices.ts';

const root = join(import.meta.dirname, '..');

describe('third-party notices', () => {
  it('the file is what the script makes of the lock file', ({ expect }) => {
    expect(readFileSync(join(root, 'THIRD_PARTY_NOTICES.md'), 'utf8')).toBe(renderNotices(collectNotices(root)));
  });

  it('cover every direct runtime dependency, with its text', ({ expect }) => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const notices = collectNotices(root);
    expect(notices.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(dependencies)));
    for (const { texts } of notices) expect(texts.join('').length).toBeGreaterThan(200);
  });

  it('name no package that only builds or tests', ({ expect }) => {
    const names = collectNotices(root).map(({ name }) => name);
    for (const tool of ['wrangler', 'vitest', 'miniflare', 'node']) expect(names).not.toContain(tool);
  });
});
