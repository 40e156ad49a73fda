/**
 * @module How far apart two people are while both are in one place, and what stands between them. Symmetric and a function
 * of seed, pair and time: the contact that counts as a risk and the one the radio hears are the same.
 */
import { type PlaceKind, type Visit, placeKey } from './day-plan.ts';
import { SECONDS_PER_MINUTE } from './options.ts';
import { Random, STREAM } from './random.ts';

/** A stretch of time in which a pair keeps its distance. */
export interface Segment {
  /** Unix seconds. */
  readonly from: number;
  readonly to: number;
  readonly meters: number;
  /** What walls and bodies between them take, dB. */
  readonly obstacleDb: number;
}

/** CWA solution architecture, limitations: walls, humans and animals block the signal. How much is an assumption. */
export const OBSTACLE_DB = { wall: 12, body: 8 } as const;

interface Posture {
  readonly meters: number;
  readonly walls: number;
  readonly bodies: number;
  /** Mean of the time they stay like this. */
  readonly minutes: number;
}

/** One body in every second constellation: a phone carried on the other side of its owner. */
const POCKET_SHARE = 0.5;

function home(random: Random): Posture {
  const where = random.next();
  if (where < 0.25) return { meters: random.between(0.4, 2), walls: 0, bodies: 0, minutes: 40 };
  if (where < 0.6) return { meters: random.between(2, 4.5), walls: 0, bodies: 0, minutes: 40 };
  return { meters: random.between(3, 9), walls: 1 + random.below(2), bodies: 0, minutes: 60 };
}

function work(random: Random, desk: number): Posture {
  const what = random.next();
  if (what < 0.1) return { meters: random.between(0.8, 2.5), walls: 0, bodies: 0, minutes: 20 };
  if (what < 0.25) return { meters: random.between(6, 15), walls: 1 + random.below(2), bodies: 1, minutes: 20 };
  return { meters: desk, walls: desk > 6 ? 1 : 0, bodies: desk > 3 ? 1 : 0, minutes: 60 };
}

function transport(random: Random): Posture {
  const near = random.chance(0.08);
  const meters = near ? random.between(0.4, 1.5) : random.between(1.5, 16);
  return { meters, walls: 0, bodies: Math.min(4, Math.floor(meters / 2)), minutes: 12 };
}

function friends(random: Random): Posture {
  const near = random.chance(0.6);
  const meters = near ? random.between(0.5, 1.8) : random.between(1.8, 4);
  return { meters, walls: 0, bodies: near ? 0 : 1, minutes: 25 };
}

/** A shop's aisles: apart for minutes, then past each other within seconds. */
function shop(random: Random): Posture {
  if (random.chance(0.1)) return { meters: random.between(0.5, 1.5), walls: 0, bodies: 0, minutes: 0.4 };
  return { meters: random.between(4, 25), walls: random.below(2), bodies: random.below(3), minutes: 4 };
}

function posture(kind: PlaceKind, random: Random, desk: number): Posture {
  switch (kind) {
    case 'home':
      return home(random);
    case 'work':
      return work(random, desk);
    case 'transport':
      return transport(random);
    case 'friends':
      return friends(random);
    case 'shop':
      return shop(random);
  }
}

/** Metres between two desks: the same each day. */
function deskDistance(seed: number, low: number, high: number): number {
  return new Random(seed, STREAM.desk, low, high).between(1.3, 9);
}

/**
 * @param one visit of the one, and `other` of the other person, to the same place
 * @param people ids of both, in any order
 * @returns what happens while both are there; nothing if they miss each other
 */
export function encounter(seed: number, one: Visit, other: Visit, people: readonly [number, number]): Segment[] {
  const from = Math.max(one.from, other.from);
  const to = Math.min(one.to, other.to);
  if (from >= to) return [];
  const low = Math.min(...people);
  const high = Math.max(...people);
  const random = new Random(seed, STREAM.pair, low, high, placeKey(one), Math.floor(from));
  const desk = one.kind === 'work' ? deskDistance(seed, low, high) : 0;
  const segments: Segment[] = [];
  for (let at = from; at < to;) {
    const { meters, walls, bodies, minutes } = posture(one.kind, random, desk);
    const pocket = random.chance(POCKET_SHARE) ? 1 : 0;
    const end = Math.min(to, at + Math.max(10, random.exponential(minutes * SECONDS_PER_MINUTE)));
    segments.push({
      from: at,
      to: end,
      meters,
      obstacleDb: walls * OBSTACLE_DB.wall + (bodies + pocket) * OBSTACLE_DB.body,
    });
    at = end;
  }
  return segments;
}

/** @returns seconds within a distance, between two instants */
export function secondsWithin(segments: readonly Segment[], meters: number, from: number, to: number): number {
  return segments.reduce((sum, segment) => {
    if (segment.meters > meters) return sum;
    return sum + Math.max(0, Math.min(to, segment.to) - Math.max(from, segment.from));
  }, 0);
}
