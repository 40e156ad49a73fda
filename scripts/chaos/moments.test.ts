import { describe, it } from 'vitest';
import { byteSource } from '../support/patients.ts';
import { drawMoments } from './moments.ts';

const drawn = (kills: number, seed: number) => {
  const bytes = byteSource(`moments/${seed}`);
  return drawMoments(kills, () => bytes(1)[0] ?? 0);
};
const count = <T>(values: readonly T[], value: T): number => values.filter((one) => one === value).length;

describe('moments', () => {
  it('are the seed’s', ({ expect }) => {
    expect(drawn(30, 1)).toEqual(drawn(30, 1));
    expect(drawn(30, 1)).not.toEqual(drawn(30, 2));
  });

  it.for([1, 2, 3, 4, 5])('of ten kills have each kind, whatever the seed: %i', (seed, { expect }) => {
    const moments = drawn(10, seed);
    const works = moments.map(({ work }) => work);
    expect(moments).toHaveLength(10);
    expect([count(works, 'rollback'), count(works, 'withdrawals'), count(works, 'nothing')]).toEqual([2, 2, 6]);
    expect(
      count(
        moments.map(({ target }) => target),
        'storage',
      ),
    ).toBe(1);
  });

  it('of five have a loss, a rollback and withdrawals too', ({ expect }) => {
    const moments = drawn(5, 1);
    expect(moments).toHaveLength(5);
    expect(moments.some(({ target }) => target === 'storage')).toBe(true);
    expect(new Set(moments.map(({ work }) => work))).toEqual(new Set(['rollback', 'withdrawals', 'nothing']));
  });

  it('of a long run cut each kind of work before, in the middle and after, and a restore now and then', ({
    expect,
  }) => {
    const moments = drawn(200, 1);
    for (const work of ['rollback', 'withdrawals'] as const) {
      const whens = moments.filter((one) => one.work === work).map(({ when }) => when);
      expect(new Set(whens)).toEqual(new Set(['before', 'middle', 'after']));
    }
    const lost = moments.filter(({ target }) => target === 'storage');
    expect(lost).toHaveLength(20);
    expect(new Set(lost.map(({ restoreCutAt }) => restoreCutAt === null))).toEqual(new Set([true, false]));
  });
});
