/** @module Dates that come with a verification code: when symptoms began, when the test was (docs/spec/google.md §5.4). */
import { SECONDS_PER_DAY } from '../protocol/gaen/intervals.ts';

/** `AllowedSymptomAge`. */
const MAX_AGE_DAYS = 28;
const MAX_OFFSET_MINUTES = 1_440;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

export interface CodeDates {
  /** UTC days since the Unix epoch. */
  readonly symptomDay: number | null;
  readonly testDay: number | null;
}

/** What was said. */
export interface SaidDates {
  /** YYYY-MM-DD; null or empty: not said. */
  readonly symptomDate: string | null;
  readonly testDate: string | null;
  /** Minutes east of UTC; below 0 a date may be one day older, since it is still yesterday there. */
  readonly tzOffset: number;
}

/** @param day since the Unix epoch @returns YYYY-MM-DD, or an empty text for null, as Google's server writes it */
export const codeDate = (day: number | null): string =>
  day === null ? '' : new Date(day * SECONDS_PER_DAY * 1000).toISOString().slice(0, 10);

/** @param today UTC day @returns the days, or which rule is broken */
export function readCodeDates(said: SaidDates, today: number): CodeDates | 'missing_date' | 'invalid_date' {
  const { symptomDate, testDate, tzOffset } = said;
  if ((symptomDate ?? '') === '' && (testDate ?? '') === '') return 'missing_date';
  if (!Number.isInteger(tzOffset) || Math.abs(tzOffset) > MAX_OFFSET_MINUTES) return 'invalid_date';
  const oldest = today - MAX_AGE_DAYS - (tzOffset < 0 ? 1 : 0);
  const days = [symptomDate, testDate].map((date) => dayIn(date ?? '', oldest, today));
  const [symptomDay = null, testDay = null] = days;
  return days.includes(undefined) ? 'invalid_date' : { symptomDay, testDay };
}

/** @returns null: not said; undefined: no date, or out of range */
function dayIn(date: string, oldest: number, today: number): number | null | undefined {
  if (date === '') return null;
  const day = DATE.test(date) ? Date.parse(`${date}T00:00:00Z`) / (SECONDS_PER_DAY * 1000) : Number.NaN;
  // The 31st of June is read as the 1st of July.
  return day >= oldest && day <= today && codeDate(day) === date ? day : undefined;
}
