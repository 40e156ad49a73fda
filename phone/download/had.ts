/**
 * @module What a phone remembers of the days and hours it has (docs/architecture.md §6): a day counts as had when all its hours
 * or all files of one cut were fetched, and a later cut is a subset, so it is never fetched again. What is revoked later reaches it as a
 * small file of its own, and which of those it needs is known by the oldest of the files it fetched (decision 043).
 */
import { dateOfHour, type HourNumber, hourOfDay, type UtcDate } from '../../protocol/gaen/intervals.ts';
import type { ChunkEntry, RevocationEntry } from '../../protocol/index/manifest.ts';

/** One UTC day, as far as the phone has it. */
interface DayRecord {
  /** All keys of the day were fetched; the other members are then empty. */
  readonly complete: boolean;
  /** Hours of the day, 0..23 ascending, that were fetched whole, or that are known to hold nothing. */
  readonly hours: readonly number[];
  /** Names (base64url SHA-256) of files fetched of an hour or a cut that isn't whole yet. */
  readonly files: readonly string[];
  /**
   * All files that were fetched of this day are without what was revoked up to this hour; null: none was fetched. Left out by phones that
   * knew no revocations: anything may be in what they fetched.
   */
  readonly without?: HourNumber | null;
  /** Hours of later revocations that were fetched since, and handed on. */
  readonly revoked?: readonly HourNumber[];
  /** Hours whose lists of other report types were fetched and handed on since the last file of keys was. */
  readonly revised?: readonly HourNumber[];
}

/** By UTC day. */
export type Had = Readonly<Record<UtcDate, DayRecord>>;

const HOURS_PER_DAY = 24;
const NOTHING: DayRecord = { complete: false, hours: [], files: [], without: null, revoked: [] };
/** Before every hour: of a file that says nothing of revocations. */
export const NO_HOUR: HourNumber = -1;

function recordOf(had: Had, date: UtcDate): DayRecord {
  return had[date] ?? NOTHING;
}

/**
 * @param had what the phone has
 * @param date UTC day
 * @returns whether nothing of that day needs to be fetched
 */
export function isDayHad(had: Had, date: UtcDate): boolean {
  return recordOf(had, date).complete;
}

/**
 * @param had what the phone has
 * @param hour hours since the epoch
 * @returns whether nothing of that hour needs to be fetched
 */
export function isHourHad(had: Had, hour: HourNumber): boolean {
  const record = recordOf(had, dateOfHour(hour));
  return record.complete || record.hours.includes(hourOfDay(hour));
}

/**
 * @param had what the phone has
 * @param date UTC day the file belongs to
 * @param name base64url SHA-256 of the file
 * @returns whether that very file was fetched
 */
export function isFileHad(had: Had, date: UtcDate, name: string): boolean {
  const record = recordOf(had, date);
  return record.complete || record.files.includes(name);
}

/**
 * @param had what the phone has
 * @param date a day of which everything was fetched
 * @returns the same with that day
 */
export function withDay(had: Had, date: UtcDate): Had {
  return { ...had, [date]: completed(recordOf(had, date)) };
}

/** What was fetched of the day stays known: a revocation may come. */
function completed(record: DayRecord): DayRecord {
  return { ...record, complete: true, hours: [], files: [] };
}

/**
 * @param had what the phone has
 * @param date UTC day the file belongs to
 * @param name base64url SHA-256 of a file that was fetched and handed on
 * @returns the same with that file
 */
export function withFile(had: Had, date: UtcDate, name: string): Had {
  const record = recordOf(had, date);
  if (record.complete || record.files.includes(name)) return had;
  return { ...had, [date]: { ...record, files: [...record.files, name] } };
}

/**
 * To be stored before a file's keys are handed on: a phone that dies in between may have matched them, and another file may stand in its
 * place by then.
 *
 * @param had what the phone has
 * @param date UTC day the file belongs to
 * @param without the hour up to which it is without what was revoked, {@link NO_HOUR} for none
 * @returns the same, if nothing changes; what was revoked later must be fetched, once more if it was: it may concern this file
 */
export function withKeysOf(had: Had, date: UtcDate, without: HourNumber): Had {
  const record = recordOf(had, date);
  const { without: before = NO_HOUR, revoked = [], revised = [] } = record;
  const kept = revoked.filter((hour) => hour <= without);
  if (before !== null && before <= without && kept.length === revoked.length && revised.length === 0) return had;
  const noted = { ...record, without: Math.min(before ?? without, without), revoked: kept };
  return { ...had, [date]: revised.length === 0 ? noted : { ...noted, revised: [] } };
}

/** What a manifest lists of a revocation. */
type Revocation = Pick<RevocationEntry, 'hour' | 'days' | 'reportType'>;

/**
 * @param had what the phone has
 * @param revocation as listed
 * @returns whether keys of it may be among what the phone fetched
 */
export function needsRevocation(had: Had, { hour, days, reportType }: Revocation): boolean {
  return days.some((date) => {
    const record = had[date];
    if (record === undefined) return false;
    const { without = NO_HOUR, revoked = [], revised = [] } = record;
    // Any file of the day has keys that only got another report type.
    if (reportType !== undefined) return without !== null && !revised.includes(hour);
    return without !== null && without < hour && !revoked.includes(hour);
  });
}

/**
 * @param had what the phone has
 * @param revocation whose files were all fetched and handed on
 * @returns the same with it, for the days of which anything was fetched
 */
export function withRevocation(had: Had, revocation: Revocation): Had {
  const { hour, days, reportType } = revocation;
  const list = reportType === undefined ? 'revoked' : 'revised';
  const concerned = days.filter((date) => needsRevocation(had, { ...revocation, days: [date] }));
  const noted = concerned.map((date) => {
    const record = recordOf(had, date);
    return [date, { ...record, [list]: [...(record[list] ?? []), hour] }] as const;
  });
  return { ...had, ...Object.fromEntries(noted) };
}

/**
 * @param had what the phone has
 * @param hours hours that were fetched whole, or that hold nothing
 * @param files names of files of those hours, which need no longer be remembered
 * @returns the same with those hours; a day of which this was the last hour is complete
 */
export function withHours(had: Had, hours: readonly HourNumber[], files: readonly string[] = []): Had {
  let next = had;
  for (const hour of hours) {
    const date = dateOfHour(hour);
    const record = recordOf(next, date);
    if (record.complete) continue;
    const all = [...new Set([...record.hours, hourOfDay(hour)])].toSorted((a, b) => a - b);
    const left = record.files.filter((name) => !files.includes(name));
    const noted = { ...record, hours: all, files: left };
    next = { ...next, [date]: all.length === HOURS_PER_DAY ? completed(record) : noted };
  }
  return next;
}

/** @param had what the phone has @param date a day whose package is revoked @returns the same without that day: it is fetched again */
export function withoutDay(had: Had, date: UtcDate): Had {
  return Object.fromEntries(Object.entries(had).filter(([day]) => day !== date));
}

/** @param had what the phone has @param hour one whose package is revoked @returns the same without that hour: it is fetched again */
export function withoutHour(had: Had, hour: HourNumber): Had {
  const date = dateOfHour(hour);
  const record = recordOf(had, date);
  const hours = record.complete ? Array.from({ length: HOURS_PER_DAY }, (_, i) => i) : record.hours;
  const left = hours.filter((other) => other !== hourOfDay(hour));
  return { ...had, [date]: { ...record, complete: false, hours: left } };
}

/**
 * Lists of hours have no gaps (hours are sealed in order), so hours of a day before its first listed one never were:
 * the deployment began later that day. Without this a phone that has all hours of its first day would fetch the day
 * too.
 *
 * @param had what the phone has
 * @param listed all hours listed of one UTC day, not empty
 * @returns the same with the hours before the first listed one
 */
function withoutHoursBefore(had: Had, listed: readonly HourNumber[]): Had {
  const first = Math.min(...listed);
  return withHours(
    had,
    Array.from({ length: hourOfDay(first) }, (_, i) => first - 1 - i),
  );
}

/**
 * @param had what the phone has
 * @param oldest first day that is still listed
 * @returns the same without days before it: they will never be listed again
 */
export function prunedHad(had: Had, oldest: UtcDate): Had {
  return Object.fromEntries(Object.entries(had).filter(([date]) => date >= oldest));
}

/**
 * @param value what was read from disk
 * @returns whether it is a {@link Had}
 */
export function isHad(value: unknown): value is Had {
  return isRecord(value) && Object.values(value).every(isDayRecord);
}

function isDayRecord(value: unknown): boolean {
  return (
    isRecord(value) &&
    typeof value['complete'] === 'boolean' &&
    isArrayOf(value['hours'], (hour) => Number.isInteger(hour)) &&
    isArrayOf(value['files'], (name) => typeof name === 'string') &&
    (value['without'] === undefined || value['without'] === null || Number.isInteger(value['without'])) &&
    ['revoked', 'revised'].every(
      (list) => value[list] === undefined || isArrayOf(value[list], (hour) => Number.isInteger(hour)),
    )
  );
}

function isArrayOf(value: unknown, is: (member: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every((member: unknown) => is(member));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @param had what the phone has
 * @param listed chunks of all hours so far of one day
 * @returns the same with hours that need no download: those before the first one listed, and those without keys
 */
export function withHoursKnown(had: Had, listed: readonly ChunkEntry[]): Had {
  const hours = listed.flatMap(({ hour }) => (hour === undefined ? [] : [hour]));
  if (hours.length === 0) return had;
  const empty = listed.flatMap((chunk) => (chunk.empty === true && chunk.hour !== undefined ? [chunk.hour] : []));
  return withHours(withoutHoursBefore(had, hours), empty);
}
