/**
 * @module One phone of the travel story: the phone's own modules with its state in memory, over HTTP, by the story's clock. What is asked is written down, and so is what its owner has to do.
 */
import { takeAbroad, codeOfCredential, testedIn, type AbroadPorts } from '../../../phone/credential/abroad-course.ts';
import type { Abroad } from '../../../phone/credential/abroad-state.ts';
import { type CoursePorts, openTest, shareKeys, stateOf } from '../../../phone/course/test-course.ts';
import type { TestState } from '../../../phone/course/test-state.ts';
import { describeDownloadError } from '../../../phone/download/download.ts';
import type { Fetch } from '../../../phone/http.ts';
import { ExposureHistory, type HistorySnapshot } from '../../../phone/matching/history.ts';
import { DEFAULT_POLLING } from '../../../phone/parameters/parameters-schedule.ts';
import { meet, type Side } from '../../../phone/radio/encounter.ts';
import type { Sighting } from '../../../phone/radio/sighting.ts';
import { currentKey, endedKeys, type TekHistory } from '../../../phone/radio/tek-schedule.ts';
import type { RandomBytes } from '../../../phone/random.ts';
import { memoryInbox } from '../../../phone/regions/inbox.ts';
import { memoryObjects } from '../../../phone/regions/region-directory.ts';
import { NO_REGIONS, type RegionsState, syncRegions } from '../../../phone/regions/sync.ts';
import { followedRegions, withVisit } from '../../../phone/regions/visits.ts';
import { regionProblems } from '../../../phone/regions/words.ts';
import { memoryStore, type Store } from '../../../phone/store.ts';
import { withOnset } from '../../../phone/upload/onset.ts';
import type { KeptSecret } from '../../../phone/upload/withdrawal.ts';
import { type TestCode, typeCode } from '../../../phone/verification/codes.ts';
import type { DirectoryPolicy } from '../../../protocol/directory/policy.ts';
import type { OpenStatement } from '../../../protocol/directory/statement.ts';
import { DIRECTORY_PREFIX } from '../../../protocol/directory/tiles.ts';
import { dateOf } from '../../../protocol/gaen/intervals.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import type { Served } from '../../federation/served.ts';
import { callHotline } from '../../support/operator.ts';
import { exportPin, manifestKeys } from '../../support/published.ts';
import type { Person } from './cast.ts';
import type { Act, PhoneEnd, SeenRequest } from './count.ts';

/** What all phones of the story live in. */
export interface World {
  /** Unix seconds. */
  now: number;
  readonly random: RandomBytes;
  readonly backends: readonly Served[];
  /** What every app has built in. */
  readonly policy: DirectoryPolicy;
  /** Remembers statements for all phones. */
  readonly open: OpenStatement;
  readonly seen: SeenRequest[];
}

/** @returns the backend of a region @throws Error when there is none */
function backendOf({ backends }: Pick<World, 'backends'>, region: string): Served {
  const found = backends.find(({ plan }) => plan.id === region);
  if (found === undefined) throw new Error(`${region} has no backend`);
  return found;
}

const UPLOADS = '/version/v1/diagnosis-keys';
/** As long as an app spreads its hosts over; the story's clock stands still meanwhile. */
const SPREAD_SECONDS = 3600;
const NEAR_MINUTES = 20;

/** Writes down what a phone asks, and asks. */
function fetchOf(phone: string, { backends, seen }: World): Fetch {
  return (url, init) => {
    const { origin, pathname, search } = new URL(url);
    const region = backends.find((one) => new URL(one.url).origin === origin)?.plan.id ?? origin;
    const method = init?.method ?? 'GET';
    const kind = method === 'GET' ? 'read' : pathname === UPLOADS ? 'upload' : 'test';
    const headers = [...new Headers(init?.headers)].map(([name, value]) => `${name}: ${value}`);
    seen.push({ phone, region, kind, text: [`${method} ${pathname}${search}`, ...headers].join('\n') });
    return fetch(url, init);
  };
}

export class TravelPhone {
  readonly person: Person;
  readonly #world: World;
  readonly #fetch: Fetch;
  readonly #acts: Act[] = [];
  readonly #near = new Map<string, Set<string>>();
  readonly #warned = new Map<string, number>();
  #saidAt: number | null = null;
  #testedIn: string | null = null;
  #keys: TekHistory = [];
  #sightings: readonly Sighting[] = [];
  readonly #history = new ExposureHistory({}, { revokeConfirmed: true });
  readonly #regions = memoryStore<RegionsState>();
  readonly #abroad = memoryStore<Abroad>();
  readonly #stores = new Map<string, Store<unknown>>();
  readonly #inbox = memoryInbox();
  readonly #objects = memoryObjects();
  readonly #ports: CoursePorts & AbroadPorts;

  constructor(person: Person, world: World) {
    this.person = person;
    this.#world = world;
    this.#fetch = fetchOf(person.name, world);
    const { url } = backendOf(world, person.home);
    this.#ports = {
      fetch: this.#fetch,
      baseUrl: url,
      verificationUrl: url,
      random: world.random,
      store: memoryStore<TestState>(),
      secrets: memoryStore<readonly KeptSecret[]>(),
      abroad: this.#abroad,
      clock: () => world.now,
      settings: { coverTraffic: { followUpDays: 0 }, polling: DEFAULT_POLLING },
    };
  }

  /** The owner says where they are or were, region by region: all that a trip asks of them. @param from Unix seconds @param to the same, of the last day */
  async saysWhere(from: number, to: number): Promise<void> {
    const { now } = this.#world;
    for (const region of this.person.trips) {
      this.#acts.push({ about: 'trip', what: `says: ${region}` });
      const state = await this.#state();
      const visit = { region, from: dateOf(from), to: dateOf(to), said: dateOf(now) };
      await this.#regions.save({ ...state, visits: withVisit(state.visits, visit) });
      this.#saidAt = now;
    }
  }

  /** Twenty minutes with another phone until now, by the simulated radio. */
  meets(other: TravelPhone): void {
    const [own, theirs] = meet(this.#side(), other.#side(), NEAR_MINUTES, this.#world.random);
    this.#lived(own, other, theirs.history);
    other.#lived(theirs, this, own.history);
  }

  #side(): Side {
    return { history: this.#keys, sightings: this.#sightings, now: this.#world.now };
  }

  #lived({ history, sightings }: Side, other: TravelPhone, theirs: TekHistory): void {
    [this.#keys, this.#sightings] = [history, sightings];
    const { now, random } = this.#world;
    const { key } = currentKey(theirs, now, random);
    const known = this.#near.get(other.person.name) ?? new Set();
    this.#near.set(other.person.name, known.add(toHex(key.keyData)));
  }

  /**
   * The owner tests positive, and shares the keys of the days that are over.
   *
   * @param region whose laboratory or hotline it is; another than their own: by a credential of that region
   * @param consents whether the keys may go to other regions
   * @throws Error when any step is refused
   */
  async testsPositive(region: string, consents: boolean): Promise<void> {
    const there = backendOf(this.#world, region);
    const code = right('code', typeCode(await callHotline(there.url)));
    const isHome = region === this.person.home;
    const opening = isHome ? code : await this.#credential(there, code);
    this.#acts.push({ about: 'test', what: isHome ? 'types the code' : 'shows it at home' });
    const result = right('test', await openTest(opening, this.#ports));
    if (result !== 'positive') throw new Error(`${this.person.name}: the test is ${result}`);
    this.#testedIn = region;
    this.#acts.push({ about: 'test', what: 'shares' });
    const { now } = this.#world;
    const keys = withOnset(endedKeys(this.#keys, now), { kind: 'not-said' }, now);
    const visitedCountries = consents ? await this.#countries() : [];
    const content = { keys, visitedCountries, consentToFederation: consents, submissionType: 0 as const };
    right('upload', await shareKeys(content, this.#ports));
  }

  async #credential({ url }: Served, code: TestCode) {
    this.#acts.push({ about: 'test', what: 'takes a credential' });
    right('credential', await takeAbroad({ verificationUrl: url, uploadUrl: url, code }, this.#ports));
    const loaded = await this.#abroad.load();
    return right('credential', codeOfCredential(null, loaded.ok ? loaded.value : null, this.#world.now));
  }

  /** Where the owner was, and where they were tested, as `phone share --consent` names it. */
  async #countries(): Promise<string[]> {
    const test = await stateOf(this.#ports);
    const codeKey = test !== null && 'codeKey' in test ? test.codeKey : null;
    const followed = followedRegions((await this.#state()).visits, this.#world.now).map(({ region }) => region);
    return [...new Set([...(await testedIn(this.#abroad, codeKey)), ...followed])].toSorted();
  }

  async #state(): Promise<RegionsState> {
    const loaded = await this.#regions.load();
    return (loaded.ok ? loaded.value : null) ?? NO_REGIONS;
  }

  /** Looks once at all regions that it follows. @returns what went wrong, for a person */
  async looks(): Promise<string[]> {
    const { now, random, policy, open } = this.#world;
    const home = backendOf(this.#world, this.person.home);
    const { url, publicPem, manifestPem, verificationKey } = home;
    const edge = { url, publicPem, manifestPublicPem: manifestPem, exportKey: verificationKey };
    const outcome = await syncRegions({
      connect: () => this.#fetch,
      random,
      pause: () => Promise.resolve(),
      spreadSeconds: SPREAD_SECONDS,
      homeFeed: {
        region: this.person.home,
        url,
        exportKeys: [exportPin(edge)],
        manifestKeys: manifestKeys(edge),
        store: this.#storeOf('home'),
      },
      directory: { url: `${url}/${DIRECTORY_PREFIX}`.replace(/\/$/, ''), policy, objects: this.#objects, open },
      regions: this.#regions,
      storeOf: (name) => this.#storeOf(name),
      // Trips of the story are followed to its end.
      forgetFeeds: () => Promise.resolve(),
      inbox: this.#inbox,
      calls: this.#storeOf('calls'),
      matches: this.#storeOf<HistorySnapshot>('matches'),
      history: this.#history,
      sightings: this.#sightings,
      now,
    });
    for (const { key } of this.#history.matches(now)) {
      const name = toHex(key.keyData);
      if (!this.#warned.has(name)) this.#warned.set(name, now);
    }
    const { errors } = outcome.home;
    const problems = [...errors.map((error) => describeDownloadError(error)), ...regionProblems(outcome)];
    if (outcome.detection.kind === 'waits') problems.push('a seventh look in a day');
    return problems.map((text) => `${this.person.name}: ${text}`);
  }

  #storeOf<T>(name: string): Store<T> {
    const known = this.#stores.get(name) ?? memoryStore<unknown>();
    this.#stores.set(name, known);
    return known as Store<T>;
  }

  /** @returns whether it has warned its owner of anything */
  get isWarned(): boolean {
    return this.#warned.size > 0;
  }

  /** @returns what there is to count */
  end(): PhoneEnd {
    const { name, home } = this.person;
    return {
      name,
      home,
      trips: this.#saidAt === null ? [] : this.person.trips,
      saidAt: this.#saidAt,
      testedIn: this.#testedIn,
      acts: this.#acts,
      keys: new Set(this.#keys.map(({ keyData }) => toHex(keyData))),
      near: this.#near,
      warned: this.#warned,
    };
  }
}

/** @throws Error naming what was refused, and why */
function right<T>(
  what: string,
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown },
): T {
  if (result.ok) return result.value;
  throw new Error(`${what}: ${JSON.stringify(result.error)}`);
}
