/**
 * @module What a publisher of a simulation is told, and what an oracle sees of its chunks (timeline.ts).
 */
import type { HourNumber, UtcDate } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';

/** A chunk as an oracle sees it. */
export interface ListedChunk {
  readonly date: UtcDate;
  readonly hour: HourNumber | null;
  readonly of: number;
  /** What the files of one cut have in common. */
  readonly cut: UtcDate | null;
}

export interface TimelineOptions {
  readonly firstHour: HourNumber;
  readonly hours: number;
  readonly maxKeysPerFile: number;
  /** Hours after midnight at which a day's chunk replaces its hours; today's publisher needs none. */
  readonly cutDelayHours: number;
  /** Seconds from the end of an hour to its publication, less than an hour. */
  readonly lagSeconds: number;
  /** Hours for which the publisher stands still, and then catches up. */
  readonly outage?: { readonly from: HourNumber; readonly to: HourNumber };
  readonly keysOf: (hour: HourNumber) => readonly TemporaryExposureKey[];
  /** Keys of hours before, which are taken back in this one. */
  readonly revokedIn?: (hour: HourNumber) => readonly TemporaryExposureKey[];
}

/** What a manifest lists: every published hour of a span. Keys are named when somebody asks (a set each hour would hold most of them 336 times). */
export interface Listing {
  readonly from: number;
  readonly firstHour: HourNumber;
  readonly throughHour: HourNumber;
}
