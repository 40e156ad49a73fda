/**
 * @module Who lives with whom, works with whom, rides which line, meets which friends, and carries which phone. Shares are
 * assumptions in the order of magnitude of a German town.
 */
import { Random, STREAM } from './random.ts';
import type { SimulationOptions } from './options.ts';

export type Platform = 'android' | 'ios';

export interface Person {
  readonly id: number;
  readonly household: number;
  /** Colleagues or school class; null: neither. */
  readonly team: number | null;
  /** Line of public transport to work; null: another way. */
  readonly line: number | null;
  readonly friends: number;
  /** null: no phone that takes part. */
  readonly phone: Handset | null;
}

export interface Handset {
  readonly platform: Platform;
  /** Radiated power in dBm, as the phone's model is calibrated. */
  readonly txPower: number;
}

export interface Population {
  readonly people: readonly Person[];
  /** Person ids by number of the household, team, circle of friends. */
  readonly households: readonly (readonly number[])[];
  readonly teams: readonly (readonly number[])[];
  readonly circles: readonly (readonly number[])[];
  readonly lines: number;
  readonly shops: number;
}

/** Persons a household by share of households. */
const HOUSEHOLD_SIZES = [
  [1, 41],
  [2, 34],
  [3, 12],
  [4, 9],
  [5, 4],
] as const;
/** Persons a team by share of people. */
const TEAM_SIZES = [
  [3, 10],
  [5, 20],
  [8, 30],
  [12, 20],
  [22, 20],
] as const;
const CIRCLE_SIZES = [
  [4, 1],
  [6, 1],
  [8, 1],
] as const;
const WORKING_SHARE = 0.65;
/** Of those who work. */
const TRANSPORT_SHARE = 0.35;
const RIDERS_A_LINE = 120;
const PEOPLE_A_SHOP = 400;
/** dBm; a class of −15 (docs/spec/gaen.md §3), models differ. */
const TX_POWER = { min: -20, max: -10 } as const;

function shuffled(length: number, random: Random): number[] {
  const order = Array.from({ length }, (_, i) => i);
  for (let n = length - 1; n > 0; n--) {
    const other = random.below(n + 1);
    [order[n], order[other]] = [order[other]!, order[n]!];
  }
  return order;
}

/** Cuts a list into groups whose sizes are drawn; the last one takes what is left. */
function groups(ids: readonly number[], sizes: readonly (readonly [number, number])[], random: Random): number[][] {
  const all: number[][] = [];
  for (let at = 0; at < ids.length;) {
    const size = random.pick(sizes);
    all.push(ids.slice(at, at + size));
    at += size;
  }
  return all;
}

function groupOf(all: readonly (readonly number[])[], people: number): Int32Array {
  const of = new Int32Array(people).fill(-1);
  all.forEach((members, n) => members.forEach((id) => (of[id] = n)));
  return of;
}

/**
 * @param options phones, adoption, platform share and seed decide
 * @returns exactly `options.phones` people with a phone among phones / adoption people
 */
export function populate(options: SimulationOptions): Population {
  const random = new Random(options.seed, STREAM.population);
  const count = Math.round(options.phones / options.adoption);
  const households = groups(
    Array.from({ length: count }, (_, i) => i),
    HOUSEHOLD_SIZES,
    random,
  );
  const working = shuffled(count, random).slice(0, Math.round(count * WORKING_SHARE));
  const teams = groups(working, TEAM_SIZES, random);
  const circles = groups(shuffled(count, random), CIRCLE_SIZES, random);
  const owners = new Set(shuffled(count, random).slice(0, options.phones));
  const [household, team, circle] = [households, teams, circles].map((all) => groupOf(all, count)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const lines = Math.max(1, Math.round((working.length * TRANSPORT_SHARE) / RIDERS_A_LINE));
  const people = Array.from({ length: count }, (_, id): Person => {
    const works = team[id]! >= 0;
    const rides = works && random.chance(TRANSPORT_SHARE);
    const platform = random.chance(options.android) ? 'android' : 'ios';
    const txPower = Math.round(random.between(TX_POWER.min, TX_POWER.max));
    return {
      id,
      household: household[id]!,
      team: works ? team[id]! : null,
      line: rides ? random.below(lines) : null,
      friends: circle[id]!,
      phone: owners.has(id) ? { platform, txPower } : null,
    };
  });
  return { people, households, teams, circles, lines, shops: Math.max(1, Math.round(count / PEOPLE_A_SHOP)) };
}
