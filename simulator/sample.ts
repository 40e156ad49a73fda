/**
 * @module A few phones in full: the real client downloads real, signed files at each of the phone's times; the phone stores
 * every beacon it hears, not only those of cases, and matches every key it got. What the short way of life.ts found must
 * be the same, to the sighting. From these phones come the bytes.
 */
import { matchKeys, type Match } from '../phone/matching/match.ts';
import type { Sighting } from '../phone/radio/sighting.ts';
import { CLEAR, SimulatedPhone } from '../phone/testing/simulated-phone.ts';
import { Timeline } from '../phone/testing/timeline.ts';
import { toBase64Url } from '../protocol/primitives/bytes.ts';
import { placeKey, type Visit } from './day-plan.ts';
import { downloadTimes } from './detection-runs.ts';
import { encounter } from './encounter.ts';
import { hear, relevantSightings } from './life.ts';
import { START, dayStart } from './options.ts';
import type { Platform } from './population.ts';
import { PUBLICATION_LAG_SECONDS } from './publication.ts';
import { scansOf } from './radio.ts';
import { Random, STREAM } from './random.ts';
import { matchingOf } from './warnings.ts';
import type { World } from './world.ts';

/** One phone in full. Bytes are bodies of answers: headers and TLS are the load tests' matter. */
export interface SampledPhone {
  readonly person: number;
  readonly platform: Platform;
  readonly downloads: number;
  readonly headBytes: number;
  readonly pageBytes: number;
  readonly chunkBytes: number;
  readonly keysReceived: number;
  readonly sightings: number;
  readonly matchedKeys: number;
  /** Whether the short way found the same. */
  readonly agrees: boolean;
}

const MAX_KEYS_PER_FILE = 100_000;

/** @returns what was published, as a server that can be asked at any instant */
export function timelineOf(world: World): Timeline {
  const { firstHour, lastHour, keysOf } = world.publication;
  return new Timeline({
    firstHour,
    hours: lastHour - firstHour + 1,
    maxKeysPerFile: MAX_KEYS_PER_FILE,
    cutDelayHours: 0,
    lagSeconds: PUBLICATION_LAG_SECONDS,
    keysOf,
  });
}

/**
 * @param met ids of phone owners who matched a key: every second one of the sample is drawn from them, since phones that met
 *   nobody would agree about nothing
 * @returns ids of the phone owners to look at; Android and iPhone by turns as far as there are enough
 */
export function drawSample(world: World, met: readonly number[]): number[] {
  const { people } = world.population;
  const random = new Random(world.options.seed, STREAM.sample);
  const owners = people.flatMap(({ id, phone }) => (phone === null ? [] : [id]));
  const chosen = new Set<number>();
  for (let n = 0; n < Math.min(world.options.sample, owners.length); n++) {
    const platform: Platform = n % 2 === 0 ? 'android' : 'ios';
    const pools = [...(n % 4 < 2 ? [] : [met]), owners];
    const left = [...pools.map((pool) => pool.filter((id) => people[id]!.phone?.platform === platform)), owners].map(
      (pool) => pool.filter((id) => !chosen.has(id)),
    );
    const pool = left.find(({ length }) => length > 0)!;
    chosen.add(pool[random.below(pool.length)]!);
  }
  return [...chosen];
}

/**
 * All that some phones hear, of every phone around.
 * @param persons ids of the listeners
 * @returns by listener
 */
export function everythingHeard(world: World, persons: readonly number[]): Map<number, Sighting[]> {
  const { options, population } = world;
  const heard = new Map(persons.map((person) => [person, [] as Sighting[]]));
  for (let day = 0; day < options.days; day++) {
    const plans = new Map(persons.map((person) => [person, world.planOf(person, day)]));
    const wanted = new Set([...plans.values()].flat().map(placeKey));
    const present = new Map<number, { person: number; visit: Visit }[]>();
    for (const { id, phone } of population.people) {
      if (phone === null) continue;
      for (const visit of world.planOf(id, day)) {
        const key = placeKey(visit);
        if (!wanted.has(key)) continue;
        const known = present.get(key);
        if (known === undefined) present.set(key, [{ person: id, visit }]);
        else known.push({ person: id, visit });
      }
    }
    for (const [person, visits] of plans) {
      const scans = scansOf(options.seed, person, population.people[person]!.phone!.platform, day);
      for (const visit of visits) {
        for (const other of present.get(placeKey(visit)) ?? []) {
          if (other.person === person) continue;
          const segments = encounter(options.seed, visit, other.visit, [person, other.person]);
          if (segments.length === 0) continue;
          const handset = population.people[other.person]!.phone!;
          const ear = { person, scans, sender: other.person, handset, beacon: world.beaconOf(other.person) };
          for (const sighting of hear(options, ear, visit, segments)) heard.get(person)!.push(sighting);
        }
      }
    }
  }
  return heard;
}

function fingerprint(matches: readonly Match[]): string {
  return JSON.stringify(
    matches
      .map(({ key, sightings }) => [toBase64Url(key.keyData), sightings] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/**
 * @param timeline from {@link timelineOf}
 * @param sightings from {@link everythingHeard}
 */
export async function sampledPhone(
  world: World,
  timeline: Timeline,
  person: number,
  sightings: readonly Sighting[],
): Promise<SampledPhone> {
  const { seed, days } = world.options;
  const { platform } = world.population.people[person]!.phone!;
  const phone = new SimulatedPhone(timeline, 'manifest', START);
  // The installation, which fetches 14 days: not part of a phone's day.
  await phone.run(CLEAR);
  const atStart = phone.fetched.length;
  const times = downloadTimes(seed, person, platform, START, world.end);
  for (const at of times) {
    phone.now = at;
    await phone.run(CLEAR);
  }
  const counted = phone.fetched.slice(atStart).filter(({ now }) => now < dayStart(days));
  const bytes = (holds: (path: string) => boolean): number =>
    counted.filter(({ path }) => holds(path)).reduce((sum, file) => sum + file.bytes.length, 0) / days;
  const options = matchingOf(platform);
  const full = matchKeys(receivedKeys(world, phone.received), sightings, options);
  const short = relevantSightings(world, person, platform, world.meetings(person));
  const expected = matchKeys(
    short.keys.map(({ key }) => key),
    short.sightings,
    options,
  );
  return {
    person,
    platform,
    downloads: times.filter((at) => at < dayStart(days)).length / days,
    headBytes: bytes((path) => path.endsWith('/manifest.json')),
    pageBytes: bytes((path) => path.includes('/days/')),
    chunkBytes: bytes((path) => path.includes('/chunks/')),
    keysReceived: phone.received.size,
    sightings: sightings.length / days,
    matchedKeys: full.length,
    agrees: fingerprint(full) === fingerprint(expected),
  };
}

function receivedKeys(world: World, received: ReadonlySet<string>) {
  const { firstHour, lastHour, keysOf } = world.publication;
  return Array.from({ length: lastHour - firstHour + 1 }, (_, n) => keysOf(firstHour + n))
    .flat()
    .filter(({ keyData }) => received.has(toBase64Url(keyData)));
}
