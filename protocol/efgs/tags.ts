/**
 * @module Tags of the gateway's batches for download: `yyyyMMdd-N` (docs/spec/europe.md §3.5).
 */
import { isUtcDate, type UtcDate } from '../gaen/intervals.ts';

/** A tag taken apart. */
export interface BatchTag {
  /** The day on which the gateway made the batch. */
  readonly date: UtcDate;
  /** From 1, within its day. */
  readonly number: number;
}

/** Above any count of a day: a batch each 300 s are 288. */
const TAG = /^(\d{4})(\d{2})(\d{2})-([1-9]\d{0,5})$/;

/** @param text a header's value @returns its parts, or null when it is no tag */
export function readTag(text: string): BatchTag | null {
  const [, year = '', month = '', day = '', number = ''] = TAG.exec(text) ?? [];
  const date = `${year}-${month}-${day}`;
  return isUtcDate(date) ? { date, number: Number(number) } : null;
}

/** @param date `YYYY-MM-DD` @param number from 1 @returns the tag */
export function tagOf(date: UtcDate, number: number): string {
  return `${date.replaceAll('-', '')}-${number}`;
}

/** @param first a tag @param second a tag @returns whether the second was made after the first; false when either is no tag */
export function isLaterTag(first: string, second: string): boolean {
  const [a, b] = [readTag(first), readTag(second)];
  if (a === null || b === null) return false;
  return b.date > a.date || (b.date === a.date && b.number > a.number);
}
