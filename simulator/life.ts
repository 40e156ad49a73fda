/**
 * @module One person's run: risk contacts as they were, and, for a phone owner, what the phone made of them. Sightings live
 * only as long as this one phone is looked at, so memory doesn't grow with the number of phones.
 */
import type { Sighting } from '../phone/radio/sighting.ts';
import type { Parameters } from '../protocol/parameters/document.ts';
import type { Beacon } from './beacon.ts';
import type { Case } from './cases.ts';
import { type PlaceKind, type Visit, placeKey } from './day-plan.ts';
import { detectionTimes, downloadTimes } from './detection-runs.ts';
import { type Segment, secondsWithin } from './encounter.ts';
import { RISK_CONTACT, SECONDS_PER_MINUTE, START, type SimulationOptions } from './options.ts';
import type { Handset, Platform } from './population.ts';
import { type Reception, type Scan, receive, scansOf } from './radio.ts';
import { Random, STREAM } from './random.ts';
import { type PublishedKey, type Warnings, detect } from './warnings.ts';
import type { Meeting, World } from './world.ts';

/** 15 minutes or more within 2 m of an infectious person, in one day. */
export interface RiskContact {
  readonly source: Case;
  readonly day: number;
  /** Where most of the time was spent. */
  readonly kind: PlaceKind;
  /** The source's key of that day; null: it was never published. */
  readonly key: PublishedKey | null;
}

/** All the time spent in one place with cases, on days whose key was published, at whatever distance. */
interface Exposure {
  /** Where most of it was spent. */
  readonly kind: PlaceKind;
  /** Whether any of it was with somebody infectious. */
  readonly infectious: boolean;
}

export interface Life {
  readonly person: number;
  /** null: no phone. */
  readonly platform: Platform | null;
  readonly contacts: readonly RiskContact[];
  /** What a warning without risk contact can have come from; null: no meeting with a case whose key was published. */
  readonly exposure: Exposure | null;
  readonly warnings: Warnings;
  readonly matchedKeys: number;
  readonly sightings: number;
}

const NO_WARNINGS: Warnings = { v1: null, v2: null, cwa: null, figure12: null };

/** @returns the risk contacts among a person's meetings */
function riskContacts(world: World, meetings: readonly Meeting[]): RiskContact[] {
  const bySourceAndDay = Map.groupBy(meetings, ({ source, day }) => `${source.person}/${day}`);
  return [...bySourceAndDay.values()].flatMap((all) => {
    const near = all.map(({ source, kind, segments }) => ({
      kind,
      seconds: secondsWithin(segments, RISK_CONTACT.meters, source.infectiousFrom, source.infectiousTo),
    }));
    const total = near.reduce((sum, { seconds }) => sum + seconds, 0);
    if (total < RISK_CONTACT.minutes * SECONDS_PER_MINUTE) return [];
    const { source, day } = all[0]!;
    const longest = near.reduce((a, b) => (b.seconds > a.seconds ? b : a));
    return [{ source, day, kind: longest.kind, key: world.keyOf(source, day) ?? null }];
  });
}

function exposureOf(world: World, meetings: readonly Meeting[]): Exposure | null {
  const published = meetings.filter(({ source, day }) => world.keyOf(source, day) !== undefined);
  const seconds = new Map<PlaceKind, number>();
  for (const { kind, segments } of published) {
    const spent = segments.at(-1)!.to - segments[0]!.from;
    seconds.set(kind, (seconds.get(kind) ?? 0) + spent);
  }
  const [longest] = [...seconds].toSorted(([, a], [, b]) => b - a);
  if (longest === undefined) return null;
  const infectious = published.some(
    ({ source, segments }) => segments[0]!.from < source.infectiousTo && segments.at(-1)!.to > source.infectiousFrom,
  );
  return { kind: longest[0], infectious };
}

/** Who listens to whom, where. */
interface Ear {
  readonly person: number;
  readonly scans: readonly Scan[];
  readonly sender: number;
  readonly handset: Handset;
  readonly beacon: Beacon;
}

/**
 * @param ear listener and sender
 * @param visit the listener's; with both ids it names the stream, so that the same meeting always sounds the same
 * @param segments of the encounter
 * @returns what the listener's phone stores
 */
export function hear(options: SimulationOptions, ear: Ear, visit: Visit, segments: readonly Segment[]): Sighting[] {
  const random = new Random(
    options.seed,
    STREAM.reception,
    ear.person,
    ear.sender,
    placeKey(visit),
    Math.floor(segments[0]!.from),
  );
  const link = { txPower: ear.handset.txPower, referenceDb: options.referenceDb };
  return receive(segments, ear.scans, link, random).map((reception: Reception) => {
    const { rpi, aem } = ear.beacon.at(reception.timestamp);
    return { rpi, aem, ...reception };
  });
}

/** @returns sightings of the senders whose keys are published, and those keys */
export function relevantSightings(
  world: World,
  person: number,
  platform: Platform,
  meetings: readonly Meeting[],
): { sightings: Sighting[]; keys: PublishedKey[] } {
  const { options, population } = world;
  const scans = new Map<number, Scan[]>();
  const sightings: Sighting[] = [];
  const keys = new Set<PublishedKey>();
  for (const { source, day, visit, segments } of meetings) {
    const key = world.keyOf(source, day);
    if (key === undefined) continue;
    const ofDay = scans.get(day) ?? scansOf(options.seed, person, platform, day);
    scans.set(day, ofDay);
    const handset = population.people[source.person]!.phone!;
    const beacon = world.beaconOf(source.person);
    const heard = hear(options, { person, scans: ofDay, sender: source.person, handset, beacon }, visit, segments);
    if (heard.length > 0) keys.add(key);
    // One by one: a spread of ten thousand arguments would overflow the stack.
    for (const sighting of heard) sightings.push(sighting);
  }
  return { sightings, keys: [...keys] };
}

/**
 * @param world the run
 * @param person id
 * @param parameters what the health authority set
 */
export function live(world: World, person: number, parameters: Parameters): Life {
  const { phone } = world.population.people[person]!;
  const meetings = world.meetings(person);
  const contacts = riskContacts(world, meetings);
  const exposure = exposureOf(world, meetings);
  const nothing = { person, platform: phone?.platform ?? null, contacts, exposure, warnings: NO_WARNINGS };
  if (phone === null) return { ...nothing, matchedKeys: 0, sightings: 0 };
  const { sightings, keys } = relevantSightings(world, person, phone.platform, meetings);
  if (sightings.length === 0) return { ...nothing, matchedKeys: 0, sightings: 0 };
  const { seed } = world.options;
  const calls = detectionTimes(
    downloadTimes(seed, person, phone.platform, START, world.end),
    phone.platform,
    parameters.exposureDetection.maxExposureDetectionsPerInterval,
  );
  const { matches, warnings } = detect(parameters, phone.platform, sightings, keys, calls);
  return { ...nothing, warnings, matchedKeys: matches.length, sightings: sightings.length };
}
