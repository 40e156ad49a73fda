import { afterEach, beforeEach, describe, it, vi } from 'vitest';
import { answerAtDeadline } from './deadline.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const after = <T>(ms: number, value: T): Promise<T> => new Promise((done) => setTimeout(() => done(value), ms));

/** Runs the work and says what was answered and when, in milliseconds. */
async function timed(work: () => Promise<string>, deadlineMs: number | null = 1_000) {
  const kept: Promise<unknown>[] = [];
  const start = Date.now();
  const answer = answerAtDeadline({
    deadlineMs,
    work,
    late: () => 'late',
    failed: () => 'failed',
    waitUntil: (promise) => kept.push(promise),
  }).then((value) => ({ value, at: Date.now() - start }));
  await vi.runAllTimersAsync();
  return { ...(await answer), kept };
}

describe('answerAtDeadline', () => {
  it.for<[name: string, work: () => Promise<string>, answer: string]>([
    ['work without a pause', async () => 'done', 'done'],
    ['work that takes a while', () => after(700, 'done'), 'done'],
    ['work that throws', () => Promise.reject(new Error('x')), 'failed'],
    [
      'work that throws before its first await',
      () => {
        throw new Error('x');
      },
      'failed',
    ],
    ['work that is late', () => after(5_000, 'done'), 'late'],
    ['work that never ends', () => new Promise(() => undefined), 'late'],
  ])('%s is answered at the deadline', async ([, work, answer], { expect }) => {
    expect(await timed(work)).toMatchObject({ value: answer, at: 1_000 });
  });

  it('late work goes on, and a failure of it disturbs nobody', async ({ expect }) => {
    const { kept } = await timed(async () => {
      await after(3_000, null);
      throw new Error('x');
    });
    expect(await Promise.all(kept)).toEqual(['failed']);
  });

  it('without a deadline the answer leaves when the work is done', async ({ expect }) => {
    expect(await timed(() => after(5_000, 'done'), null)).toMatchObject({ value: 'done', at: 5_000, kept: [] });
  });

  it('the timer starts before the work', async ({ expect }) => {
    const order: string[] = [];
    const real = globalThis.setTimeout;
    vi.spyOn(globalThis, 'setTimeout').mockImplementation((...args: Parameters<typeof real>) => {
      order.push('timer');
      return real(...args);
    });
    await timed(async () => {
      order.push('work');
      return 'done';
    });
    expect(order.slice(0, 2)).toEqual(['timer', 'work']);
  });
});
