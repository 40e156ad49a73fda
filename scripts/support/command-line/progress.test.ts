import { describe, it } from 'vitest';
import { progressBar } from './progress.ts';

describe('progress', () => {
  it('is a bar on a terminal, a line a tenth elsewhere', ({ expect }) => {
    const show = (isTty: boolean): string[] => {
      const written: string[] = [];
      let now = 0;
      const bar = progressBar({ isTty, write: (text) => written.push(text), now: () => (now += 500) });
      for (let done = 0; done <= 40; done++) bar('people live', done, 40);
      return written;
    };
    expect(show(false)).toHaveLength(11);
    expect(show(false)[5]).toBe('people live       50 %  20/40, 10 s left\n');
    expect(show(true)[20]).toContain('[###############...............] people live');
    expect(show(true).at(-1)).toMatch(/100 % {2}40\/40\n$/);
  });
});
