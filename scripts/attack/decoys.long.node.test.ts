import { describe, it } from 'vitest';
import { decoys } from './decoys.ts';
import { POPULATIONS } from './decoys/populations.ts';

const SMALL = { chunks: 300, perDay: 4, minKeys: 2000, progress: () => {} };

describe('npm run attack -- decoys, small', () => {
  it.for(['CWA Android', 'our phone, next-day key'])(
    'finds no decoys among keys of %s, and finds the former ones',
    { timeout: 60_000 },
    async (name, { expect }) => {
      const populations = POPULATIONS.filter((population) => population.name === name);
      const verdicts = await decoys(1, { ...SMALL, populations });
      // A part of the day has too few keys here for a bound: the whole form judges it.
      const judged = verdicts.filter(({ what }) => /all hours|fault/.test(what));
      expect(judged.map(({ what, figure, holds }) => (holds ? null : `${what}: ${figure}`))).toEqual([null, null]);
    },
  );
});
