/**
 * @module Where the owner was, as far as they say it, known to this phone alone (arXiv:2006.13087 §3.1.1, §4.2; decision 058). A region, or a whole cluster, is followed from the day of a visit until 14 days after
 * its end; a visit may be told afterwards. Of each region one follows from its visits whether it is a base region ("at least once in 14 days") or a roaming one; neither has to be ended by hand.
 */
import {
  dateOf,
  isUtcDate,
  RETENTION_DAYS,
  SECONDS_PER_DAY,
  startOfDate,
  type UtcDate,
} from '../../protocol/gaen/intervals.ts';
import { CLUSTER, REGION_ID } from '../../protocol/directory/entry.ts';

/** Days in which somebody was in a region. */
export interface Visit {
  /** `NL`; or a cluster as a whole: `eu`. */
  readonly region: string;
  /** First and last day, of the owner's calendar; to null: until they say that they left. */
  readonly from: UtcDate;
  readonly to: UtcDate | null;
  /** The day on which the owner said it, or said it again. */
  readonly said: UtcDate;
}

/** For a local of a base region, and for a traveller (arXiv:2006.13087 §3.1.2). */
type RegionKind = 'base' | 'roaming';

/** A visit without an end is taken for over so many days after the last word: a region in which nobody was for 14 days is no base region. */
const OPEN_DAYS = RETENTION_DAYS;
/** A day of the owner's calendar begins up to 14 hours before the UTC day of its name, and ends up to 12 hours after it. */
const CALENDAR_SECONDS = 14 * 3600;
const FOLLOW_SECONDS = RETENTION_DAYS * SECONDS_PER_DAY;
/** So long a visit is remembered after its end: two spans of 14 days tell a base region. */
const REMEMBER_SECONDS = 2 * FOLLOW_SECONDS;

const dayAfter = (date: UtcDate, days: number): UtcDate => dateOf(startOfDate(date) + days * SECONDS_PER_DAY);
const earlier = (a: UtcDate, b: UtcDate): UtcDate => (a < b ? a : b);
const later = (a: UtcDate, b: UtcDate): UtcDate => (a < b ? b : a);

/** @param text as typed @returns whether it names a region, or a cluster */
export const isRegionName = (text: string): boolean => REGION_ID.test(text) || CLUSTER.test(text);

/** @returns last day of a visit; of one without an end, the last that is believed */
const lastDay = ({ from, to, said }: Visit): UtcDate => to ?? dayAfter(later(from, said), OPEN_DAYS);

const endOf = (visit: Visit): number => startOfDate(lastDay(visit)) + SECONDS_PER_DAY + CALENDAR_SECONDS;
const beginOf = ({ from }: Visit): number => startOfDate(from) - CALENDAR_SECONDS;

/**
 * @param visits as they are kept
 * @param visit a new one; it may lie in the past, overlap with others, or say again that one goes on
 * @returns all of them, those of one region that touch as one
 */
export function withVisit(visits: readonly Visit[], visit: Visit): Visit[] {
  const touches = (other: Visit): boolean =>
    other.region === visit.region &&
    other.from <= dayAfter(lastDay(visit), 1) &&
    visit.from <= dayAfter(lastDay(other), 1);
  const all = [...visits.filter(touches), visit];
  // An end that is still to come is the owner's last word on when they leave.
  const isEnded = visit.to !== null && visit.to >= visit.said;
  const isOpen = !isEnded && all.some(({ to }) => to === null);
  const merged: Visit = {
    region: visit.region,
    from: all.map(({ from }) => from).reduce(earlier),
    to: isOpen ? null : all.map(({ to }) => to ?? visit.from).reduce(later),
    said: visit.said,
  };
  const rest = visits.filter((other) => !touches(other));
  return [...rest, merged].toSorted((a, b) => (`${a.from}${a.region}` < `${b.from}${b.region}` ? -1 : 1));
}

/**
 * @param visits as they are kept
 * @param region that was left
 * @param on last day there
 * @returns the same with an end for the visit of that day; null: there is none
 */
export function withLeave(visits: readonly Visit[], region: string, on: UtcDate): Visit[] | null {
  const isIt = (visit: Visit): boolean =>
    visit.region === region && visit.from <= on && (visit.to === null || visit.to >= on);
  return visits.some(isIt) ? visits.map((visit) => (isIt(visit) ? { ...visit, to: on } : visit)) : null;
}

/** @param now Unix seconds @returns the same without what is over and tells nothing any more */
export function withoutOld(visits: readonly Visit[], now: number): Visit[] {
  return visits.filter((visit) => endOf(visit) + REMEMBER_SECONDS > now);
}

/** A region that is followed. */
export interface Followed {
  readonly region: string;
  readonly kind: RegionKind;
  /** Unix seconds; from then on it isn't, if nothing more is said. */
  readonly until: number;
  /** The last day that is believed of a visit without an end which nobody has confirmed lately; null: there is none. */
  readonly unconfirmed: UtcDate | null;
}

/**
 * @param visits as they are kept
 * @param now Unix seconds
 * @returns what is followed now, by name, each once, however many visits there were
 */
export function followedRegions(visits: readonly Visit[], now: number): Followed[] {
  const begun = visits.filter((visit) => beginOf(visit) <= now);
  const followed: Followed[] = [];
  for (const [region, own] of Map.groupBy(begun, (visit) => visit.region)) {
    const until = Math.max(...own.map((visit) => endOf(visit) + FOLLOW_SECONDS));
    if (until <= now) continue;
    const open = own.find((visit) => visit.to === null);
    const over = open === undefined ? null : lastDay(open);
    followed.push({
      region,
      kind: kindOf(own, now),
      until,
      unconfirmed: over !== null && startOfDate(over) + SECONDS_PER_DAY <= now ? over : null,
    });
  }
  return followed.toSorted((a, b) => (a.region < b.region ? -1 : 1));
}

/** There in each of the two last spans of 14 days: who comes back is at home there, who was there once is not. */
function kindOf(visits: readonly Visit[], now: number): RegionKind {
  const wasThere = (from: number, to: number): boolean =>
    visits.some((visit) => startOfDate(visit.from) < to && startOfDate(lastDay(visit)) + SECONDS_PER_DAY > from);
  const half = now - FOLLOW_SECONDS;
  return wasThere(half, now) && wasThere(half - FOLLOW_SECONDS, half) ? 'base' : 'roaming';
}

/** @param value what was read from disk @returns whether it is a list of visits */
export function areVisits(value: unknown): value is readonly Visit[] {
  const isDate = (date: unknown): boolean => typeof date === 'string' && isUtcDate(date);
  return (
    Array.isArray(value) &&
    value.every((one: unknown) => {
      if (typeof one !== 'object' || one === null) return false;
      const { region, from, to, said } = one as Record<string, unknown>;
      return (
        typeof region === 'string' &&
        isRegionName(region) &&
        isDate(from) &&
        (to === null || isDate(to)) &&
        isDate(said)
      );
    })
  );
}
