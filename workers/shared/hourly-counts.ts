/**
 * @module Counts what went wrong with answers (docs/architecture.md §4.6: an overrun is a counted failure). Only real uploads can be late
 * or meet a neighbour out of reach, so a log line at that moment would tell when one came: the counts of an hour are written
 * when a later hour has begun, by whatever request comes first, and name nothing but event, hour and number.
 */

/** Counts per event and hour, kept in the isolate: a lower bound, since an isolate may end before it has reported. */
export interface HourlyCounts {
  /** @param event a fixed word @param hour hours since the Unix epoch */
  count(event: string, hour: number): void;
  /** Writes the counts of hours that are over. @param hour the running hour */
  report(hour: number): void;
}

/**
 * @param write takes one line, without anything that identifies anyone
 * @returns counts that start at zero
 */
export function createHourlyCounts(write: (line: string) => void): HourlyCounts {
  const hours = new Map<number, Map<string, number>>();
  return {
    count(event, hour) {
      const counts = hours.get(hour) ?? new Map<string, number>();
      hours.set(hour, counts.set(event, (counts.get(event) ?? 0) + 1));
    },
    report(hour) {
      for (const [past, counts] of hours) {
        if (past >= hour) continue;
        hours.delete(past);
        for (const [event, count] of counts) write(`${event} hour=${past} count=${count}`);
      }
    },
  };
}
