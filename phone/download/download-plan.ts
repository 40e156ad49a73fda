/**
 * @module Which files of a manifest a phone still needs: pure (docs/architecture.md §6).
 */
import {
  dateOf,
  dateOfHour,
  type HourNumber,
  SECONDS_PER_DAY,
  startOfDate,
  type UtcDate,
} from '../../protocol/gaen/intervals.ts';
import type { ChunkEntry, DayPage, ManifestHead, PageEntry } from '../../protocol/index/manifest.ts';
import { type Had, NO_HOUR, isDayHad, isFileHad, isHourHad } from './had.ts';

/** What a manifest lists of one UTC day: around midnight both, else one of them. */
export interface DayOffer {
  readonly date: UtcDate;
  /** All files of one cut; empty while the day has none. */
  readonly dayChunks: readonly ChunkEntry[];
  /** Those are without what was revoked up to this hour; null: nothing is said of it. */
  readonly revised: HourNumber | null;
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

/**
 * @param offer what is listed of a day
 * @param chunk one of its files
 * @returns the hour up to which the file is without what was revoked: of a key that is revoked in some hour, only files of earlier hours tell
 */
export function fileWithout({ revised }: Pick<DayOffer, 'revised'>, chunk: ChunkEntry): HourNumber {
  return chunk.hour ?? revised ?? NO_HOUR;
}

function bytesOf(units: readonly Unit[]): number {
  return units.reduce((sum, { missing }) => missing.reduce((part, { size }) => part + size, sum), 0);
}

/**
 * @param head of the manifest
 * @param pages those of it that are needed
 * @returns days oldest first; a day that is in a page and in the head has both offers
 */
export function offersOf(head: ManifestHead, pages: readonly DayPage[]): DayOffer[] {
  const offers = new Map<UtcDate, DayOffer>();
  for (const { date, revised = null, chunks } of pages.flatMap((page) => page.days)) {
    offers.set(date, {
      date,
      revised,
      dayChunks: chunks.filter(({ hour }) => hour === undefined),
      hourChunks: chunks.filter(({ hour }) => hour !== undefined),
    });
  }
  for (const [date, hourChunks] of Map.groupBy(head.hours, ({ hour }) => dateOfHour(hour ?? 0))) {
    const { dayChunks = [], revised = null } = offers.get(date) ?? {};
    offers.set(date, { date, dayChunks, revised, hourChunks });
  }
  return [...offers.values()].toSorted((a, b) => (a.date < b.date ? -1 : 1));
}

/** @param page as the head names it @returns the days in it */
export function datesOf({ from, to }: PageEntry): UtcDate[] {
  const dates: UtcDate[] = [];
  for (let at = startOfDate(from); at <= startOfDate(to); at += SECONDS_PER_DAY) dates.push(dateOf(at));
  return dates;
}

/** @param head of the manifest @returns the first day that is still listed; what lies before will never be listed again */
export function oldestDate(head: ManifestHead): UtcDate {
  const dates = [...head.pages.map(({ from }) => from), ...head.hours.map(({ hour }) => dateOfHour(hour ?? 0))];
  return dates.reduce((oldest, date) => (date < oldest ? date : oldest), dateOf(head.issuedAt));
}
