import { describe, it } from 'vitest';
import { createHourlyCounts } from './hourly-counts.ts';

describe('hourly counts', () => {
  it('are written when their hour is over, once, and not at all when there is nothing to count', ({ expect }) => {
    const lines: string[] = [];
    const counts = createHourlyCounts((line) => lines.push(line));
    counts.report(100);
    counts.count('answer-late', 100);
    counts.report(100);
    counts.count('answer-late', 100);
    counts.count('answer-failed', 100);
    expect(lines).toEqual([]);
    counts.report(102);
    counts.report(103);
    expect(lines).toEqual(['answer-late hour=100 count=2', 'answer-failed hour=100 count=1']);
  });
});
