/**
 * @module People who fall ill: onset, swab, result, upload. Cases are drawn by incidence; who infected whom isn't simulated.
 * An upload goes through the phone's and the server's own rules for keys, onset and embargo.
 */
import { publishedForm } from '../domain/embargo.ts';
import { publishableKeys } from '../domain/keys/validate.ts';
import { withOnset } from '../phone/upload/onset.ts';
import { cutToday, endedKeys } from '../phone/radio/tek-schedule.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import { RETENTION_DAYS } from '../protocol/gaen/intervals.ts';
import type { Beacon } from './beacon.ts';
import {
  INFECTIOUS,
  SECONDS_PER_DAY,
  SWAB_AFTER_ONSET_DAYS,
  type SimulationOptions,
  dayOfRun,
  dayStart,
} from './options.ts';
import type { Population } from './population.ts';
import { Random, STREAM } from './random.ts';

export interface Case {
  readonly person: number;
  /** Unix seconds, all of them. */
  readonly onset: number;
  readonly swab: number;
  readonly result: number;
  readonly infectiousFrom: number;
  readonly infectiousTo: number;
  /** null: no phone, or keys aren't shared. */
  readonly upload: Upload | null;
}

export interface Upload {
  /** Unix seconds. */
  readonly at: number;
  /** In published form. */
  readonly keys: readonly TemporaryExposureKey[];
  /** Days of the run whose keys are in it. */
  readonly days: ReadonlySet<number>;
}

const SECONDS_PER_HOUR = 3600;
const PER_PEOPLE = 100_000;
/** Phones ask for a result every 2 h, spread over another hour (parameters/default.json, polling.testResult). */
const RESULT_POLL_HOURS = 3;
/** Nobody answers the app at night (assumption). */
const AWAKE = { from: 7, to: 22 } as const;

/** Onsets that matter: their keys or their infectious days may reach into the run, or fill the lists before it. */
const ONSETS_BEFORE_DAYS = RETENTION_DAYS + INFECTIOUS.afterOnsetDays;

function uploadTime(result: number, random: Random): number {
  const noticed =
    result + random.between(0, RESULT_POLL_HOURS * SECONDS_PER_HOUR) + random.exponential(SECONDS_PER_HOUR);
  const hour = (noticed % SECONDS_PER_DAY) / SECONDS_PER_HOUR;
  if (hour >= AWAKE.from && hour < AWAKE.to) return Math.floor(noticed);
  const midnight = noticed - (noticed % SECONDS_PER_DAY) + (hour >= AWAKE.to ? SECONDS_PER_DAY : 0);
  return Math.floor(midnight + AWAKE.from * SECONDS_PER_HOUR + random.between(0, 2 * SECONDS_PER_HOUR));
}

/**
 * The keys of the last 14 days and of today, which is cut so that it can be shared (docs/spec/gaen.md §1).
 * @returns what the server publishes of them; null if no rule leaves one
 */
function shared(beacon: Beacon, at: number, onset: number): Upload | null {
  const today = dayOfRun(at);
  const history = Array.from({ length: RETENTION_DAYS + 1 }, (_, n) => beacon.keyOf(today - RETENTION_DAYS + n));
  const keys = endedKeys(cutToday(history, at), at);
  const days = today - dayOfRun(onset);
  const published = publishableKeys(withOnset(keys, { kind: 'days-ago', days }, at), at).keys.map(publishedForm);
  if (published.length === 0) return null;
  return {
    at,
    keys: published,
    days: new Set(published.map((key) => dayOfRun(key.rollingStartIntervalNumber * 600))),
  };
}

/**
 * @param beaconOf the sending side of a phone owner
 * @returns cases by onset, those before the run's first day too
 */
export function drawCases(
  population: Population,
  options: SimulationOptions,
  beaconOf: (person: number) => Beacon,
): Case[] {
  const random = new Random(options.seed, STREAM.cases);
  const { people } = population;
  const mean = (people.length * options.incidence) / PER_PEOPLE;
  const ill = new Set<number>();
  const cases: Case[] = [];
  for (let day = -ONSETS_BEFORE_DAYS; day < options.days + INFECTIOUS.beforeOnsetDays; day++) {
    const count = Math.min(random.poisson(mean), people.length - ill.size);
    for (let n = 0; n < count; n++) {
      let id = random.below(people.length);
      while (ill.has(id)) id = (id + 1) % people.length;
      ill.add(id);
      const onset = dayStart(day) + random.below(SECONDS_PER_DAY);
      const swabDays = random.between(SWAB_AFTER_ONSET_DAYS.min, SWAB_AFTER_ONSET_DAYS.max);
      const swab = Math.floor(onset + swabDays * SECONDS_PER_DAY);
      const result = Math.floor(swab + options.testDelay * SECONDS_PER_HOUR * random.between(0.5, 1.5));
      const at = uploadTime(result, random);
      const shares = random.chance(options.sharing) && people[id]!.phone !== null;
      cases.push({
        person: id,
        onset,
        swab,
        result,
        infectiousFrom: onset - INFECTIOUS.beforeOnsetDays * SECONDS_PER_DAY,
        infectiousTo: onset + INFECTIOUS.afterOnsetDays * SECONDS_PER_DAY,
        upload: shares ? shared(beaconOf(id), at, onset) : null,
      });
    }
  }
  return cases.toSorted((a, b) => a.onset - b.onset);
}
