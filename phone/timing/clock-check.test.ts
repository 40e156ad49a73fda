import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { CLOCK_TOLERANCE_SECONDS, clockError, describeClockError } from './clock-check.ts';

const NOON = Date.UTC(2026, 5, 15, 12) / 1000;
const HOUR = 3600;

const answer = (date: number | string | null, age: string | null = null): Headers => {
  const headers = new Headers();
  if (date !== null) headers.set('date', typeof date === 'number' ? new Date(date * 1000).toUTCString() : date);
  if (age !== null) headers.set('age', age);
  return headers;
};

describe('the phone’s clock against the answer’s Date', () => {
  it.for([
    { name: 'right', headers: answer(NOON), error: null },
    { name: 'two hours fast', headers: answer(NOON - 2 * HOUR), error: null },
    { name: 'a second more', headers: answer(NOON - 2 * HOUR - 1), error: 2 * HOUR + 1 },
    { name: 'two hours slow', headers: answer(NOON + 2 * HOUR), error: null },
    { name: '26 hours slow', headers: answer(NOON + 26 * HOUR), error: -26 * HOUR },
    {
      name: 'right, by a copy that kept its first date',
      headers: answer(NOON - 30 * HOUR, String(30 * HOUR)),
      error: null,
    },
    { name: 'right, by a copy whose date a cache wrote anew', headers: answer(NOON, String(30 * HOUR)), error: null },
    { name: 'five hours fast, by a copy of an hour', headers: answer(NOON - 6 * HOUR, String(HOUR)), error: 5 * HOUR },
    { name: 'five hours slow, by a copy of any age', headers: answer(NOON + 5 * HOUR, '99999'), error: -5 * HOUR },
    { name: 'five hours fast, by an age that is none', headers: answer(NOON - 5 * HOUR, '-86400'), error: 5 * HOUR },
    { name: 'of unknown rightness, without a date', headers: answer(null), error: null },
    { name: 'of unknown rightness, by a date that is none', headers: answer('yesterday'), error: null },
  ])('is $name', ({ headers, error }, { expect }) => {
    expect(clockError(headers, NOON)).toBe(error);
  });

  it('is told wrong exactly outside the tolerance around Date to Date + Age', ({ expect }) => {
    const seconds = fc.integer({ min: -3 * 86_400, max: 3 * 86_400 });
    fc.assert(
      fc.property(seconds, fc.integer({ min: 0, max: 86_400 }), (off, age) => {
        const isWrong = off < -CLOCK_TOLERANCE_SECONDS || off > age + CLOCK_TOLERANCE_SECONDS;
        expect(clockError(answer(NOON, String(age)), NOON + off) !== null).toBe(isWrong);
      }),
      { seed: 20_260_615 },
    );
  });

  it('is described to a person', ({ expect }) => {
    expect(describeClockError(5 * HOUR)).toContain('5 h 0 min ahead of');
    expect(describeClockError(-26 * HOUR - 90)).toContain('26 h 2 min behind');
  });
});
