import { describe, it } from 'vitest';
import { readIssueTans } from './operator-input.ts';

describe('command: issue TANs', () => {
  it('names a count', ({ expect }) => {
    expect(readIssueTans({ count: 1 })).toEqual({ ok: true, value: { count: 1 } });
    expect(readIssueTans({ count: 1000 })).toEqual({ ok: true, value: { count: 1000 } });
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
    [{ count: '<b>' }, /^count/],
    [{ count: 20, codeBatchId: 'cards' }, /^Only count/],
  ])('is refused by field and rule, never by what was sent: %j', ([body, error], { expect }) => {
    const result = readIssueTans(body);
    expect(result.ok ? '' : result.error).toMatch(error);
    expect(result.ok ? '' : result.error).not.toContain('<b>');
  });
});
