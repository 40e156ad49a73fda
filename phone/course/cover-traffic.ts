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
import { contentError, type UploadContent } from '../upload/upload-request.ts';
import type { OpeningCode } from '../verification/codes.ts';
import type { TestResult } from '../verification/verification.ts';
import {
  advance,
  beginCourse,
  type Course,
  type CoverSettings,
  type Feigned,
  feignedOutcome,
  followUps,
  type Opening,
  type Outcome,
} from './course.ts';
import { type Advice, isUnsent } from './advice.ts';
import { changed, coverOfDay, type Replaced } from './day.ts';
import { playDummy } from './playbook.ts';
import {
  consentToFollowUp,
  type CoursePorts,
  openedBefore,
  openTest,
  pollTest,
  resumeTest,
  shareKeys,
  stateOf,
} from './test-course.ts';
import { loadKept } from './test-state.ts';
import { EMPTY, nextOf, type Timetable, withAbandoned } from './timetable.ts';
import { goOnWithdrawing } from './withdraw-course.ts';

export { isTimetable, type Timetable } from './timetable.ts';

export interface TimetablePorts extends CoursePorts {
  readonly settings: CoverSettings;
  readonly timetable: Store<Timetable>;
}

/** @returns how the phone sends the key of the day, as `shareLastKey` does with its own keys (test-course.ts) */
type LastKey = () => Promise<Result<null, Advice>>;

/**
 * A person scans or types a code. The course of a test that runs goes on until this one has a token, and to its end if it is
 * refused. Called again after 'try-again' it goes on with the same course, as {@link wake} does.
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
  const before = await openedBefore(code, ports);
  if (before !== null) return before;
  const now = ports.clock();
  const timetable = await load(ports);
  const kept = await loadKept(ports.store);
  const isBegun = timetable.opening !== null && kept.ok && kept.value.opening.at(-1)?.key === code.key;
  const course = isBegun ? timetable.opening : beginCourse(opening, now);
  // An attempt that gives way to a newer one is played to its end; its code is asked about with the newer one's.
  const begun = isBegun ? timetable : { ...withAbandoned(timetable, timetable.opening, ports), opening: course };
  // A phone that dies from here on has a course, and with openTest's first write its code: wake goes on with both.
  await ports.timetable.save(begun);
  const result = await openTest(code, ports);
  await settleOpening(begun, { ...course, next: { action: 'register', at: now } }, result, ports);
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
  const isUnsendable = !isTriedAgain && contentError(content, ports.bodyBytes) !== null;
  if (!shared.ok && (isUnsendable || isUnsent(shared.error))) return shared;
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
 * Plays everything that is due, tells the server once more what was taken back without an answer, and draws a new day's cover.
 *
 * @param lastKey see {@link LastKey}
 * @param ports see {@link TimetablePorts}
 * @returns Unix seconds of when to be called again at the latest
 */
export async function wake(lastKey: LastKey, ports: TimetablePorts): Promise<number> {
  const now = ports.clock();
  await beginDay(now, ports);
  const { next: withdrawal } = await goOnWithdrawing(ports);
  for (let timetable = await load(ports); ; timetable = await load(ports)) {
    const { real, opening } = timetable;
    const feigned = timetable.feigned.find(({ course }) => course.next.at <= now);
    const after = timetable.followUps.find(({ at }) => at <= now);
    if (real !== null && real.next.at <= now) {
      await settle(timetable, real, await live(real, lastKey, ports), ports);
    } else if (opening !== null && opening.next.at <= now) {
      await goOnOpening(timetable, opening, lastKey, ports);
    } else if (feigned !== undefined) {
      await playFeigned(timetable, feigned, ports);
    } else if (after !== undefined) {
      await playDummy(after.action, ports);
      await ports.timetable.save({ ...timetable, followUps: timetable.followUps.filter((step) => step !== after) });
    } else {
      return Math.min(nextOf(timetable), withdrawal ?? Infinity);
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
    if (done !== null && (done.ok || !isUnsent(done.error))) return outcomeOf(done);
  }
  const isAnswered = await playDummy(action, ports);
  const isPending = state?.stage === 'registered' && state.result === 'pending';
  return isAnswered ? (isPending ? 'pending' : 'known') : 'failed';

  async function liveAction(): Promise<Result<TestResult | null, Advice> | null> {
    if (action === 'poll' && state?.stage === 'registered' && state.result === 'pending') return pollTest(ports);
    if (action !== 'submit') return null;
    if (state?.stage === 'shared') return lastKey();
    const content = state?.stage === 'registered' ? state.sharing?.content : undefined;
    if (content === undefined || contentError(content, ports.bodyBytes) !== null) return null;
    return shareKeys(content, ports);
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

/**
 * Tries again to register. Where there is nothing to try, the phone died after it had the token, before it wrote down what comes next,
 * or the attempt was deleted: the course is that of the test that runs, unless that has one.
 */
async function goOnOpening(
  timetable: Timetable,
  course: Course,
  lastKey: LastKey,
  ports: TimetablePorts,
): Promise<void> {
  const result = await resumeTest(ports);
  const without = { ...timetable, opening: null };
  if (result.ok || !isUnsent(result.error)) await settleOpening(timetable, course, result, ports);
  else if (timetable.real === null) await settle(without, course, await live(course, lastKey, ports), ports);
  else await ports.timetable.save(withAbandoned(without, course, ports));
}

/**
 * Writes down what comes after an attempt to register: another try; the new test's course, in the place of the one before; or, refused,
 * the rest of a course for the wire alone, beside the test that runs.
 */
async function settleOpening(
  timetable: Timetable,
  course: Course,
  result: Result<TestResult, Advice>,
  ports: TimetablePorts,
): Promise<void> {
  const { settings, random } = ports;
  const at = ports.clock();
  const outcome = outcomeOf(result);
  if (outcome === 'failed') {
    const next = advance(course, { at, outcome }, settings, random);
    const after = followUps({ ...course.next, at }, settings.coverTraffic, random);
    await ports.timetable.save({ ...timetable, opening: next, followUps: [...timetable.followUps, ...after] });
  } else if (result.ok || timetable.real === null) {
    const given = { ...withAbandoned(timetable, timetable.real, ports), opening: null };
    await settle(given, course, outcome, ports);
  } else {
    const next = advance(course, { at, outcome }, settings, random) ?? course;
    const after = followUps({ ...course.next, at }, settings.coverTraffic, random);
    const beside = withAbandoned(timetable, next, ports);
    await ports.timetable.save({ ...beside, opening: null, followUps: [...beside.followUps, ...after] });
  }
}

/** Which kind a course was shows when it has waited for its result, and so does which it takes the place of. */
function replacedAfter(replaced: Replaced, course: Course, next: Course | null, outcome: Outcome): Replaced {
  if (course.next.action === 'submit' || next?.next.action !== 'submit') return replaced;
  return changed(replaced, outcome === 'known' ? course.opening : 'pending', 1);
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

async function load(ports: TimetablePorts): Promise<Timetable> {
  const loaded = await ports.timetable.load();
  return (loaded.ok ? loaded.value : null) ?? EMPTY;
}
