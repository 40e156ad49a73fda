/**
 * @module A course keeps to the schedule: lengths, hours, windows, follow-ups, follow-up days.
 */
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import parameters from '../../parameters/default.json' with { type: 'json' };
import { intoWindow } from '../timing/schedule.ts';
import { testRandom } from '../testing/random.ts';
import { courseOf, type CoverSettings, drawSeconds, feign, followUps, kindOf, nextPoll } from './course.ts';

const MIDNIGHT = Date.UTC(2026, 5, 15) / 1000;
const DAY = 86_400;
const SEED = 20_260_615;
const { coverTraffic } = parameters;
const WITHOUT_REPEATS: CoverSettings = {
  ...parameters,
  coverTraffic: { ...coverTraffic, courses: { ...coverTraffic.courses, repeatProbability: 0 } },
};
const seeds = fc.string({ minLength: 1 });

describe('a course', () => {
  it('registers, polls until its result or the last day, submits, and submits once more on the next UTC day, within 24 h', ({
    expect,
  }) => {
    const lengths = new Map<number, number>();
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = testRandom(seed);
        const feigned = feign(MIDNIGHT, WITHOUT_REPEATS, random);
        const steps = courseOf(feigned, WITHOUT_REPEATS, random);
        const polls = steps.filter(({ action }) => action === 'poll').map(({ at }) => at);
        expect(steps.map(({ action }) => action)).toEqual(['register', ...polls.map(() => 'poll'), 'submit', 'submit']);
        const [start = 0, last = 0] = [steps[0]?.at, polls.at(-1) ?? steps[0]?.at];
        const end = feigned.resultAt ?? start + coverTraffic.courses.pollDays * DAY;
        // The poll that finds the result is the first one after it.
        expect(last).toBeGreaterThanOrEqual(end);
        expect(polls.slice(0, -1).every((at) => at < end)).toBe(true);
        if (kindOf(feigned) === 'typed') expect(polls).toEqual([]);
        lengths.set(polls.length, (lengths.get(polls.length) ?? 0) + 1);
        const [first = 0, second = 0] = steps.slice(-2).map(({ at }) => at);
        expect(Math.floor(second / DAY)).toBe(Math.floor(first / DAY) + 1);
        expect(second - first).toBeLessThanOrEqual(DAY);
        // Nobody consents asleep.
        const minute = (first % DAY) / 60;
        expect(minute >= (coverTraffic.courses.dayMinutes[0] ?? 0)).toBe(true);
        expect(minute < (coverTraffic.courses.dayMinutes.at(-1) ?? 0)).toBe(true);
      }),
      { seed: SEED, numRuns: 300 },
    );
    expect(lengths.size).toBeGreaterThan(5);
  });

  it('has a day of people that goes on past midnight, UTC', ({ expect }) => {
    const courses = { ...WITHOUT_REPEATS.coverTraffic.courses, dayMinutes: [900, 1200, 1440, 1680] };
    const settings = { ...WITHOUT_REPEATS, coverTraffic: { ...WITHOUT_REPEATS.coverTraffic, courses } };
    for (let n = 0; n < 200; n++) {
      const random = testRandom(`west ${n}`);
      const submit = courseOf(feign(MIDNIGHT, settings, random), settings, random).find(
        ({ action }) => action === 'submit',
      );
      const minute = ((submit?.at ?? 0) % DAY) / 60;
      expect(minute >= 900 || minute < 240, `${minute}`).toBe(true);
    }
  });

  it('repeats steps in the configured share, a minute later at most', ({ expect }) => {
    const random = testRandom('repeats');
    let [steps, repeats] = [0, 0];
    for (let n = 0; n < 500; n++) {
      const course = courseOf(feign(MIDNIGHT, parameters, random), parameters, random);
      steps += course.length;
      repeats += course
        .slice(1)
        .filter(({ at, action }, i) => action === course[i]!.action && at - course[i]!.at < 60).length;
    }
    expect(Math.abs(repeats / steps - coverTraffic.courses.repeatProbability)).toBeLessThan(0.015);
  });

  it('draws between two points as often as between any other two', ({ expect }) => {
    const random = testRandom('points');
    const drawn = Array.from({ length: 9000 }, () => drawSeconds([1, 2, 10, 100], random));
    for (const [from, to] of [
      [60, 120],
      [120, 600],
      [600, 6000],
    ] as const) {
      const share = drawn.filter((second) => second >= from && second < to).length;
      expect(Math.abs(share - 3000)).toBeLessThan(200);
    }
  });
});

describe('follow-ups', () => {
  it('come after an action, as many as configured, within the configured delay', ({ expect }) => {
    const settings = { ...coverTraffic, followUpPlaybooks: 3, followUpDelaySeconds: { min: 60, max: 120 } };
    const after = followUps({ action: 'submit', at: MIDNIGHT }, settings, testRandom('follow-ups'));
    expect(after.map(({ action }) => action)).toEqual(['submit', 'submit', 'submit']);
    expect(after.every(({ at }) => at >= MIDNIGHT + 60 && at <= MIDNIGHT + 120)).toBe(true);
  });

  it('are in a course from the configuration', ({ expect }) => {
    const settings = { ...WITHOUT_REPEATS, coverTraffic: { ...WITHOUT_REPEATS.coverTraffic, followUpPlaybooks: 1 } };
    const random = testRandom('x');
    const actions = courseOf(feign(MIDNIGHT, settings, random), settings, random).map(({ action }) => action);
    expect(actions.filter((action) => action === 'register')).toHaveLength(2);
    expect(actions.filter((action) => action === 'submit')).toHaveLength(4);
  });
});

describe('windows of the day', () => {
  const windows = [
    { fromMinute: 20 * 60, toMinute: 22 * 60 },
    { fromMinute: 6 * 60, toMinute: 8 * 60 },
  ];

  it('hold every action of a course', ({ expect }) => {
    const settings = { ...parameters, polling: { ...parameters.polling, windows } };
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = testRandom(seed);
        for (const { at } of courseOf(feign(MIDNIGHT, settings, random), settings, random)) {
          const minute = Math.floor((at % DAY) / 60);
          expect(windows.some(({ fromMinute, toMinute }) => fromMinute <= minute && minute < toMinute)).toBe(true);
        }
      }),
      { seed: SEED },
    );
  });

  it.for([
    { name: 'inside', at: 7 * 3600, from: 7 * 3600, to: 7 * 3600 + 1 },
    { name: 'at the end, which is outside', at: 8 * 3600, from: 20 * 3600, to: 22 * 3600 },
    { name: 'before the first', at: 3600, from: 6 * 3600, to: 8 * 3600 },
    { name: 'after the last', at: 23 * 3600, from: DAY + 6 * 3600, to: DAY + 8 * 3600 },
  ])('$name', ({ at, from, to }, { expect }) => {
    const random = testRandom('windows');
    for (let n = 0; n < 100; n++) {
      const moved = intoWindow(MIDNIGHT + at, windows, random) - MIDNIGHT;
      expect(moved).toBeGreaterThanOrEqual(from);
      expect(moved).toBeLessThan(to);
    }
  });

  it('spread what waited for them', ({ expect }) => {
    const polls = Array.from({ length: 500 }, (_, i) =>
      nextPoll(MIDNIGHT + 23 * 3600, { ...parameters.polling, windows }, testRandom(String(i))),
    );
    expect(new Set(polls).size).toBeGreaterThan(400);
  });
});
