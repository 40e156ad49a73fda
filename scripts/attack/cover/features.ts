/**
 * @module What an observer makes of a phone's sixty days: gaps, runs of polls, how they end, days, hours.
 */
import { SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../../../protocol/gaen/intervals.ts';
import { DAYS, FIRST_DAY } from './phones.ts';

const HOUR = SECONDS_PER_HOUR;
/** Polls of one course are no further apart than an interval and its spread. */
const RUN_GAP_SECONDS = 3 * HOUR;
/** After so long a silence a course is over. */
const COURSE_GAP_SECONDS = 26 * HOUR;
const GAPS = [20, 60, 120, 600, 1800, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 96 * HOUR];
const RUN_LENGTHS = [1, 2, 3, 4, 6, 9, 13, 19, 25, 37, 61];
const COURSE_LENGTHS = [1, 2, 3, 4, 5, 6, 8, 11, 16, 21, 31, 51];
const DAY_COUNTS = [1, 2, 3, 6, 10, 13];

/** @returns how many values lie from each bound up to the next, and below the first */
function histogram(values: readonly number[], bounds: readonly number[]): number[] {
  const counts = Array<number>(bounds.length + 1).fill(0);
  for (const value of values) {
    const at = bounds.filter((bound) => value >= bound).length;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}

function split(times: readonly number[], gap: number): number[][] {
  const groups: number[][] = [];
  for (const [n, at] of times.entries()) {
    const before = times[n - 1];
    if (before === undefined || at - before > gap) groups.push([at]);
    else groups.at(-1)!.push(at);
  }
  return groups;
}

function summary(values: readonly number[]): number[] {
  if (values.length === 0) return [0, 0, 0, 0, 0];
  const sorted = values.toSorted((a, b) => a - b);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return [sorted[0]!, sorted.at(-1)!, sorted.at(-2) ?? 0, mean, spread];
}

/** Whether a course ends in single actions, each after a pause: how many, and how long the pauses were. */
function endings(course: readonly number[]): { singles: number; lastGap: number; span: number } {
  const runs = split(course, RUN_GAP_SECONDS);
  let singles = 0;
  while (singles < runs.length && (runs.at(-1 - singles)?.length ?? 0) === 1) singles++;
  const lastGap = course.length < 2 ? 0 : course.at(-1)! - course.at(-2)!;
  return { singles, lastGap, span: course.at(-1)! - course[0]! };
}

/**
 * @param times Unix seconds of a phone's actions, in order
 * @returns numbers, as many for each phone
 */
export function featuresOf(times: readonly number[]): number[] {
  const gaps = times.slice(1).map((at, n) => at - times[n]!);
  const days = new Map<number, number>();
  for (const at of times) {
    const day = Math.floor(at / SECONDS_PER_DAY);
    days.set(day, (days.get(day) ?? 0) + 1);
  }
  const runs = split(times, RUN_GAP_SECONDS).map(({ length }) => length);
  const courses = split(times, COURSE_GAP_SECONDS);
  const ends = courses.map(endings);
  const silences = gaps.filter((gap) => gap > COURSE_GAP_SECONDS);
  const edges = [times[0] ?? FIRST_DAY, times.at(-1) ?? FIRST_DAY].map((at) => (at - FIRST_DAY) / SECONDS_PER_DAY);
  return [
    times.length,
    days.size / DAYS,
    runs.length,
    courses.length,
    ...edges,
    ...histogram(gaps, GAPS),
    ...histogram(runs, RUN_LENGTHS).slice(1),
    ...histogram(
      split(times, HOUR).map(({ length }) => length),
      [1, 2, 3, 4],
    ).slice(1),
    ...histogram(
      courses.map(({ length }) => length),
      COURSE_LENGTHS,
    ).slice(1),
    ...histogram([...days.values()], DAY_COUNTS).slice(1),
    ...histogram(
      times.map((at) => Math.floor((at % SECONDS_PER_DAY) / HOUR)),
      [3, 6, 9, 12, 15, 18, 21],
    ),
    ...histogram(
      ends.map(({ singles }) => singles),
      [1, 2, 3],
    ),
    ...histogram(
      ends.map(({ lastGap }) => lastGap),
      [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 18 * HOUR],
    ),
    ...histogram(
      ends.map(({ span }) => span),
      [HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 72 * HOUR, 96 * HOUR, 144 * HOUR],
    ),
    ...summary(runs),
    ...summary(courses.map(({ length }) => length)),
    ...summary(silences.map((gap) => gap / SECONDS_PER_DAY)),
    ...summary(ends.map(({ span }) => span / SECONDS_PER_DAY)),
  ];
}
