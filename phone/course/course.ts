/**
 * @module One course, from its registration to the key of the last day, as it shows on the wire: what comes next, and when. Real
 * and feigned ones go through the same function; all that a feigned one has of its own is when its result is there (decision 026).
 * A test that comes out negative, or not at all, is played to the end like one whose keys are shared: on the wire there are
 * three kinds: scanned, typed, and scanned without a result.
 */
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { CoverTraffic, Polling } from '../../protocol/parameters/operations.ts';
import { type RandomBytes, randomBelow } from '../random.ts';
import { intoWindow, secondsToNextInterval, type Window } from '../timing/schedule.ts';
import { retryDelay } from '../timing/retry.ts';
import { endOfDayUpload, followUpConsent } from './grace.ts';
import type { Action } from './playbook.ts';

/** The part of the configuration that is followed. */
export interface CoverSettings {
  readonly coverTraffic: CoverTraffic;
  readonly polling: Polling;
}

/** One action, and when. */
export interface Step {
  readonly action: Action;
  /** Unix seconds. */
  readonly at: number;
}

/** How it begins: the QR code of a test, whose result may take days, or a teleTAN or card, which is positive at once. */
export type Opening = 'scanned' | 'typed';

export interface Course {
  readonly opening: Opening;
  /** Unix seconds of the registration. */
  readonly startedAt: number;
  readonly next: Step;
  /** Tries of it in a row that had no answer, or were repeated as if. */
  readonly failures: number;
  /** Whether it has been done and is played once more as if its answer had been lost. */
  readonly isRepeat: boolean;
  /** Unix seconds of the first try of the first upload, which the grace of the key of that day begins with; null before. */
  readonly sharedAt: number | null;
  /** Days after the first upload's for which a key was uploaded, or can't be. */
  readonly daysDone: number;
}

/** What came of a step: no answer; no result yet; the result is there, or was before. */
export type Outcome = 'failed' | 'pending' | 'known';

/** Draws of a probability are out of a million. */
const MILLION = 1_000_000;
const SECONDS_PER_MINUTE = 60;
const MINUTES_PER_DAY = 1440;

/**
 * @param probability 0..1
 * @param random source of bytes
 * @returns whether it happens
 */
export function happens(probability: number, random: RandomBytes): boolean {
  return randomBelow(random, MILLION) < Math.round(probability * MILLION);
}

/**
 * @param minutes points, rising, between each two of which lies the same share
 * @param random source of bytes
 * @returns seconds, evenly drawn between two of the points
 */
export function drawSeconds(minutes: readonly number[], random: RandomBytes): number {
  const piece = randomBelow(random, minutes.length - 1);
  const [from = 0, to = from] = minutes.slice(piece, piece + 2);
  return from * SECONDS_PER_MINUTE + randomBelow(random, Math.max(1, (to - from) * SECONDS_PER_MINUTE));
}

/**
 * @param opening how it begins
 * @param at Unix seconds of the registration
 * @returns a course that is about to register
 */
export function beginCourse(opening: Opening, at: number): Course {
  const next = { action: 'register', at } as const;
  return { opening, startedAt: at, next, failures: 0, isRepeat: false, sharedAt: null, daysDone: 0 };
}

/**
 * @param course what was about to be done
 * @param played Unix seconds at which its next step was done, and what came of it
 * @param settings see {@link CoverSettings}
 * @param random source of bytes
 * @returns the course with what comes next, null when it is over
 */
export function advance(
  course: Course,
  played: { readonly at: number; readonly outcome: Outcome },
  settings: CoverSettings,
  random: RandomBytes,
): Course | null {
  const { polling, coverTraffic } = settings;
  const { at, outcome } = played;
  // Some failures show on the wire and befall both alike; of those that don't, each course draws its share.
  const sharedAt = course.sharedAt ?? (course.next.action === 'submit' ? at : null);
  const isLost = outcome === 'failed' && !course.isRepeat;
  if (isLost || happens(coverTraffic.courses.repeatProbability, random)) {
    const failures = course.failures + 1;
    const again = intoWindow(at + retryDelay(failures, random, polling.retry), polling.windows, random);
    return { ...course, failures, isRepeat: !isLost, sharedAt, next: { ...course.next, at: again } };
  }
  const done = { ...course, failures: 0, isRepeat: false };
  if (sharedAt !== null) return afterSubmit({ ...done, sharedAt }, settings, random);
  const next: Step =
    outcome === 'known' || isGivenUp(course, at, settings)
      ? { action: 'submit', at: consentAt(course.opening, at, settings, random) }
      : { action: 'poll', at: nextPoll(at, polling, random) };
  return { ...done, next };
}

/** Whether nobody waits for its result any longer. */
function isGivenUp(course: Course, at: number, { coverTraffic }: CoverSettings): boolean {
  return at >= course.startedAt + coverTraffic.courses.pollDays * SECONDS_PER_DAY;
}

/** The key of the day of the first upload, and of each follow-up day; a day for which none can be sent is left out. */
function afterSubmit(
  course: Course & { sharedAt: number },
  settings: CoverSettings,
  random: RandomBytes,
): Course | null {
  const { windows } = settings.polling;
  const midnight = Math.floor(course.sharedAt / SECONDS_PER_DAY) * SECONDS_PER_DAY;
  for (let day = course.daysDone; day <= settings.coverTraffic.followUpDays; day++) {
    const consent = day === 0 ? course.sharedAt : followUpConsent(midnight + day * SECONDS_PER_DAY, windows, random);
    const at = consent === null ? null : endOfDayUpload(consent, windows, random);
    if (at !== null) return { ...course, daysDone: day + 1, next: { action: 'submit', at } };
  }
  return null;
}

/**
 * When a phone polls next, really or for cover: the rule of CWA's solution architecture, inside a window.
 *
 * @param now Unix seconds
 * @param polling from the configuration
 * @param random source of bytes
 * @returns Unix seconds, > now
 */
export function nextPoll(now: number, polling: Polling, random: RandomBytes): number {
  const { intervalSeconds, spreadSeconds } = polling.testResult;
  const wait = secondsToNextInterval(now, intervalSeconds) + randomBelow(random, spreadSeconds);
  return intoWindow(now + wait, polling.windows, random);
}

/** When a person who is told of a positive result at `now` is taken to share; who sleeps shares when awake. */
function consentAt(opening: Opening, now: number, settings: CoverSettings, random: RandomBytes): number {
  const { shareMinutes, typedShareMinutes, dayMinutes } = settings.coverTraffic.courses;
  const asked = now + drawSeconds(opening === 'typed' ? typedShareMinutes : shareMinutes, random);
  return intoWindow(intoWindow(asked, waking(dayMinutes), random), settings.polling.windows, random);
}

function waking(dayMinutes: readonly number[]): Window[] {
  const [from, to] = [dayMinutes[0] ?? 0, dayMinutes.at(-1) ?? MINUTES_PER_DAY];
  if (to <= MINUTES_PER_DAY) return [{ fromMinute: from, toMinute: to }];
  // A day of people that goes on past midnight, UTC.
  return [
    { fromMinute: 0, toMinute: to - MINUTES_PER_DAY },
    { fromMinute: from, toMinute: MINUTES_PER_DAY },
  ];
}

/** A course that nobody lives, and when its result is taken to be there. */
export interface Feigned {
  readonly course: Course;
  /** Unix seconds; null: never. */
  readonly resultAt: number | null;
}

/** Courses that can be told apart on the wire. */
export type Kind = Opening | 'pending';

/**
 * @param feigned see {@link Feigned}
 * @returns its kind
 */
export function kindOf({ course, resultAt }: Feigned): Kind {
  return resultAt === null ? 'pending' : course.opening;
}

/**
 * @param midnight first second of a UTC day
 * @param settings see {@link CoverSettings}
 * @param random source of bytes
 * @returns a course that begins on that day of people, of any kind
 */
export function feign(midnight: number, settings: CoverSettings, random: RandomBytes): Feigned {
  const { courses } = settings.coverTraffic;
  const at = intoWindow(midnight + drawSeconds(courses.dayMinutes, random), settings.polling.windows, random);
  const isTyped = happens(courses.typedShare, random);
  const resultAt = isTyped ? at : drawResult(at, settings, random);
  return { course: beginCourse(isTyped ? 'typed' : 'scanned', at), resultAt };
}

/**
 * @param startedAt Unix seconds of the registration of a scanned test
 * @param settings see {@link CoverSettings}
 * @param random source of bytes
 * @returns Unix seconds of a result, null for none
 */
export function drawResult(startedAt: number, settings: CoverSettings, random: RandomBytes): number | null {
  const { pendingShare, resultMinutes } = settings.coverTraffic.courses;
  return happens(pendingShare, random) ? null : startedAt + drawSeconds(resultMinutes, random);
}

/**
 * @param feigned see {@link Feigned}
 * @param at Unix seconds
 * @returns what a step at that time is answered, as long as answers come
 */
export function feignedOutcome({ resultAt }: Feigned, at: number): Outcome {
  return resultAt !== null && at >= resultAt ? 'known' : 'pending';
}

/**
 * @param feigned see {@link Feigned}
 * @param settings see {@link CoverSettings}
 * @param random source of bytes
 * @returns all its steps on a network that loses nothing, in order of time
 */
export function courseOf(feigned: Feigned, settings: CoverSettings, random: RandomBytes): Step[] {
  const steps: Step[] = [];
  let course: Course | null = feigned.course;
  while (course !== null) {
    const { next } = course;
    steps.push(next, ...followUps(next, settings.coverTraffic, random));
    course = advance(course, { at: next.at, outcome: feignedOutcome(feigned, next.at) }, settings, random);
  }
  return steps.toSorted((a, b) => a.at - b.at);
}

/**
 * Follow-ups: dummies after an action, whether it was real or not.
 *
 * @param step the action
 * @param settings how many, and how long after
 * @param random source of bytes
 * @returns as many as configured, in any order
 */
export function followUps(step: Step, settings: CoverTraffic, random: RandomBytes): Step[] {
  const { min, max } = settings.followUpDelaySeconds;
  return Array.from({ length: settings.followUpPlaybooks }, () => ({
    action: step.action,
    at: step.at + min + randomBelow(random, max - min + 1),
  }));
}
