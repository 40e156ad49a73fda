/**
 * @module When this phone speaks of a test: one timetable for the test that its owner has and for those that it feigns, so that
 * a tested person's phone does what everybody's does (docs/decisions/026). A real course takes the place of the next feigned one.
 * What is kept is saved after each step: a phone that dies between a step and that plays the step again, as it would if its
 * answer had been lost, and the servers answer a repeated one as they did.
 */
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { Result } from '../../protocol/primitives/result.ts';
import type { Store } from '../store.ts';
import { intoWindow } from '../timing/schedule.ts';
import type { UploadContent } from '../upload/upload-request.ts';
import type { OpeningCode } from '../verification/codes.ts';
import type { TestResult } from '../verification/verification.ts';
import {
  advance,
  beginCourse,
  type Course,
  type CoverSettings,
  drawResult,
  type Feigned,
  feignedOutcome,
  followUps,
  type Opening,
  type Outcome,
  type Step,
} from './course.ts';
import { changed, coverOfDay, NONE_REPLACED, type Replaced } from './day.ts';
import { playDummy } from './playbook.ts';
import {
  type Advice,
  consentToFollowUp,
  type CoursePorts,
  openTest,
  pollTest,
  resumeTest,
  shareKeys,
  stateOf,
} from './test-course.ts';

/** What the phone keeps of what it plays. */
export interface Timetable {
  /** First second of the last UTC day for which it was drawn whether a course is feigned. */
  readonly day: number;
  readonly replaced: Replaced;
  readonly real: Course | null;
  readonly feigned: readonly Feigned[];
  readonly followUps: readonly Step[];
}

export interface TimetablePorts extends CoursePorts {
  readonly settings: CoverSettings;
  readonly timetable: Store<Timetable>;
}

/** @returns how the phone sends the key of the day, as `shareLastKey` does with its own keys (test-course.ts) */
type LastKey = () => Promise<Result<null, Advice>>;

const EMPTY: Timetable = { day: 0, replaced: NONE_REPLACED, real: null, feigned: [], followUps: [] };

/**
 * @param value what was read from disk
 * @returns whether it is a {@link Timetable}
 */
export function isTimetable(value: unknown): value is Timetable {
  if (typeof value !== 'object' || value === null) return false;
  const { day, replaced, real, feigned, followUps: after } = value as Record<string, unknown>;
  const areObjects = typeof replaced === 'object' && replaced !== null && typeof real === 'object';
  return Number.isSafeInteger(day) && areObjects && [feigned, after].every(Array.isArray);
}

/**
 * A person scans or types a code. Called again after 'try-again' it goes on with the same course, as {@link wake} does.
 *
 * @param code from codes.ts
 * @param opening a teleTAN's or card's code is typed, whether by hand or not; a test is scanned
 * @param ports see {@link TimetablePorts}
 * @returns how the test came out so far
 */
export async function open(
  code: OpeningCode,
  opening: Opening,
  ports: TimetablePorts,
): Promise<Result<TestResult, Advice>> {
  const now = ports.clock();
  const timetable = await load(ports);
  const state = await stateOf(ports);
  const isBegun = timetable.real !== null && state?.stage === 'registering' && state.code.key === code.key;
  const course = isBegun ? timetable.real : beginCourse(opening, now);
  const begun: Timetable = isBegun
    ? timetable
    : {
        ...timetable,
        real: course,
        replaced: abandonedCounted(timetable),
        feigned: [...timetable.feigned, ...abandoned(timetable.real, ports)],
      };
  // A phone that dies from here on has a course, and with openTest's first write its code: wake goes on with both.
  await ports.timetable.save(begun);
  const result = await openTest(code, ports);
  await settle(begun, { ...course, next: { action: 'register', at: now } }, outcomeOf(result), ports);
  return result;
}

/**
 * A person consents to share. After 'try-again' {@link wake} tries again by itself.
 *
 * @param content what is shared
 * @param ports see {@link TimetablePorts}
 * @returns ok when the keys are durable
 */
export async function share(content: UploadContent, ports: TimetablePorts): Promise<Result<null, Advice>> {
  const timetable = await load(ports);
  const state = await stateOf(ports);
  const isTriedAgain = state?.stage === 'registered' && state.sharing !== null;
  const shared = await shareKeys(content, ports);
  if (!shared.ok && shared.error.kind === 'not-now') return shared;
  const now = ports.clock();
  const course = timetable.real ?? beginCourse('scanned', now);
  // Who consents after it was feigned, as late as anybody's, has a first upload all the same.
  const before = isTriedAgain ? course : { ...course, failures: 0, sharedAt: null, daysDone: 0 };
  const next = { action: 'submit', at: now } as const;
  await settle(timetable, { ...before, isRepeat: false, next }, outcomeOf(shared), ports);
  return shared;
}

/**
 * A person consents to share the key of a follow-up day too.
 *
 * @param ports see {@link TimetablePorts}
 * @returns ok when {@link wake} will send it
 */
export async function shareAgain(ports: TimetablePorts): Promise<Result<null, Advice>> {
  const agreed = await consentToFollowUp(ports);
  if (!agreed.ok) return agreed;
  const timetable = await load(ports);
  const course = timetable.real ?? beginCourse('scanned', ports.clock());
  const next = { action: 'submit', at: ports.clock() } as const;
  const real = await asLived({ ...course, failures: 0, isRepeat: false, next }, ports);
  await ports.timetable.save({ ...timetable, real });
  return agreed;
}

/**
 * Plays everything that is due, and draws a new day's cover.
 *
 * @param lastKey see {@link LastKey}
 * @param ports see {@link TimetablePorts}
 * @returns Unix seconds of when to be called again at the latest
 */
export async function wake(lastKey: LastKey, ports: TimetablePorts): Promise<number> {
  const now = ports.clock();
  await beginDay(now, ports);
  for (let timetable = await load(ports); ; timetable = await load(ports)) {
    const { real } = timetable;
    const feigned = timetable.feigned.find(({ course }) => course.next.at <= now);
    const after = timetable.followUps.find(({ at }) => at <= now);
    if (real !== null && real.next.at <= now) {
      await settle(timetable, real, await live(real, lastKey, ports), ports);
    } else if (feigned !== undefined) {
      await playFeigned(timetable, feigned, ports);
    } else if (after !== undefined) {
      await playDummy(after.action, ports);
      await ports.timetable.save({ ...timetable, followUps: timetable.followUps.filter((step) => step !== after) });
    } else {
      return nextOf(timetable);
    }
  }
}

async function beginDay(now: number, ports: TimetablePorts): Promise<void> {
  const timetable = await load(ports);
  const day = Math.floor(now / SECONDS_PER_DAY) * SECONDS_PER_DAY;
  if (day <= timetable.day) return;
  const { begun, replaced } = coverOfDay(day, timetable.replaced, ports.settings, ports.random);
  // A phone that was off when it would have begun was off for a person too.
  const feigned = begun !== null && begun.course.next.at >= now ? [...timetable.feigned, begun] : timetable.feigned;
  await ports.timetable.save({ ...timetable, day, replaced, feigned });
}

/** A real course's step: what there is to do for real, and where there is nothing, a dummy. */
async function live(course: Course, lastKey: LastKey, ports: TimetablePorts): Promise<Outcome> {
  const state = await stateOf(ports);
  const { action } = course.next;
  if (!course.isRepeat) {
    const done = await liveAction();
    if (done !== null && (done.ok || done.error.kind !== 'not-now')) return outcomeOf(done);
  }
  const isAnswered = await playDummy(action, ports);
  const isPending = state?.stage === 'registered' && state.result === 'pending';
  return isAnswered ? (isPending ? 'pending' : 'known') : 'failed';

  async function liveAction(): Promise<Result<TestResult | null, Advice> | null> {
    if (action === 'register' && state?.stage === 'registering') return resumeTest(ports);
    if (action === 'poll' && state?.stage === 'registered' && state.result === 'pending') return pollTest(ports);
    if (action !== 'submit') return null;
    if (state?.stage === 'registered' && state.sharing !== null) return shareKeys(state.sharing.content, ports);
    return state?.stage === 'shared' ? lastKey() : null;
  }
}

function outcomeOf(result: Result<TestResult | null, Advice>): Outcome {
  if (result.ok) return result.value === 'pending' ? 'pending' : 'known';
  return result.error.kind === 'try-again' ? 'failed' : 'pending';
}

/** Writes down what comes after a real course's step. */
async function settle(timetable: Timetable, course: Course, outcome: Outcome, ports: TimetablePorts): Promise<void> {
  const { settings, random } = ports;
  const at = ports.clock();
  const next = advance(course, { at, outcome }, settings, random);
  const after = followUps({ ...course.next, at }, settings.coverTraffic, random);
  const real = next === null ? null : await asLived(next, ports);
  await ports.timetable.save({
    ...timetable,
    real,
    replaced: replacedAfter(timetable.replaced, course, next, outcome),
    followUps: [...timetable.followUps, ...after],
  });
}

/** Which kind a course was shows when it has waited for its result, and so does which it takes the place of. */
function replacedAfter(replaced: Replaced, course: Course, next: Course | null, outcome: Outcome): Replaced {
  if (course.next.action === 'submit' || next?.next.action !== 'submit') return replaced;
  return changed(replaced, outcome === 'known' ? course.opening : 'pending', 1);
}

/** A test that gave way while it waited for its result counts as one that got it. */
function abandonedCounted({ real, replaced }: Timetable): Replaced {
  return real === null || real.next.action === 'submit' ? replaced : changed(replaced, real.opening, 1);
}

/** The two times that a real course has from elsewhere: a person's consent, and what was drawn when it was given. */
async function asLived(course: Course, ports: TimetablePorts): Promise<Course> {
  const { next, failures } = course;
  if (next.action !== 'submit' || failures > 0) return course;
  const state = await stateOf(ports);
  if (state?.stage === 'shared' && state.keyAt !== null) return { ...course, next: { ...next, at: state.keyAt } };
  if (state?.stage !== 'registered' || state.result !== 'positive') return course;
  // Who has not consented by then shares nothing: it is feigned, as late as anybody's.
  const latest = ports.clock() + (ports.settings.coverTraffic.courses.shareMinutes.at(-1) ?? 0) * 60;
  return { ...course, next: { ...next, at: intoWindow(latest, ports.settings.polling.windows, ports.random) } };
}

async function playFeigned(timetable: Timetable, feigned: Feigned, ports: TimetablePorts): Promise<void> {
  const { settings, random } = ports;
  const { course } = feigned;
  const isAnswered = await playDummy(course.next.action, ports);
  const at = ports.clock();
  const next = advance(course, { at, outcome: isAnswered ? feignedOutcome(feigned, at) : 'failed' }, settings, random);
  const others = timetable.feigned.filter((one) => one !== feigned);
  const after = followUps({ ...course.next, at }, settings.coverTraffic, random);
  await ports.timetable.save({
    ...timetable,
    feigned: next === null ? others : [...others, { ...feigned, course: next }],
    followUps: [...timetable.followUps, ...after],
  });
}

/** A test that gave way to a newer one is played to its end all the same. */
function abandoned(course: Course | null, { settings, random }: TimetablePorts): Feigned[] {
  return course === null ? [] : [{ course, resultAt: drawResult(course.startedAt, settings, random) }];
}

function nextOf({ day, real, feigned, followUps: after }: Timetable): number {
  const courses = [...feigned.map(({ course }) => course), ...(real === null ? [] : [real])];
  return Math.min(day + SECONDS_PER_DAY, ...courses.map(({ next }) => next.at), ...after.map(({ at }) => at));
}

async function load(ports: TimetablePorts): Promise<Timetable> {
  const loaded = await ports.timetable.load();
  return (loaded.ok ? loaded.value : null) ?? EMPTY;
}
