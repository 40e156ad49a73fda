/**
 * @module Which files of a manifest a phone still needs: pure (docs/architecture.md §6).
 */
import type { HourNumber, UtcDate } from '../../protocol/gaen/intervals.ts';
import type { ChunkEntry } from '../../protocol/index/manifest.ts';
import { type Had, isDayHad, isFileHad, isHourHad } from './had.ts';

/** What a manifest lists of one UTC day: around midnight both, else one of them. */
export interface DayOffer {
  readonly date: UtcDate;
  /** All files of one cut; empty while the day has none. */
  readonly dayChunks: readonly ChunkEntry[];
  /** Files of all its hours so far; empty once the day has replaced them. */
  readonly hourChunks: readonly ChunkEntry[];
}

/** Files that make an hour or a day complete. */
export interface Unit {
  /** null: the whole day. */
  readonly hour: HourNumber | null;
  /** Every file of it, so that they can be forgotten once it is complete. */
  readonly files: readonly string[];
  /** Those that must be fetched. */
  readonly missing: readonly ChunkEntry[];
}

/**
 * @param had what the phone has
 * @param offer what is listed of a day
 * @returns the units that the phone doesn't have, oldest first; those without missing files only need to be noted.
 *   Where a day is listed whole and in hours, whatever costs fewer bytes.
 */
export function missingUnits(had: Had, offer: DayOffer): Unit[] {
  if (isDayHad(had, offer.date)) return [];
  const hours = hourUnits(had, offer);
  if (offer.dayChunks.length === 0) return hours;
  const day = unitOf(had, offer.date, null, offer.dayChunks);
  return offer.hourChunks.length > 0 && bytesOf(hours) <= bytesOf([day]) ? hours : [day];
}

function hourUnits(had: Had, offer: DayOffer): Unit[] {
  const byHour = Map.groupBy(offer.hourChunks, ({ hour }) => hour);
  const units: Unit[] = [];
  for (const [hour, chunks] of byHour) {
    if (hour !== undefined && !isHourHad(had, hour)) units.push(unitOf(had, offer.date, hour, chunks));
  }
  return units;
}

function unitOf(had: Had, date: UtcDate, hour: HourNumber | null, chunks: readonly ChunkEntry[]): Unit {
  return {
    hour,
    files: chunks.map((chunk) => chunk.sha256),
    missing: chunks.filter((chunk) => chunk.empty !== true && !isFileHad(had, date, chunk.sha256)),
  };
}

function bytesOf(units: readonly Unit[]): number {
  return units.reduce((sum, { missing }) => missing.reduce((part, { size }) => part + size, sum), 0);
}
