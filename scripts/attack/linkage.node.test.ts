import { describe, it } from 'vitest';
import { linkage } from './linkage.ts';

describe('npm run attack -- linkage, small', () => {
  it(
    'finds what docs/privacy.md says, and nearly all where starts are published as phones have them',
    {
      timeout: 60_000,
    },
    ({ expect }) => {
      const verdicts = linkage(1, { chunks: 24, progress: () => {} });
      expect(verdicts.filter(({ holds }) => !holds)).toEqual([]);
      expect(verdicts.length).toBe(7);
    },
  );
});
