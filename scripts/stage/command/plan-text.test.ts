import { describe, it } from 'vitest';
import type { Difference } from '../resources/resource.ts';
import { differenceLines, isNothing, summaryLine, summaryOf } from './plan-text.ts';

const PLAN: readonly Difference[] = [
  { resource: 'bucket a', action: 'create', fields: [{ name: 'jurisdiction', from: null, to: 'eu' }] },
  { resource: 'rate limit: uploads', action: 'change', fields: [{ name: 'enabled', from: false, to: true }] },
  { resource: 'host b', action: 'delete', fields: [{ name: 'worker', from: 'w', to: null }] },
  { resource: 'host c', action: 'keep', fields: [] },
  { resource: 'rule of somebody', action: 'keep', fields: [], foreign: true },
  { resource: 'host d', action: 'change', fields: [], foreign: true },
];

describe('a plan', () => {
  it('has a line for each thing that changes or is somebody else’s, with both values of each field', ({ expect }) => {
    expect(differenceLines(PLAN)).toEqual([
      'create     bucket a',
      '             jurisdiction: eu',
      'change     rate limit: uploads',
      '             enabled: false → true',
      'delete     host b',
      '             worker: w → nothing',
      'foreign    rule of somebody',
      'in the way host d',
    ]);
  });

  it('is summed up in a line, and is nothing where only others’ things differ', ({ expect }) => {
    expect(summaryLine(summaryOf(PLAN))).toBe(
      '1 to create, 1 to change, 1 to delete, 1 as they are, 1 of somebody else, left alone, 1 of somebody else in the way: an apply refuses',
    );
    expect(isNothing(summaryOf(PLAN))).toBe(false);
    expect(isNothing(summaryOf(PLAN.slice(3, 5)))).toBe(true);
    expect(isNothing(summaryOf(PLAN.slice(5)))).toBe(false);
  });

  it('shows a long value from its beginning, in one line', ({ expect }) => {
    const [, line = ''] = differenceLines([
      { resource: 'r', action: 'create', fields: [{ name: 'x', from: null, to: `a\n b${'c'.repeat(2_000)}` }] },
    ]);
    expect(line).toMatch(/^ {13}x: a bc+…$/);
    expect(line.length).toBeLessThan(1_100);
  });
});
