import { describe, it } from 'vitest';
import { createOverrunCounter } from './overruns.ts';

describe('counter of late answers', () => {
  it('writes an hour when it is over, once, and nothing when there was none', ({ expect }) => {
    const lines: string[] = [];
    const counter = createOverrunCounter((line) => lines.push(line));
    counter.report(100);
    counter.count(100);
    counter.report(100);
    counter.count(100);
    expect(lines).toEqual([]);
    counter.report(102);
    counter.report(103);
    expect(lines).toEqual(['answer-overruns hour=100 count=2']);
  });
});
