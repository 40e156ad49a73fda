/**
 * @module The day on which the service ends, as phones are told it (docs/sunset.md): an app feature, which every reader of a parameter document takes
 * and one that doesn't know its label ignores, Corona-Warn-App's apps among them.
 */
import { isUtcDate, type UtcDate } from '../gaen/intervals.ts';

/** Its value is the day as a number, 20270131. */
export const END_OF_SERVICE_LABEL = 'service-ends';

interface Feature {
  readonly label: string;
  readonly value: number;
}

/** @param features of a parameter document @returns the last UTC day of the service, or null: none is announced */
export function endOfService(features: readonly Feature[]): UtcDate | null {
  const value = features.find(({ label }) => label === END_OF_SERVICE_LABEL)?.value;
  const date = String(value ?? '').replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3');
  return isUtcDate(date) ? date : null;
}

/** @param features of a parameter document @param date the last UTC day of the service @returns them, with that day */
export function withEndOfService<F extends Feature>(features: readonly F[], date: UtcDate): (F | Feature)[] {
  const others = features.filter(({ label }) => label !== END_OF_SERVICE_LABEL);
  return [...others, { label: END_OF_SERVICE_LABEL, value: Number(date.replaceAll('-', '')) }];
}
