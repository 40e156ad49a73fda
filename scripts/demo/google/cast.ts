/**
 * @module Who is in the story of Google's dialect: 200 people with an Exposure Notifications Express app. Some test positive, some are suspected to be ill, and that is borne out or not; others met them, or nobody of them.
 */
import { type RandomBytes, randomBelow } from '../../../phone/random.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import type { CertifiedReport } from '../../../protocol/publish/report-type.ts';
import { meet, MEETING_SECONDS, type Person, population, someMoment } from '../people.ts';

export const PEOPLE = 200;
/** What is said of somebody first, and what turns out: likely is borne out or not. */
interface Course {
  readonly first: CertifiedReport;
  readonly later: CertifiedReport | null;
}

const CONFIRMED: Course = { first: 'confirmed', later: null };
const BORNE_OUT: Course = { first: 'likely', later: 'confirmed' };
const UNFOUNDED: Course = { first: 'likely', later: 'negative' };
const BY_SELF: Course = { first: 'user-report', later: null };
/** How many of each. As many as are wrong or borne out are company for each other (docs/decisions/047). */
const COURSES: readonly (readonly [Course, number])[] = [
  [CONFIRMED, 36],
  [BORNE_OUT, 24],
  [UNFOUNDED, 24],
  [BY_SELF, 4],
];
/** Of the others so many met somebody who reports; the next ones only others; the last ones nobody. */
const MET = 60;
const MET_OTHERS = 40;
/** Of those who met somebody, so many did on the morning of the report: the key of that day is shared the day after. */
const MET_THAT_DAY = 20;
const DAY = 86_400;

/** Somebody who reports. */
export interface Reporter {
  readonly person: Person;
  readonly course: Course;
  /** Symptoms began so many days before the report. */
  readonly onsetDaysAgo: number;
}

/** Somebody who downloads. */
export interface Listener {
  readonly person: Person;
  /** Key data in hex of keys of reporters that it met, and when last, Unix seconds: who of them shares it is another matter. */
  readonly met: ReadonlyMap<string, number>;
}

export interface Cast {
  readonly reporters: readonly Reporter[];
  readonly listeners: readonly Listener[];
}

/** @param now Unix seconds of the first report @param random source of bytes @returns people who have lived two weeks, and met */
export function cast(now: number, random: RandomBytes): Cast {
  const people = population(PEOPLE, now, random);
  const courses = COURSES.flatMap(([course, count]) => Array.from({ length: count }, () => course));
  const reporters = courses.map((course, at): Reporter => {
    return { person: people[at] as Person, course, onsetDaysAgo: 1 + randomBelow(random, 6) };
  });
  const others = people.slice(reporters.length);
  const some = <T>(group: readonly T[]): T => group[randomBelow(random, group.length)] as T;
  const morning = now - (now % DAY) + 7 * 3600;
  const listeners = others.map((person, at): Listener => {
    const met = new Map<string, number>();
    const near = (moment: number): void => {
      const name = toHex(meet(person, some(reporters).person, moment).keyData);
      met.set(name, Math.max(moment + MEETING_SECONDS, met.get(name) ?? 0));
    };
    if (at < MET) for (let times = 1 + randomBelow(random, 3); times > 0; times -= 1) near(someMoment(random, now));
    if (at < MET_THAT_DAY) near(morning);
    if (at < MET + MET_OTHERS) meet(person, some(others), someMoment(random, now));
    return { person, met };
  });
  return { reporters, listeners };
}
