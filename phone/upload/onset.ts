/**
 * @module Symptoms as Corona-Warn-App's apps write them into each key's days since onset (docs/spec/cwa.md §2.2, "client rule"): a
 * value for the day of the upload, less one for each day that a key is older.
 */
import { enIntervalNumber, INTERVALS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { OwnKey } from '../radio/tek-schedule.ts';
import type { SharedKey } from './upload-request.ts';

/** What the person says. */
export type Symptoms =
  /** Began so many days ago, 0..21. */
  | { readonly kind: 'days-ago'; readonly days: number }
  | { readonly kind: 'last-seven-days' }
  | { readonly kind: 'one-to-two-weeks' }
  | { readonly kind: 'more-than-two-weeks' }
  | { readonly kind: 'no-date' }
  | { readonly kind: 'none' }
  | { readonly kind: 'not-said' };

function valueToday(symptoms: Symptoms): number {
  switch (symptoms.kind) {
    case 'days-ago':
      return symptoms.days;
    case 'last-seven-days':
      return 701;
    case 'one-to-two-weeks':
      return 708;
    case 'more-than-two-weeks':
      return 715;
    case 'no-date':
      return 2000;
    case 'none':
      return 3000;
    case 'not-said':
      return 4000;
  }
}

/** Lowest value of CWA's encoding (docs/spec/cwa.md §2.1 rule 7). */
const LOWEST = -15;

/**
 * @param keys own keys
 * @param symptoms what the person says, as of today
 * @param now Unix seconds
 * @returns the keys as they are shared; the risk level is left to the server, which derives it from the onset
 */
export function withOnset(keys: readonly OwnKey[], symptoms: Symptoms, now: number): SharedKey[] {
  const today = Math.floor(enIntervalNumber(now) / INTERVALS_PER_DAY);
  return keys.map((key) => {
    const age = today - Math.floor(key.rollingStartIntervalNumber / INTERVALS_PER_DAY);
    const daysSinceOnsetOfSymptoms = Math.max(LOWEST, valueToday(symptoms) - age);
    return { ...key, transmissionRiskLevel: null, daysSinceOnsetOfSymptoms };
  });
}
