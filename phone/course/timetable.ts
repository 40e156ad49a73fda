/**
 * @module What a phone keeps of the courses that it plays (cover-traffic.ts).
 */
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { RandomBytes } from '../random.ts';
import { type Course, type CoverSettings, drawResult, type Feigned, type Step } from './course.ts';
import { changed, NONE_REPLACED, type Replaced } from './day.ts';

/** What the phone keeps of what it plays. */
export interface Timetable {
  /** First second of the last UTC day for which it was drawn whether a course is feigned. */
  readonly day: number;
  readonly replaced: Replaced;
  /** Of the test that runs. */
  readonly real: Course | null;
  /** Of an attempt to open another test, which has no answer yet. */
  readonly opening: Course | null;
  readonly feigned: readonly Feigned[];
  readonly followUps: readonly Step[];
}

/** Before the first day. */
export const EMPTY: Timetable = {
  day: 0,
  replaced: NONE_REPLACED,
  real: null,
  opening: null,
  feigned: [],
  followUps: [],
};

/**
 * @param value what was read from disk
 * @returns whether it is a {@link Timetable}
 */
export function isTimetable(value: unknown): value is Timetable {
  if (typeof value !== 'object' || value === null) return false;
  const { day, replaced, real, opening, feigned, followUps: after } = value as Record<string, unknown>;
  const areObjects = typeof replaced === 'object' && replaced !== null && [real, opening].every(isObjectOrNull);
  return Number.isSafeInteger(day) && areObjects && [feigned, after].every(Array.isArray);
}

function isObjectOrNull(value: unknown): boolean {
  return typeof value === 'object';
}

/** What a draw needs. */
interface Draw {
  readonly settings: CoverSettings;
  readonly random: RandomBytes;
}

/**
 * A test that gave way to another, or was refused, is played to its end; while it waited for its result it counts as one that got it.
 *
 * @param timetable before
 * @param course the one that nobody lives any more, null for none
 * @param draw when its result is taken to be there
 * @returns the timetable with it among the feigned
 */
export function withAbandoned(timetable: Timetable, course: Course | null, { settings, random }: Draw): Timetable {
  if (course === null) return timetable;
  const { replaced, feigned } = timetable;
  return {
    ...timetable,
    replaced: course.next.action === 'submit' ? replaced : changed(replaced, course.opening, 1),
    feigned: [...feigned, { course, resultAt: drawResult(course.startedAt, settings, random) }],
  };
}

/** @returns Unix seconds of the first thing that falls due */
export function nextOf({ day, real, opening, feigned, followUps: after }: Timetable): number {
  const courses = [...feigned.map(({ course }) => course), real, opening].filter((course) => course !== null);
  return Math.min(day + SECONDS_PER_DAY, ...courses.map(({ next }) => next.at), ...after.map(({ at }) => at));
}
