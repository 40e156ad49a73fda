import { describe, it } from 'vitest';
import { rebased } from './rebase.ts';

describe('changes put onto another document', () => {
  it.for<[name: string, base: unknown, mine: unknown, onto: unknown, wanted: unknown]>([
    ['nothing changed', { a: 1 }, { a: 1 }, { a: 2 }, { a: 2 }],
    ['another field', { a: 1, b: 1 }, { a: 1, b: 5 }, { a: 2, b: 1 }, { a: 2, b: 5 }],
    ['the same field: mine', { a: 1 }, { a: 5 }, { a: 2 }, { a: 5 }],
    [
      'deep, in a list',
      { l: [{ x: 1 }, { x: 1 }] },
      { l: [{ x: 1 }, { x: 7 }] },
      { l: [{ x: 3 }, { x: 1 }] },
      { l: [{ x: 3 }, { x: 7 }] },
    ],
    ['a list that grew is one value', { l: [1] }, { l: [1, 2] }, { l: [9] }, { l: [1, 2] }],
    ['a field I took away', { a: 1, b: 1 }, { a: 1 }, { a: 2, b: 1 }, { a: 2 }],
    ['a field that came there', { a: 1 }, { a: 3 }, { a: 1, n: 1 }, { a: 3, n: 1 }],
  ])('%s', ([, base, mine, onto, wanted], { expect }) => {
    expect(rebased(base, mine, onto)).toEqual(wanted);
  });
});
