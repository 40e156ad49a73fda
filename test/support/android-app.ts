/**
 * @module What Corona-Warn-App's Android app sends, as its last release computes it (cwa-app-android, `submission/task/`,
 * read at 03b883065750b0f3d59ce66fb6636adee98a7016): levels and days since onset are found anew at each attempt from what the
 * person said once, and keys older than 14 days are left out then.
 */
import { INTERVALS_PER_DAY, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';

/** What the app asks about symptoms. A date is days since the Unix epoch. */
export type AndroidSymptoms =
  | { readonly onset: number }
  | 'last-seven-days'
  | 'one-to-two-weeks'
  | 'more-than-two-weeks'
  | 'no-date'
  | 'none'
  | 'not-said';

/** A key as the phone's history has it. */
export interface AndroidKey {
  readonly keyData: Uint8Array;
  readonly rollingStartIntervalNumber: number;
  readonly rollingPeriod: number;
}

/** `ExposureKeyHistoryCalculations.kt`: MAX_AGE_IN_DAYS. */
const OLDEST_DAYS = 14;

/** `TransmissionRiskVectorDeterminer.kt`: level by age in days. */
const LEVELS: Readonly<Record<Extract<AndroidSymptoms, string>, string>> = {
  'last-seven-days': '456777654321111',
  'one-to-two-weeks': '111123456677664',
  'more-than-two-weeks': '111111111112345',
  'no-date': '568887532111111',
  none: '443211111111111',
  'not-said': '567776432111111',
};
/** The same file's 21 vectors for a known date are one: level by days from the onset to the key, 6 after it .. 5 before it. */
const FIRST_EXACT = -5;
const EXACT_LEVELS = '246788865322';

/** `DaysSinceOnsetOfSymptomsVectorDeterminer.kt`: value of the day of the attempt, one less for each day of age. */
const ONSETS: Readonly<Record<Extract<AndroidSymptoms, string>, number>> = {
  'last-seven-days': 701,
  'one-to-two-weeks': 708,
  'more-than-two-weeks': 715,
  'no-date': 2000,
  none: 3000,
  'not-said': 4000,
};

/**
 * @param history the phone's keys, as they were read when the person agreed
 * @param symptoms what the person said
 * @param now Unix seconds of the attempt
 * @returns the keys of the payload, newest first
 */
export function androidKeys<K extends AndroidKey>(history: readonly K[], symptoms: AndroidSymptoms, now: number) {
  const today = Math.floor(now / SECONDS_PER_DAY);
  const ageOf = (key: AndroidKey): number => today - Math.floor(key.rollingStartIntervalNumber / INTERVALS_PER_DAY);
  return history
    .filter((key) => ageOf(key) >= 0 && ageOf(key) <= OLDEST_DAYS)
    .toSorted((a, b) => b.rollingStartIntervalNumber - a.rollingStartIntervalNumber)
    .map((key) => {
      const onset = (typeof symptoms === 'string' ? ONSETS[symptoms] : today - symptoms.onset) - ageOf(key);
      const level = typeof symptoms === 'string' ? LEVELS[symptoms][ageOf(key)] : EXACT_LEVELS[onset - FIRST_EXACT];
      return { ...key, transmissionRiskLevel: Number(level ?? '1'), daysSinceOnsetOfSymptoms: onset };
    });
}
