/**
 * @module What a run showed, as numbers: who should have been warned and was, who was and shouldn't, how long it took, what
 * it cost a phone. Pure: figures out of a run.
 */
import { PLACES, type PlaceKind } from './day-plan.ts';
import type { Life, RiskContact } from './life.ts';
import { SECONDS_PER_DAY, type SimulationOptions, dayOfRun, dayStart } from './options.ts';
import type { Platform } from './population.ts';
import type { SampledPhone } from './sample.ts';
import type { Run } from './simulation.ts';
import type { Model } from './warnings.ts';

/** A part of a whole. */
export interface Share {
  readonly count: number;
  readonly of: number;
}

interface Spread {
  readonly p10: number;
  readonly median: number;
  readonly p90: number;
}

interface ModelFindings {
  /** Phones that warned. */
  readonly warned: number;
  /** Of phone owners with a risk contact whose source shared the key of that day. */
  readonly sensitivity: Share;
  /** Of all phone owners with a risk contact. */
  readonly sensitivityOfOwners: Share;
  /** Of all people with a risk contact, phone or not. */
  readonly sensitivityOfPeople: Share;
  /** Warned phones whose owner had no risk contact at all, of those warned. */
  readonly falseAlarms: Share;
  /** The same, of all phone owners without a risk contact. */
  readonly falseAlarmRate: Share;
  /** Hours from the source's swab to the warning; null if nobody was rightly warned. */
  readonly delayHours: Spread | null;
}

/** From swab to warning. */
export const STEPS = ['result', 'upload', 'publication', 'warning'] as const;
type Step = (typeof STEPS)[number];

interface PlaceFindings {
  /** Risk contacts with a published key, most of whose time was spent there. */
  readonly contacts: number;
  /** Those whose phone warned. */
  readonly warned: Readonly<Record<Model, number>>;
  /** Falsely warned phones that spent most of their time with cases there. */
  readonly falselyWarned: Readonly<Record<Model, number>>;
}

interface DayFindings {
  readonly day: number;
  /** People whose swab was taken on this day and turned out positive. */
  readonly cases: number;
  readonly uploads: number;
  /** Published on this day, decoys included. */
  readonly keys: number;
  /** Risk contacts of phone owners on this day. */
  readonly riskContacts: number;
  readonly warned: Readonly<Record<Model, number>>;
  readonly falselyWarned: Readonly<Record<Model, number>>;
}

export interface PhoneBytes {
  readonly phones: number;
  readonly downloads: number;
  readonly head: number;
  readonly pages: number;
  readonly chunks: number;
  readonly total: number;
}

export interface Findings {
  readonly options: SimulationOptions;
  readonly people: number;
  readonly cases: number;
  readonly uploads: number;
  readonly realKeys: number;
  readonly decoyKeys: number;
  readonly reserveKeys: number;
  readonly exposedPeople: number;
  readonly exposedOwners: number;
  readonly reachableOwners: number;
  readonly models: Readonly<Record<Model, ModelFindings>>;
  readonly places: Readonly<Record<PlaceKind, PlaceFindings>>;
  /** Falsely warned phones that were near cases on days alone that don't count as infectious. */
  readonly falselyWarnedOutsideInfectiousDays: Readonly<Record<Model, number>>;
  /** Hours from the swab to each step, ascending, of those rightly warned under CWA's calculation. */
  readonly steps: Readonly<Record<Step, readonly number[]>>;
  readonly days: readonly DayFindings[];
  /** Means of the sample, a phone and day; null without a sample of that platform. */
  readonly bytes: Readonly<Record<Platform, PhoneBytes | null>>;
  readonly sample: readonly SampledPhone[];
  /** Sightings stored and matched in the short way, of cases' phones alone. */
  readonly sightings: number;
  readonly matchedKeys: number;
}

const SECONDS_PER_HOUR = 3600;

const byModel = <T>(of: (model: Model) => T): Record<Model, T> => ({
  v1: of('v1'),
  v2: of('v2'),
  cwa: of('cwa'),
  figure12: of('figure12'),
});

/** @param sorted ascending @param share 0..1 @returns the nearest-rank quantile, 0 of nothing */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** The contact that a warning came from: of those whose key was out, the newest one. */
function cause(life: Life, model: Model): RiskContact | null {
  const warned = life.warnings[model];
  if (warned === null) return null;
  const known = life.contacts.filter(({ key }) => key !== null && key.from <= warned);
  return known.toSorted((a, b) => b.key!.from - a.key!.from)[0] ?? null;
}

function modelFindings(lives: readonly Life[], model: Model): ModelFindings {
  const owners = lives.filter(({ platform }) => platform !== null);
  const exposed = owners.filter(({ contacts }) => contacts.length > 0);
  const reachable = exposed.filter(({ contacts }) => contacts.some(({ key }) => key !== null));
  const people = lives.filter(({ contacts }) => contacts.length > 0);
  const warned = owners.filter(({ warnings }) => warnings[model] !== null);
  const isWarned = (life: Life): boolean => life.warnings[model] !== null;
  const share = (of: readonly Life[]): Share => ({ count: of.filter(isWarned).length, of: of.length });
  const unexposed = warned.filter(({ contacts }) => contacts.length === 0).length;
  const delays = reachable
    .flatMap((life) => {
      const contact = cause(life, model);
      return contact === null ? [] : [(life.warnings[model]! - contact.source.swab) / SECONDS_PER_HOUR];
    })
    .toSorted((a, b) => a - b);
  return {
    warned: warned.length,
    sensitivity: share(reachable),
    sensitivityOfOwners: share(exposed),
    sensitivityOfPeople: share(people),
    falseAlarms: { count: unexposed, of: warned.length },
    falseAlarmRate: { count: unexposed, of: owners.length - exposed.length },
    delayHours:
      delays.length === 0
        ? null
        : { p10: quantile(delays, 0.1), median: quantile(delays, 0.5), p90: quantile(delays, 0.9) },
  };
}

function stepsOf(lives: readonly Life[]): Record<Step, number[]> {
  const caused = lives.flatMap((life) => {
    const contact = cause(life, 'cwa');
    return contact === null ? [] : [{ life, source: contact.source, published: contact.key!.from }];
  });
  const hours = (instant: (one: (typeof caused)[number]) => number): number[] =>
    caused.map((one) => (instant(one) - one.source.swab) / SECONDS_PER_HOUR).toSorted((a, b) => a - b);
  return {
    result: hours(({ source }) => source.result),
    upload: hours(({ source }) => source.upload!.at),
    publication: hours(({ published }) => published),
    warning: hours(({ life }) => life.warnings.cwa!),
  };
}

function daysOf({ world, lives }: Run): DayFindings[] {
  const count = Math.ceil((world.end - dayStart(0)) / SECONDS_PER_DAY);
  const { firstHour, lastHour, keysOf } = world.publication;
  const at = <T>(items: readonly T[], dayOf: (item: T) => number | null): number[] => {
    const counts = Array.from({ length: count }, () => 0);
    for (const item of items) {
      const day = dayOf(item);
      if (day !== null && counts[day] !== undefined) counts[day] += 1;
    }
    return counts;
  };
  const dayOrNull = (seconds: number | null): number | null => (seconds === null ? null : dayOfRun(seconds));
  const cases = at(world.cases, ({ swab }) => dayOfRun(swab));
  const uploads = at(world.cases, ({ upload }) => dayOrNull(upload?.at ?? null));
  const owners = lives.filter(({ platform }) => platform !== null);
  const contacts = at(
    owners.flatMap((life) => life.contacts),
    ({ day }) => day,
  );
  const keys = Array.from({ length: count }, () => 0);
  for (let hour = firstHour; hour <= lastHour; hour++) {
    const day = dayOfRun(hour * SECONDS_PER_HOUR);
    if (keys[day] !== undefined) keys[day] += keysOf(hour).length;
  }
  const warned = byModel((model) => at(owners, ({ warnings }) => dayOrNull(warnings[model])));
  const unexposed = owners.filter((life) => life.contacts.length === 0);
  const falsely = byModel((model) => at(unexposed, ({ warnings }) => dayOrNull(warnings[model])));
  return Array.from({ length: count }, (_, day) => ({
    day,
    cases: cases[day]!,
    uploads: uploads[day]!,
    keys: keys[day]!,
    riskContacts: contacts[day]!,
    warned: byModel((model) => warned[model][day]!),
    falselyWarned: byModel((model) => falsely[model][day]!),
  }));
}

function bytesOf(sample: readonly SampledPhone[], platform: Platform): PhoneBytes | null {
  const phones = sample.filter((phone) => phone.platform === platform);
  if (phones.length === 0) return null;
  const mean = (of: (phone: SampledPhone) => number): number =>
    phones.reduce((sum, phone) => sum + of(phone), 0) / phones.length;
  const head = mean((phone) => phone.headBytes);
  const pages = mean((phone) => phone.pageBytes);
  const chunks = mean((phone) => phone.chunkBytes);
  return {
    phones: phones.length,
    downloads: mean((phone) => phone.downloads),
    head,
    pages,
    chunks,
    total: head + pages + chunks,
  };
}

const isFalse = (life: Life, model: Model): boolean => life.contacts.length === 0 && life.warnings[model] !== null;

function placeFindings(owners: readonly Life[], kind: PlaceKind): PlaceFindings {
  const found = owners.flatMap((life) =>
    life.contacts.filter((contact) => contact.kind === kind && contact.key !== null).map(() => life.warnings),
  );
  const there = owners.filter(({ exposure }) => exposure?.kind === kind);
  return {
    contacts: found.length,
    warned: byModel((model) => found.filter((warnings) => warnings[model] !== null).length),
    falselyWarned: byModel((model) => there.filter((life) => isFalse(life, model)).length),
  };
}

/** @param run a whole run @returns its figures */
export function findings(run: Run): Findings {
  const { world, lives, sample } = run;
  const { options, cases, publication } = world;
  const owners = lives.filter(({ platform }) => platform !== null);
  const duringRun = cases.filter(({ swab }) => dayOfRun(swab) >= 0 && dayOfRun(swab) < options.days);
  const models = byModel((model) => modelFindings(lives, model));
  return {
    options,
    people: lives.length,
    cases: duringRun.length,
    uploads: duringRun.filter(({ upload }) => upload !== null).length,
    realKeys: publication.realKeys,
    decoyKeys: publication.decoyKeys,
    reserveKeys: publication.reserveKeys,
    exposedPeople: models.cwa.sensitivityOfPeople.of,
    exposedOwners: models.cwa.sensitivityOfOwners.of,
    reachableOwners: models.cwa.sensitivity.of,
    models,
    places: Object.fromEntries(PLACES.map((kind) => [kind, placeFindings(owners, kind)])) as Findings['places'],
    falselyWarnedOutsideInfectiousDays: byModel(
      (model) => owners.filter((life) => isFalse(life, model) && life.exposure?.infectious === false).length,
    ),
    steps: stepsOf(owners),
    days: daysOf(run),
    bytes: { android: bytesOf(sample, 'android'), ios: bytesOf(sample, 'ios') },
    sample,
    sightings: lives.reduce((sum, life) => sum + life.sightings, 0),
    matchedKeys: lives.reduce((sum, life) => sum + life.matchedKeys, 0),
  };
}

const Z_95 = 1.96;

/** @returns Wilson's 95 % interval of a share; 0..1 of nothing */
export function interval({ count, of }: Share): { low: number; high: number } {
  if (of === 0) return { low: 0, high: 1 };
  const p = count / of;
  const z2 = Z_95 ** 2;
  const centre = (p + z2 / (2 * of)) / (1 + z2 / of);
  const half = (Z_95 / (1 + z2 / of)) * Math.sqrt((p * (1 - p)) / of + z2 / (4 * of ** 2));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
