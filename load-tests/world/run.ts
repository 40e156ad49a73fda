/**
 * @module A world played with simulated backends (backend.ts), hour by hour: people are drawn, hours are sealed, peers read each other's feeds ten minutes later. What comes out is counted, and the model
 * (model.ts) is held to it by check.ts.
 */
import { regionsOf } from '../../domain/keys/regions.ts';
import { hourEnd } from '../../protocol/gaen/intervals.ts';
import { Seeded } from '../../scripts/support/seeded.ts';
import { Backend, NOTHING, type Tally } from './backend.ts';
import { keysOfPerson, receivedBefore } from './decoy-sizes.ts';
import { feedRead, feedsOfRegion, regionName } from './topology.ts';
import { clusterOf, type World } from './world.ts';

/** How long is played. */
export interface Play {
  /** Days that are counted. */
  readonly days: number;
  /** Days before them. */
  readonly before: number;
  readonly seed: number;
}

/** Means of a region and day; `lost` are cases who could share with nobody. */
export interface PlayedDay extends Readonly<Tally> {
  readonly lost: number;
}

const HOURS = 24;
/** 2026-11-01 00:00 UTC, hours since the Unix epoch. */
const START = 498_216;
/** After an hour's end: peers are asked to come then (durable-objects/publisher/feed-ops.ts). */
const POLL_SECONDS = 600;

/**
 * @param world without a fault
 * @param play see {@link Play}
 * @returns means of a region and day
 */
export async function playWorld(world: World, { days, before, seed }: Play): Promise<PlayedDay> {
  const seeded = new Seeded(seed);
  const received = receivedBefore(seeded.bytes, START, world.keysPerCase);
  const backends = Array.from(
    { length: world.regions },
    (_, region) => new Backend(regionName(region), feedsOfRegion(world, region), seeded.bytes, received),
  );
  const people = new People(world, seeded);
  for (let hour = START; hour < START + (before + days) * HOURS; hour++) {
    if (hour === START + before * HOURS) {
      for (const { tally } of backends) Object.assign(tally, NOTHING);
      people.lost = 0;
    }
    for (const upload of await people.ofHour(hour)) {
      for (const region of upload.at) backends[region]!.upload(upload.keys, upload.about(region), hour);
    }
    for (const backend of backends) backend.seal(hour);
    const now = hourEnd(hour) + POLL_SECONDS;
    for (const [reader, backend] of backends.entries()) {
      for (const [peer, other] of backends.entries()) {
        if (peer !== reader) backend.read(other, feedRead(world, reader, peer), hour, now);
      }
    }
  }
  const sums: Tally = { ...NOTHING };
  const names = Object.keys(NOTHING) as (keyof Tally)[];
  for (const { tally } of backends) for (const name of names) sums[name] += tally[name];
  for (const name of names) sums[name] /= world.regions * days;
  return { ...sums, lost: people.lost / (world.regions * days) };
}

interface Upload {
  /** Regions that it is shared in. */
  readonly at: readonly number[];
  readonly keys: ReturnType<typeof keysOfPerson>;
  readonly about: (region: number) => { readonly regions: readonly string[]; readonly consentToFederation: boolean };
}

/** Where and when they test positive is drawn; how many travel, consent and so on follows the shares exactly. */
class People {
  lost = 0;
  readonly #world: World;
  readonly #seeded: Seeded;
  readonly #names: readonly string[];
  readonly #phaseTwo: readonly boolean[];
  readonly #owed = new Map<string, number>();
  /** Cases of the running day by hour. */
  #day: Map<number, number> = new Map();

  constructor(world: World, seeded: Seeded) {
    this.#world = world;
    this.#seeded = seeded;
    this.#names = Array.from({ length: world.regions }, (_, region) => regionName(region));
    const two = Math.round(world.phaseTwo * world.regions);
    const order = this.#draw(
      this.#names.map((_, region) => region),
      world.regions,
    );
    this.#phaseTwo = this.#names.map((_, region) => order.indexOf(region) < two);
  }

  async ofHour(hour: number): Promise<Upload[]> {
    if (hour % HOURS === 0) {
      this.#day = new Map();
      for (
        let n = this.#share('cases', this.#world.casesPerDay % 1) ? -1 : 0;
        n < Math.floor(this.#world.casesPerDay);
        n++
      ) {
        const at = Math.floor(this.#seeded.unit() * HOURS);
        this.#day.set(at, (this.#day.get(at) ?? 0) + 1);
      }
    }
    const uploads: Upload[] = [];
    for (let n = this.#day.get(hour % HOURS) ?? 0; n > 0; n--) uploads.push(...(await this.#person(hour)));
    return uploads;
  }

  async #person(hour: number): Promise<Upload[]> {
    const { travellers, travelInCluster, testedAbroad, sharedTwice, consent, keysPerCase } = this.#world;
    const home = Math.floor(this.#seeded.unit() * this.#world.regions);
    const travels = this.#share('travels', travellers);
    const inside = travels && this.#share('inside', travelInCluster);
    const visited = travels ? this.#visited(home, inside) : [];
    const consentToFederation = this.#share(`consents ${travels} ${inside}`, consent);
    const [abroad = home] = visited;
    if (
      travels &&
      this.#share('abroad', testedAbroad) &&
      !(this.#phaseTwo[home] === true && this.#phaseTwo[abroad] === true)
    ) {
      this.lost += 1;
      return [];
    }
    const twice = travels && this.#share(`twice ${inside}`, sharedTwice);
    const [own, other] = [await this.#regions(home, visited), twice ? await this.#regions(abroad, [home]) : []];
    return [
      {
        at: twice ? [home, abroad] : [home],
        keys: keysOfPerson(this.#seeded.bytes, hour, keysPerCase),
        about: (region) => ({ regions: region === home ? own : other, consentToFederation }),
      },
    ];
  }

  /** @returns what rows of a person say */
  async #regions(home: number, visited: readonly number[]): Promise<readonly string[]> {
    const [name, named] = [this.#names[home]!, visited.map((region) => this.#names[region]!)];
    if (this.#world.naming === 'exact') return [name, ...named].toSorted();
    if (this.#world.naming === 'cluster') {
      const clusters = visited.map((region) => clusterOf(this.#world, region));
      const there = this.#names.filter((_, region) => clusters.includes(clusterOf(this.#world, region)));
      return [...new Set([name, ...there])].toSorted();
    }
    return regionsOf([name, ...named], name, () => Promise.resolve(this.#names));
  }

  #visited(home: number, inside: boolean): number[] {
    const cluster = clusterOf(this.#world, home);
    const there = this.#names.flatMap((_, region) =>
      region !== home && (clusterOf(this.#world, region) === cluster) === inside ? [region] : [],
    );
    return this.#draw(there, this.#world.regionsVisited);
  }

  #draw(from: readonly number[], some: number): number[] {
    const left = [...from];
    return Array.from(
      { length: Math.min(some, left.length) },
      () => left.splice(Math.floor(this.#seeded.unit() * left.length), 1)[0]!,
    );
  }

  /** @returns true so often that the share is held exactly */
  #share(name: string, share: number): boolean {
    const owed = (this.#owed.get(name) ?? 0.5) + share;
    this.#owed.set(name, owed >= 1 ? owed - 1 : owed);
    return owed >= 1;
  }
}
