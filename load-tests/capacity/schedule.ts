/**
 * @module What a parameter document has each phone do: counted by the phone's own code (phone/course/, phone/parameters/), from the
 * document itself, so that a change of either changes the bill.
 */
import { gzipSync } from 'node:zlib';
import { courseOf, type CoverSettings, feign } from '../../phone/course/course.ts';
import { nextParametersCheck } from '../../phone/parameters/parameters-schedule.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { CONFIG_RENEWAL_SECONDS } from '../../protocol/parameters/config-head.ts';
import type { Parameters } from '../../protocol/parameters/document.ts';
import { Seeded } from '../../scripts/support/seeded.ts';
import { TESTS_PER_PERSON_AND_DAY } from '../../scripts/support/tested-share.ts';

/** Counts of one phone and day, unless a name says otherwise; as {@link Assumptions} takes them in. */
export interface Schedule {
  /** Polls of a head of keys, of a phone that reads every hour. */
  readonly keyPollsPerDay: number;
  readonly parameterPollsPerDay: number;
  /** Of these, those that find a head that is new. */
  readonly parameterRefreshesPerDay: number;
  /** A document, as a phone gets it: JSON in gzip. */
  readonly bytesPerDocument: number;
  readonly coursesPerPhone: number;
  /** Each two questions to verification and one upload. */
  readonly actionsPerCourse: number;
  /** Of these, those that ask for a result that isn't there yet. */
  readonly pollsPerCourse: number;
  /** Real tests: their courses take the place of feigned ones (decision 026). */
  readonly testsPerPhone: number;
  /** Null: the schedule says how many dummies there are, not a rate by uploads. */
  readonly decoysPerReal: null;
}

/** Courses that are drawn of each kind: the mean of all is good to a hundredth. */
const COURSES_OF_A_KIND = 500;
/** Days of polls that are drawn. */
const DAYS = 30;
/** Midnight of a day, UTC. */
const FIRST_DAY = 18_600 * SECONDS_PER_DAY;

/**
 * @param parameters the document that phones follow
 * @param tests real tests a phone and day
 * @returns what it has a phone do
 */
export function scheduleOf(parameters: Parameters, tests = TESTS_PER_PERSON_AND_DAY): Schedule {
  const { polling, coverTraffic } = parameters;
  const parameterPollsPerDay = pollsPerDay(polling.parameters, polling);
  return {
    keyPollsPerDay: pollsPerDay(polling.keys, polling),
    parameterPollsPerDay,
    parameterRefreshesPerDay: Math.min(parameterPollsPerDay, SECONDS_PER_DAY / CONFIG_RENEWAL_SECONDS),
    bytesPerDocument: gzipSync(JSON.stringify(parameters)).length,
    coursesPerPhone: coverTraffic.probabilityPerDay,
    ...actionsOf(parameters),
    testsPerPhone: tests,
    decoysPerReal: null,
  };
}

/** All polls go by one rule: the next interval, spread, inside a window. */
function pollsPerDay(parameters: CoverSettings['polling']['parameters'], polling: CoverSettings['polling']): number {
  const random = new Seeded(1);
  const next = (at: number): number => nextParametersCheck({ ...polling, parameters }, at, 0, random.bytes);
  // The first day only sets the pace.
  const begin = FIRST_DAY + SECONDS_PER_DAY;
  let polls = 0;
  for (let at = next(FIRST_DAY); at < begin + DAYS * SECONDS_PER_DAY; at = next(at)) polls += at >= begin ? 1 : 0;
  return polls / DAYS;
}

/** Means of a course. */
type Courses = Pick<Schedule, 'actionsPerCourse' | 'pollsPerCourse'>;

/**
 * @param settings cover traffic and polling of a document
 * @returns means of many courses, played as phones play them
 */
function actionsOf(settings: CoverSettings): Courses {
  const { typedShare, pendingShare } = settings.coverTraffic.courses;
  // Kinds differ more than courses of a kind do, so each is drawn by itself and has its share.
  const kinds = [
    { share: typedShare, typedShare: 1, pendingShare: 0 },
    { share: (1 - typedShare) * pendingShare, typedShare: 0, pendingShare: 1 },
    { share: (1 - typedShare) * (1 - pendingShare), typedShare: 0, pendingShare: 0 },
  ];
  const random = new Seeded(1);
  let [actionsPerCourse, pollsPerCourse] = [0, 0];
  for (const { share, ...shares } of kinds) {
    const { coverTraffic } = settings;
    const courses = { ...coverTraffic.courses, ...shares };
    const ofKind = { ...settings, coverTraffic: { ...coverTraffic, courses } };
    const steps = Array.from({ length: share > 0 ? COURSES_OF_A_KIND : 0 }, () =>
      courseOf(feign(FIRST_DAY, ofKind, random.bytes), ofKind, random.bytes),
    ).flat();
    actionsPerCourse += (share * steps.length) / COURSES_OF_A_KIND;
    pollsPerCourse += (share * steps.filter(({ action }) => action === 'poll').length) / COURSES_OF_A_KIND;
  }
  return { actionsPerCourse, pollsPerCourse };
}
