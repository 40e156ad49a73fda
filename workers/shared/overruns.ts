/**
 * @module Counts answers that missed their deadline (design.md §4.6). Only real uploads can be late, so a log line at the
 * moment of an overrun would tell when one came: the count of an hour is written when a later hour has begun, by
 * whatever request comes first, and names nothing but hour and number.
 */

/** A count per hour, kept in the isolate. */
export interface OverrunCounter {
  /** An answer left without its work being done. @param hour hours since the Unix epoch */
  count(hour: number): void;
  /** Writes the counts of hours that are over. @param hour the running hour */
  report(hour: number): void;
}

/**
 * @param write takes one line, without anything that identifies anyone
 * @returns a counter that starts at zero
 */
export function createOverrunCounter(write: (line: string) => void): OverrunCounter {
  const counts = new Map<number, number>();
  return {
    count(hour) {
      counts.set(hour, (counts.get(hour) ?? 0) + 1);
    },
    report(hour) {
      for (const [past, count] of counts) {
        if (past >= hour) continue;
        counts.delete(past);
        write(`answer-overruns hour=${past} count=${count}`);
      }
    },
  };
}
