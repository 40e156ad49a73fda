/**
 * @module Sixty days of a phone as the wire shows them: when it speaks of a test. Each action is two questions and an upload of one
 * size each (docs/decisions/025), so that times are all there is to see. Timetable and courses are the phone's own functions.
 */
import { changed, coverOfDay, NONE_REPLACED } from '../../../phone/course/day.ts';
import {
  advance,
  beginCourse,
  type Course,
  courseOf,
  type CoverSettings,
  drawSeconds,
  followUps,
  happens,
  type Step,
} from '../../../phone/course/course.ts';
import type { RandomBytes } from '../../../phone/random.ts';
import { SECONDS_PER_DAY } from '../../../protocol/gaen/intervals.ts';

export const DAYS = 60;
/** Days before the first that is seen, so that courses are under way when it begins. */
const DAYS_BEFORE = 15;
export const FIRST_DAY = Date.UTC(2026, 5, 1) / 1000;

/** How a test goes. A teleTAN's and a card's are one on the wire: the result is there with the registration. */
export type Kind = 'positive' | 'negative' | 'pending' | 'typed';
export const KINDS: readonly Kind[] = ['positive', 'negative', 'pending', 'typed'];

/** How people and laboratories really are, which the schedule can only assume. */
export interface World {
  /** Minutes of the UTC day at which people scan: points between which lies the same share. */
  readonly dayMinutes: readonly number[];
  readonly resultMinutes: readonly number[];
  readonly shareMinutes: readonly number[];
  readonly typedShareMinutes: readonly number[];
  /** Share of real requests that fail without the wire showing it: the answer is "try later", as long as any other. */
  readonly hiddenFailures: number;
}

/** Makes all times of a phone, tested or not. */
export type Living = (tested: Kind | null, random: RandomBytes) => number[];

/** A person's test: the phone's course, with result and consent from the world. */
function lived(
  kind: Kind,
  scannedAt: number,
  world: World,
  settings: CoverSettings,
  random: RandomBytes,
): { times: number[]; replacesFrom: number } {
  const resultAt =
    kind === 'typed' ? scannedAt : kind === 'pending' ? Infinity : scannedAt + drawSeconds(world.resultMinutes, random);
  const times: number[] = [];
  let replacesFrom = Infinity;
  let course: Course | null = beginCourse(kind === 'typed' ? 'typed' : 'scanned', scannedAt);
  while (course !== null) {
    const { at }: Step = course.next;
    times.push(at, ...followUps(course.next, settings.coverTraffic, random).map((step) => step.at));
    const outcome = happens(world.hiddenFailures, random) ? 'failed' : at >= resultAt ? 'known' : 'pending';
    const wasAsking: boolean = course.next.action !== 'submit';
    course = advance(course, { at, outcome }, settings, random);
    if (wasAsking && course?.next.action === 'submit') replacesFrom = at;
    const isPositive = kind === 'positive' || kind === 'typed';
    if (course !== null && isPositive && wasAsking && course.next.action === 'submit') {
      const wait = drawSeconds(kind === 'typed' ? world.typedShareMinutes : world.shareMinutes, random);
      course = { ...course, next: { action: 'submit', at: awake(at + wait, world, random) } };
    }
  }
  return { times, replacesFrom };
}

/** Who is told at night shares after waking, at a time that is drawn from the whole day as the phone draws it. */
function awake(at: number, { dayMinutes }: World, random: RandomBytes): number {
  const midnight = Math.floor(at / SECONDS_PER_DAY) * SECONDS_PER_DAY;
  const [from, to] = [(dayMinutes[0] ?? 0) * 60, (dayMinutes.at(-1) ?? 0) * 60];
  const second = at - midnight;
  if (second >= from && second < to) return at;
  const day = second < from ? midnight : midnight + SECONDS_PER_DAY;
  return day + drawSeconds([from / 60, to / 60], random);
}

/**
 * @param settings the schedule
 * @param world how tests really go
 * @returns phones that follow decision 026
 */
export function timetable(settings: CoverSettings, world: World): Living {
  return (tested, random) => {
    const test = tested === null ? null : lived(tested, scanTime(world, random), world, settings, random);
    const times = test?.times ?? [];
    const replacesFrom = test?.replacesFrom ?? Infinity;
    const kind = tested === 'typed' || tested === 'pending' ? tested : 'scanned';
    let replaced = NONE_REPLACED;
    let isCounted = false;
    for (let day = -DAYS_BEFORE; day < DAYS; day++) {
      const midnight = FIRST_DAY + day * SECONDS_PER_DAY;
      // That day's cover had been drawn before.
      if (!isCounted && replacesFrom < midnight) [replaced, isCounted] = [changed(replaced, kind, 1), true];
      const drawn = coverOfDay(midnight, replaced, settings, random);
      replaced = drawn.replaced;
      if (drawn.begun !== null) times.push(...courseOf(drawn.begun, settings, random).map(({ at }) => at));
    }
    return seen(times);
  };
}

/**
 * @param world how tests really go
 * @param random source of bytes
 * @returns Unix seconds at which a tested person scans, on one of the sixty days
 */
export function scanTime(world: World, random: RandomBytes): number {
  const day = Math.floor(drawSeconds([0, DAYS], random) / 60);
  return FIRST_DAY + day * SECONDS_PER_DAY + drawSeconds(world.dayMinutes, random);
}

/** @returns what of it lies in the sixty days, in order */
export function seen(times: readonly number[]): number[] {
  return times.filter((at) => at >= FIRST_DAY && at < FIRST_DAY + DAYS * SECONDS_PER_DAY).toSorted((a, b) => a - b);
}
