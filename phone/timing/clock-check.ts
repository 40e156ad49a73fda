/**
 * @module Whether this phone's clock is right, by the `Date` of an answer (docs/decisions/034). A phone that doesn't ask takes its own
 * mistake for the server's: to a fast clock everything has expired, to a slow one nothing is new.
 */
import { SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';

/**
 * GAEN matches an identifier heard up to twelve intervals of ten minutes from its own (docs/spec/gaen.md §6.1): a clock that is further
 * off meets nobody. Corona-Warn-App's apps stop their calculation at the same bound (docs/spec/cwa.md §1.4).
 */
export const CLOCK_TOLERANCE_SECONDS = 2 * SECONDS_PER_HOUR;

/**
 * Some caches write `Date` anew and say how old their copy is all the same, others leave the origin's `Date`: the server's time lies
 * between `Date` and `Date` + `Age`, and only a clock outside is wrong.
 *
 * @param headers of any answer to a request just sent
 * @param now this phone's clock, Unix seconds
 * @returns seconds that it is ahead, or behind if negative; null: by no more than the tolerance, or the answer has no date
 */
export function clockError(headers: Headers, now: number): number | null {
  const date = Date.parse(headers.get('date') ?? '') / 1000;
  if (Number.isNaN(date)) return null;
  const age = /^\d{1,9}$/.exec(headers.get('age')?.trim() ?? '')?.[0] ?? '0';
  const error = now < date ? now - date : Math.max(0, now - date - Number(age));
  return Math.abs(error) > CLOCK_TOLERANCE_SECONDS ? Math.round(error) : null;
}

/**
 * @param errorSeconds see {@link clockError}
 * @returns one line for a person
 */
export function describeClockError(errorSeconds: number): string {
  const minutes = Math.round(Math.abs(errorSeconds) / 60);
  const size = `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const way = errorSeconds > 0 ? 'ahead of' : 'behind';
  return `this phone's clock is ${size} ${way} the server's; set it right, at most ${CLOCK_TOLERANCE_SECONDS / 3600} h are allowed`;
}
