/**
 * @module A run's people, cases and published keys, and where cases can be met: the part of all encounters that can count
 * as a risk or match a key. All other beacons in the air match nothing, so they are left out here; sample.ts takes them in.
 */
import { RETENTION_DAYS, hourOf } from '../protocol/gaen/intervals.ts';
import { Beacon } from './beacon.ts';
import { type Case, drawCases } from './cases.ts';
import { type PlaceKind, type Visit, dayPlan, placeKey } from './day-plan.ts';
import { type Segment, encounter } from './encounter.ts';
import { SECONDS_PER_DAY, START, type SimulationOptions, dayStart } from './options.ts';
import { type Population, populate } from './population.ts';
import { type Publication, publish, publishedAt } from './publication.ts';
import { Random, STREAM } from './random.ts';
import type { PublishedKey } from './warnings.ts';

const SECONDS_PER_INTERVAL = 600;
/** After the last upload: its running day's key, the embargo and the longest hold. */
const SETTLE_DAYS = 3;
/** And a phone that seldom runs must come to ask. */
const WARNING_DAYS = 2;

/** Two people in one place, one of them a case. */
export interface Meeting {
  readonly day: number;
  readonly kind: PlaceKind;
  readonly source: Case;
  readonly visit: Visit;
  readonly segments: readonly Segment[];
}

interface CaseVisit {
  readonly source: Case;
  readonly visit: Visit;
}

export class World {
  readonly options: SimulationOptions;
  readonly population: Population;
  readonly cases: readonly Case[];
  readonly publication: Publication;
  /** Unix seconds; nothing happens from then on. */
  readonly end: number;
  readonly #beacons = new Map<number, Beacon>();
  readonly #caseOf: ReadonlyMap<number, Case>;
  /** By day, then place. */
  readonly #visits: readonly ReadonlyMap<number, readonly CaseVisit[]>[];
  /** Published keys of a case by day of the run. */
  readonly #keys = new Map<Case, ReadonlyMap<number, PublishedKey>>();

  constructor(options: SimulationOptions) {
    this.options = options;
    this.population = populate(options);
    this.cases = drawCases(this.population, options, (person) => this.beaconOf(person));
    this.#caseOf = new Map(this.cases.map((one) => [one.person, one]));
    const first = hourOf(START - RETENTION_DAYS * SECONDS_PER_DAY);
    const uploads = this.cases.flatMap(({ upload }) => (upload !== null && hourOf(upload.at) >= first ? [upload] : []));
    const lastUpload = Math.max(dayStart(options.days), ...uploads.map(({ at }) => at));
    const settled = Math.ceil((lastUpload - START) / SECONDS_PER_DAY) + SETTLE_DAYS;
    this.publication = publish(
      uploads,
      { first, last: hourOf(dayStart(settled)) - 1 },
      new Random(options.seed, STREAM.decoys),
    );
    this.end = dayStart(settled + WARNING_DAYS);
    for (const one of this.cases) this.#keys.set(one, this.#publishedKeys(one));
    this.#visits = Array.from({ length: options.days }, (_, day) => this.#visitsOf(day));
  }

  /** @param person id of a phone owner @returns the sending side of the phone */
  beaconOf(person: number): Beacon {
    let beacon = this.#beacons.get(person);
    if (beacon === undefined) {
      const { phone } = this.population.people[person]!;
      if (phone === null) throw new RangeError(`person ${person} has no phone`);
      beacon = new Beacon(this.options.seed, person, phone);
      this.#beacons.set(person, beacon);
    }
    return beacon;
  }

  /** @returns where a person is on a day of the run; who was swabbed stays at home */
  planOf(person: number, day: number): Visit[] {
    const isolatedFrom = this.#caseOf.get(person)?.swab;
    return dayPlan(this.population, this.population.people[person]!, day, this.options.seed, isolatedFrom);
  }

  /** @returns a case's published key of a day, if there is one */
  keyOf(source: Case, day: number): PublishedKey | undefined {
    return this.#keys.get(source)?.get(day);
  }

  /** @returns all meetings of a person with cases, by day */
  meetings(person: number): Meeting[] {
    const meetings: Meeting[] = [];
    for (let day = 0; day < this.options.days; day++) {
      for (const visit of this.planOf(person, day)) {
        for (const { source, visit: other } of this.#visits[day]!.get(placeKey(visit)) ?? []) {
          if (source.person === person) continue;
          const segments = encounter(this.options.seed, visit, other, [person, source.person]);
          if (segments.length > 0) meetings.push({ day, kind: visit.kind, source, visit, segments });
        }
      }
    }
    return meetings;
  }

  #publishedKeys({ upload }: Case): Map<number, PublishedKey> {
    const keys = new Map<number, PublishedKey>();
    for (const key of upload?.keys ?? []) {
      const hour = this.publication.hourOfKey(key);
      const day = Math.floor((key.rollingStartIntervalNumber * SECONDS_PER_INTERVAL - START) / SECONDS_PER_DAY);
      if (hour !== undefined) keys.set(day, { key, from: publishedAt(hour) });
    }
    return keys;
  }

  #visitsOf(day: number): Map<number, CaseVisit[]> {
    const visits = new Map<number, CaseVisit[]>();
    const [begin, end] = [dayStart(day), dayStart(day + 1)];
    for (const source of this.cases) {
      const infectious = source.infectiousFrom < end && source.infectiousTo > begin;
      if (!infectious && this.keyOf(source, day) === undefined) continue;
      for (const visit of this.planOf(source.person, day)) {
        const known = visits.get(placeKey(visit));
        if (known === undefined) visits.set(placeKey(visit), [{ source, visit }]);
        else known.push({ source, visit });
      }
    }
    return visits;
  }
}
