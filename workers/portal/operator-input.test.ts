import { describe, it } from 'vitest';
import { readIssueTans } from './operator-input.ts';

describe('command: issue TANs', () => {
  it('names a count, and a code batch or none', ({ expect }) => {
    expect(readIssueTans({ count: 1 })).toEqual({ ok: true, value: { count: 1, codeBatchId: null } });
    expect(readIssueTans({ count: 1000, codeBatchId: 'cards_2020-11' })).toEqual({
      ok: true,
      value: { count: 1000, codeBatchId: 'cards_2020-11' },
    });
  });

  it.for<[body: unknown, error: RegExp]>([
    [null, /JSON object/],
    [[], /JSON object/],
    ['x', /JSON object/],
    [{}, /^count/],
    [{ count: 0 }, /^count must be an integer, 1\.\.1000/],
    [{ count: 1001 }, /^count/],
    [{ count: 1.5 }, /^count/],
    [{ count: '5' }, /^count/],
    [{ count: 1, codeBatchId: '' }, /^codeBatchId/],
    [{ count: 1, codeBatchId: '<b>' }, /^codeBatchId/],
    [{ count: 1, codeBatchId: 7 }, /^codeBatchId/],
    [{ count: 1, codeBatchId: 'a'.repeat(65) }, /^codeBatchId/],
    [{ count: 19, codeBatchId: 'cards' }, /^count must be at least 20 with a codeBatchId/],
    [{ count: 1, lifetime: 5 }, /^Only count/],
  ])('is refused by field and rule, never by what was sent: %j', ([body, error], { expect }) => {
    const result = readIssueTans(body);
    expect(result.ok ? '' : result.error).toMatch(error);
    expect(result.ok ? '' : result.error).not.toContain('<b>');
  });
});
