/**
 * @module Five kinds of people: what their phones send, as raw keys that pass through the rules of `domain/keys`. The levels of
 * Corona-Warn-App's apps are those of corona-warn-app/cwa-app-android, TransmissionRiskVectorDeterminer (cwa-app-ios,
 * SymptomsOnset, has the same vectors); the answers' weights are assumptions, and not the profile's.
 */
import { SHAPE_DAYS, drawProfileShape } from '../../../domain/decoy-profile.ts';
import type { CheckedKey } from '../../../domain/keys/uploaded.ts';
import { below, chance, weighted, type RandomBytes } from '../../../domain/random.ts';
import { INTERVALS_PER_DAY, hourOfDay } from '../../../protocol/gaen/intervals.ts';

/** An upload, and how many hours after the first it is sent. */
export interface RawUpload {
  readonly delayHours: number;
  readonly keys: readonly CheckedKey[];
}

export interface Population {
  readonly name: string;
  /** @param hour of the first upload (hours since the Unix epoch) @returns a person's uploads */
  readonly person: (random: RandomBytes, hour: number) => RawUpload[];
}

/** Value for the day of the upload in CWA's scale: onset 0..7 days ago, or one of the six other answers. */
const ANSWERS = [701, 708, 715, 2000, 3000, 4000];
const WEIGHTS = [10, 5, 2, 8, 15, 10];
const EXACT_WEIGHT = 50;
/** Where the apps' levels differ from the table that the server derives by (domain/keys/risk.ts). */
const APP_LEVELS: Readonly<Record<number, string>> = {
  701: '456777654321111',
  708: '111123456677664',
  715: '111111111112345',
};

function answer(random: RandomBytes): number {
  const n = weighted(random, [EXACT_WEIGHT, ...WEIGHTS]);
  return n === 0 ? below(random, 8) : ANSWERS[n - 1]!;
}

/** @returns the key that is `age` days old on the day of `hour`; the running day's is cut at the upload */
function key(random: RandomBytes, hour: number, age: number, level: number | null, onset: number): CheckedKey {
  return {
    keyData: random(16),
    rollingStartIntervalNumber: (Math.floor(hour / 24) - age) * INTERVALS_PER_DAY,
    rollingPeriod: age === 0 ? 1 + hourOfDay(hour) * 6 + below(random, 5) : INTERVALS_PER_DAY,
    transmissionRiskLevel: level,
    daysSinceOnsetOfSymptoms: onset,
  };
}

function ages(random: RandomBytes, youngest: number, gapPercent: number): number[] {
  const oldest = chance(random, 80) ? SHAPE_DAYS - 1 : 1 + below(random, SHAPE_DAYS - 2);
  const all = Array.from({ length: oldest + 1 - youngest }, (_, n) => youngest + n);
  return all.filter(() => !chance(random, gapPercent));
}

/** An app that sets the levels itself. */
function app(random: RandomBytes, hour: number, youngest: number, gapPercent: number): RawUpload[] {
  const today = answer(random);
  const levels = APP_LEVELS[today];
  const keys = ages(random, youngest, gapPercent).map((age) =>
    key(random, hour, age, levels === undefined ? null : Number(levels[age]), today - age),
  );
  return [{ delayHours: 0, keys }];
}

export const POPULATIONS: readonly Population[] = [
  {
    name: 'profile',
    person: (random, hour) => {
      const shape = drawProfileShape(random);
      const keys = [...shape].flatMap((level, age) => (level === 0 ? [] : [key(random, hour, age, level, 0)]));
      return [{ delayHours: 0, keys }];
    },
  },
  { name: 'CWA Android', person: (random, hour) => app(random, hour, chance(random, 90) ? 0 : 1, 0) },
  { name: 'CWA iOS', person: (random, hour) => app(random, hour, 1, 0) },
  {
    name: 'our phone, next-day key',
    person: (random, hour) => {
      const today = answer(random);
      const keys = ages(random, 1, 2).map((age) => key(random, hour, age, null, today - age));
      const later = 24 - hourOfDay(hour) + below(random, 1 + hourOfDay(hour));
      const next = key(random, hour + later, 1, null, today);
      return [
        { delayHours: 0, keys },
        { delayHours: later, keys: [next] },
      ];
    },
  },
  { name: '12 % gaps', person: (random, hour) => app(random, hour, chance(random, 50) ? 0 : 1, 12) },
];
