/**
 * @module What the travel story comes to, counted from what phones found and hosts were asked: pure, and without knowledge of how any of it came about.
 */
import type { Case, Test } from './cast.ts';

/** Who asked what of whom. */
export interface SeenRequest {
  readonly phone: string;
  /** Of the host that was asked. */
  readonly region: string;
  /** GET of a public object; a step of a test, or a dummy of one; an upload, or a dummy of one. */
  readonly kind: 'read' | 'test' | 'upload';
  /** Method, path and headers, as they came. */
  readonly text: string;
}

/** What the owner does, each by itself an interaction. */
export interface Act {
  readonly about: 'trip' | 'test';
  readonly what: string;
}

/** A phone at the end. */
export interface PhoneEnd {
  readonly name: string;
  readonly home: string;
  /** Regions that its owner said they were in. */
  readonly trips: readonly string[];
  /** Unix seconds of the last time that they said so; null: never. */
  readonly saidAt: number | null;
  /** Region that tested them, null for nobody. */
  readonly testedIn: string | null;
  readonly acts: readonly Act[];
  /** Own keys, hex. */
  readonly keys: ReadonlySet<string>;
  /** Name of who was near → their keys of that time, hex. */
  readonly near: ReadonlyMap<string, ReadonlySet<string>>;
  /** Keys that it was warned of, hex → Unix seconds of the first time. */
  readonly warned: ReadonlyMap<string, number>;
}

/** How one case came out. */
export interface CaseCount {
  readonly found: number;
  readonly missed: number;
  /** Keys of this person that were found by who must not. */
  readonly wrong: number;
  /** From the test, or from when the owner said where they were, to each warning, in the order of the cast. */
  readonly hours: readonly number[];
}

const HOUR = 3600;

const named = (phones: readonly PhoneEnd[], name: string): PhoneEnd => {
  const phone = phones.find((one) => one.name === name);
  if (phone === undefined) throw new Error(`${name} has no phone`);
  return phone;
};

/**
 * @param one case of the cast
 * @param phones all of them
 * @param testedAt Unix seconds of the test
 * @returns how it came out; an encounter that the cast promises and no phone heard is missed
 */
export function countCase(one: Case, phones: readonly PhoneEnd[], testedAt: number): CaseCount {
  const { keys } = named(phones, one.positive);
  let [found, missed] = [0, 0];
  const hours: number[] = [];
  for (const name of one.warned) {
    const { near, warned, saidAt } = named(phones, name);
    const expected = [...(near.get(one.positive) ?? [])];
    const times = expected.flatMap((key) => warned.get(key) ?? []);
    found += times.length;
    missed += Math.max(1, expected.length) - times.length;
    hours.push(...times.map((at) => (at - Math.max(testedAt, saidAt ?? 0)) / HOUR));
  }
  const wrong = Object.keys(one.spared).flatMap((name) =>
    [...named(phones, name).warned.keys()].filter((key) => keys.has(key)),
  ).length;
  return { found, missed, wrong, hours };
}

/**
 * @param cases all of the cast
 * @param phones all of them
 * @returns keys that phones were warned of though no case has them warned of whose they are, or they weren't near at the time
 */
export function falseWarnings(cases: readonly Case[], phones: readonly PhoneEnd[]): number {
  return phones.reduce((count, { name, near, warned }) => {
    const positives = cases.filter((one) => one.warned.includes(name)).map(({ positive }) => positive);
    const right = new Set(positives.flatMap((positive) => [...(near.get(positive) ?? [])]));
    return count + [...warned.keys()].filter((key) => !right.has(key)).length;
  }, 0);
}

/** What hosts saw. */
interface RequestCount {
  /** At regions in which the phone is neither at home, nor its owner said they were, nor was tested. */
  readonly strayed: number;
  /** Public objects that were asked for by a request that names another region than the host's. */
  readonly naming: number;
  /** Different requests for a public object that a single phone made, which would tell it from others. */
  readonly alone: number;
  /** Phones of travellers whose home was asked for other objects than by somebody who stays, or otherwise: it can tell that they travel. */
  readonly toldAtHome: number;
  /** The same of visits: the region can tell that it isn't their home. Their directory and parameters phones read at home alone. */
  readonly toldAbroad: number;
}

/**
 * @param requests of all phones
 * @param phones all of them
 * @returns what was seen that must not be; requests of tests and uploads are encrypted or padded, and aren't searched
 */
export function countRequests(requests: readonly SeenRequest[], phones: readonly PhoneEnd[]): RequestCount {
  const regions = [...new Set(phones.map(({ home }) => home))];
  const strayed = requests.filter(({ phone, region, kind }) => {
    const { home, trips, testedIn } = named(phones, phone);
    return region !== home && !(kind === 'read' ? trips.includes(region) : testedIn === region);
  });
  const reads = requests.filter(({ kind }) => kind === 'read');
  const naming = reads.filter(({ region, text }) =>
    regions.some((other) => other !== region && new RegExp(`\\b${other}\\b`).test(text)),
  );
  const askers = Map.groupBy(reads, ({ region, text }) => `${region} ${text}`);
  const alone = [...askers.values()].filter((same) => new Set(same.map(({ phone }) => phone)).size === 1);
  const readsOf = (phone: string, region: string): string =>
    reads
      .filter((one) => one.phone === phone && one.region === region)
      .map(({ text }) => text)
      .toSorted()
      .join('\n\n');
  const isTold = (phone: string, region: string): boolean =>
    !phones.some(
      ({ name, home, trips }) =>
        home === region && trips.length === 0 && readsOf(name, region) === readsOf(phone, region),
    );
  const travellers = phones.filter(({ trips }) => trips.length > 0);
  return {
    strayed: strayed.length,
    naming: naming.length,
    alone: alone.length,
    toldAtHome: travellers.filter(({ name, home }) => isTold(name, home)).length,
    toldAbroad: travellers.flatMap(({ name, trips }) => trips.filter((region) => isTold(name, region))).length,
  };
}

/** @returns how many requests of each kind a host saw of a phone */
export function sawOf(requests: readonly SeenRequest[], phone: string, region: string) {
  const own = requests.filter((one) => one.phone === phone && one.region === region);
  const of = (kind: SeenRequest['kind']): number => own.filter((one) => one.kind === kind).length;
  return { read: of('read'), test: of('test'), upload: of('upload') };
}

/** What owners had to do. */
interface ActCount {
  /** Of all owners who travelled the most, a trip. */
  readonly aTrip: number;
  /** By how many a test abroad takes more than one at home. */
  readonly moreAbroad: number;
}

/** @returns how often owners had to do something; an owner who was tested abroad, and one at home, must be among them */
export function countActs(phones: readonly PhoneEnd[]): ActCount {
  const of = ({ acts }: PhoneEnd, about: Act['about']): number => acts.filter((act) => act.about === about).length;
  const trips = phones.filter((phone) => phone.trips.length > 0).map((phone) => of(phone, 'trip') / phone.trips.length);
  const tested = phones.filter(({ testedIn }) => testedIn !== null);
  const [home, abroad] = [true, false].map((isHome) =>
    tested.filter((phone) => (phone.testedIn === phone.home) === isHome).map((phone) => of(phone, 'test')),
  ) as [number[], number[]];
  return { aTrip: Math.max(...trips), moreAbroad: Math.max(...abroad) - Math.min(...home) };
}

/**
 * @param tests of the cast
 * @param phones all of them
 * @param published region → keys in its public files, hex
 * @returns regions that give out keys of somebody they must not, and that don't though they are to
 */
export function countPublished(
  tests: readonly Test[],
  phones: readonly PhoneEnd[],
  published: ReadonlyMap<string, ReadonlySet<string>>,
): { readonly tooMany: number; readonly tooFew: number } {
  let [tooMany, tooFew] = [0, 0];
  for (const { who, published: wanted } of tests) {
    const { keys } = named(phones, who);
    for (const [region, all] of published) {
      const isWanted = wanted.some((one) => one === region);
      const isThere = [...keys].some((key) => all.has(key));
      if (isThere && !isWanted) tooMany += 1;
      if (!isThere && isWanted) tooFew += 1;
    }
  }
  return { tooMany, tooFew };
}
