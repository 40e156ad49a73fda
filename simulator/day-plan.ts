/**
 * @module Where a person is on a day: at home, in a vehicle, at work, in a shop, with friends. A function of seed, person
 * and day, so that it is worked out only for those who matter and never kept.
 */
import { SECONDS_PER_DAY, SECONDS_PER_MINUTE, dayStart } from './options.ts';
import type { Person, Population } from './population.ts';
import { Random, STREAM } from './random.ts';

export const PLACES = ['home', 'work', 'transport', 'friends', 'shop'] as const;
export type PlaceKind = (typeof PLACES)[number];

export interface Visit {
  readonly kind: PlaceKind;
  /** Number of the household, team, vehicle and its departure, circle of friends, shop. */
  readonly place: number;
  /** Unix seconds. */
  readonly from: number;
  readonly to: number;
}

const HOUR = 3600;
const WORK_HOURS = { earliest: 7.75, latest: 9.5, length: 8.25 } as const;
const RIDE_MINUTES = { min: 10, max: 40 } as const;
/** A vehicle leaves each line's first stop this often. */
const DEPARTURE_MINUTES = 10;
const DEPARTURES_A_DAY = (24 * 60) / DEPARTURE_MINUTES;
const SHOPPING = { share: 0.45, minMinutes: 8, maxMinutes: 35, opens: 8, closes: 20 } as const;
const FRIENDS = { meetShare: 0.15, attendance: 0.7, from: 19.5, minHours: 1, maxHours: 3 } as const;

/** @returns a number that no two places share, of whatever kind */
export function placeKey({ kind, place }: Pick<Visit, 'kind' | 'place'>): number {
  return place * PLACES.length + PLACES.indexOf(kind);
}

function ride(line: number, back: boolean, near: number, random: Random): Visit {
  const departure = Math.floor(near / (DEPARTURE_MINUTES * SECONDS_PER_MINUTE));
  const boarded = departure * DEPARTURE_MINUTES * SECONDS_PER_MINUTE + random.between(0, 5) * SECONDS_PER_MINUTE;
  const minutes = random.between(RIDE_MINUTES.min, RIDE_MINUTES.max);
  const vehicle = (line * 2 + (back ? 1 : 0)) * DEPARTURES_A_DAY + (departure % DEPARTURES_A_DAY);
  return { kind: 'transport', place: vehicle, from: boarded, to: boarded + minutes * SECONDS_PER_MINUTE };
}

function away(population: Population, person: Person, day: number, seed: number): Visit[] {
  const random = new Random(seed, STREAM.plan, person.id, day);
  const midnight = dayStart(day);
  const visits: Visit[] = [];
  const workday = ((day % 7) + 7) % 7 < 5;
  let shopsFrom = midnight + SHOPPING.opens * HOUR;
  if (person.team !== null && workday) {
    const from = midnight + random.between(WORK_HOURS.earliest, WORK_HOURS.latest) * HOUR;
    const to = from + WORK_HOURS.length * HOUR;
    shopsFrom = to;
    if (person.line !== null) {
      const there = ride(person.line, false, from - 45 * SECONDS_PER_MINUTE, random);
      const back = ride(person.line, true, to + 10 * SECONDS_PER_MINUTE, random);
      visits.push(there, back);
      shopsFrom = back.to;
    }
    visits.push({ kind: 'work', place: person.team, from, to });
  }
  const latest = midnight + (FRIENDS.from - 1) * HOUR;
  if (random.chance(SHOPPING.share) && shopsFrom < latest) {
    const from = random.between(shopsFrom, latest);
    const minutes = random.between(SHOPPING.minMinutes, SHOPPING.maxMinutes);
    visits.push({
      kind: 'shop',
      place: random.below(population.shops),
      from,
      to: from + minutes * SECONDS_PER_MINUTE,
    });
  }
  const evening = new Random(seed, STREAM.group, person.friends, day);
  if (evening.chance(FRIENDS.meetShare) && random.chance(FRIENDS.attendance)) {
    const from = midnight + FRIENDS.from * HOUR;
    visits.push({
      kind: 'friends',
      place: person.friends,
      from,
      to: from + evening.between(FRIENDS.minHours, FRIENDS.maxHours) * HOUR,
    });
  }
  return visits;
}

/**
 * @param day of the run
 * @param isolatedFrom Unix seconds from which the person doesn't leave home any more, Infinity for those who aren't ill
 * @returns visits of the whole day in order of time, without gap or overlap but for the way between two places
 */
export function dayPlan(
  population: Population,
  person: Person,
  day: number,
  seed: number,
  isolatedFrom: number = Number.POSITIVE_INFINITY,
): Visit[] {
  const out = away(population, person, day, seed)
    .filter(({ from }) => from < isolatedFrom)
    .toSorted((a, b) => a.from - b.from);
  const visits: Visit[] = [];
  const home = { kind: 'home', place: person.household } as const;
  let at = dayStart(day);
  for (const visit of out) {
    if (visit.from < at) continue;
    if (visit.from - at > HOUR) visits.push({ ...home, from: at, to: visit.from });
    visits.push(visit);
    at = visit.to;
  }
  const end = dayStart(day) + SECONDS_PER_DAY;
  if (at < end) visits.push({ ...home, from: at, to: end });
  return visits;
}
