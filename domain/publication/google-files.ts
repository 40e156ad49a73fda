/**
 * @module Files of Google's view (docs/decisions/068): one window of four hours of a UTC day after the other, each with its keys, and in files of their own what was said anew of older ones.
 *
 * Its clients remember names (docs/spec/google.md §3.6), as a set or the last one. So a file keeps its name for as long as it is listed, and a day never takes the place of its windows: whoever
 * has a line downloads nothing of it again. What leaves or is taken back goes from the bytes under the name. And each key keeps its file: who downloads two files, one before and one after a
 * cut, misses none. So files are told apart by parts of records (hour, leaving day, number), whose counts are known without a read.
 */
import { hourEnd, hourStart, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { GOOGLE_WINDOW_HOURS as WINDOW_HOURS, googleFilePath } from '../../protocol/index/google-index.ts';
import type { EventOf, SealedFile } from '../event-log/entry.ts';
import { GRACE_SECONDS, type BuiltFile, type ObjectMeta } from './built-file.ts';
import { dayOfSealing } from './head.ts';
import { takenRecord, wholeRecord, type RunSource } from './record-merge.ts';
import { takenUpTo, type PartTaken, type RecordBook, type RecordPart, type SetRecord } from './record.ts';
import { takenAgain } from './revoked-rows.ts';

const HOURS_A_DAY = 24;

/** What was made of a day. */
export type ExportedDay = Pick<EventOf<'exported'>, 'region' | 'day' | 'periods'>;
/** One window of it. */
export type ExportedWindow = ExportedDay['periods'][number];
/** One file of a window. */
export type GoogleFile = ExportedWindow['files'][number];
type Holds = GoogleFile['holds'];
type Place = NonNullable<GoogleFile['from']>;

/** Google's own (docs/spec/google.md §3.6). Not immutable, since a cut replaces the bytes; `cacheExpiry` ends a copy with the grace after the midnight of the next. */
const ZIP_CACHE_CONTROL = 'public, max-age=86400';
/** @returns first hours of the windows of a day that have ended once `through` is sealed, ascending */
export function windowsOf(day: number, through: number): number[] {
  const count = HOURS_A_DAY / WINDOW_HOURS;
  return Array.from({ length: count }, (_, n) => day * HOURS_A_DAY + n * WINDOW_HOURS).filter(
    (first) => lastHour(first) <= through,
  );
}

/** @param first hour of a window @returns its last */
const lastHour = (first: number): number => first + WINDOW_HOURS - 1;

const hoursFrom = (first: number): number[] => Array.from({ length: WINDOW_HOURS }, (_, n) => first + n);

/** @param first hour of a window @returns the records of its hours */
function recordsOf({ recordOf }: RecordBook, first: number): SetRecord[] {
  return hoursFrom(first).flatMap((hour) => recordOf(hour) ?? []);
}

/** Rows of one part of a record. */
interface Cell {
  readonly place: Place;
  readonly keys: number;
}

/** A window as it is at one instant. */
export interface WindowState {
  readonly region: string;
  /** First hour. */
  readonly first: number;
  /** The last hour written: nothing that was taken back up to it is in `keys`, and nothing that has left. */
  readonly through: number;
}

function compare(a: Place, b: Place): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

const placeOf = (of: number, { day, n }: RecordPart): Place => [of, day, n];

/** @returns parts that a window's files hold rows of, ascending, with the region's number of them */
function cellsOf(book: RecordBook, { region, first, through }: WindowState, holds: Holds): Cell[] {
  const cut = dayOfSealing(through);
  const cells = takenFrom(book, first, holds).flatMap(({ record, hours }) =>
    record.parts
      .filter(({ day }) => day > cut)
      .map((part) => {
        const keys =
          holds === 'keys'
            ? (part.regionKeys[region] ?? 0) - rowsOf(takenUpTo(part, through), region)
            : saidWith(part, hours, region, through);
        return { place: placeOf(record.hour, part), keys };
      }),
  );
  return cells.filter(({ keys }) => keys > 0).toSorted((a, b) => compare(a.place, b.place));
}

const rowsOf = (taken: readonly PartTaken[], region: string): number =>
  taken.reduce((sum, { regionKeys }) => sum + (regionKeys[region] ?? 0), 0);

/** @returns of a part's rows those that are said to be otherwise with these hours: taken back, or said anew and not taken back up to `through` */
function saidWith(part: RecordPart, hours: readonly number[], region: string, through: number): number {
  const own = (part.taken ?? []).filter(({ hour }) => hours.includes(hour));
  return own.reduce((sum, one) => sum - takenAgain(part, one, region, through), rowsOf(own, region));
}

/** @returns records that a window's files hold rows of, each once, and with which hours they were taken back, where that is what the files say */
function takenFrom(book: RecordBook, first: number, holds: Holds): { record: SetRecord; hours: readonly number[] }[] {
  if (holds === 'keys') return recordsOf(book, first).map((record) => ({ record, hours: [] }));
  const hours = hoursFrom(first);
  const touched = new Set(hours.flatMap((hour) => book.takenWith(hour)));
  return [...touched].flatMap((of) => {
    const record = book.recordOf(of);
    return record === null ? [] : [{ record, hours: hours.filter((hour) => book.takenWith(hour).includes(of)) }];
  });
}

/**
 * @param max rows of a file; one part alone may have more
 * @returns the first place of each file, the first one null: about as many rows each, none for no rows
 */
function divide(cells: readonly Cell[], max: number): (Place | null)[] {
  const total = cells.reduce((sum, { keys }) => sum + keys, 0);
  let files = Math.ceil(total / max);
  while (files > 0) {
    const starts = evenly(cells, total, files);
    const sizes = starts.map(({ at }, n) => {
      return cells.slice(at, starts[n + 1]?.at).reduce((sum, { keys }) => sum + keys, 0);
    });
    if (files >= cells.length || sizes.every((size) => size <= max)) {
      return starts.map(({ at }) => (at === 0 ? null : cells[at]!.place));
    }
    files += 1;
  }
  return [];
}

function evenly(cells: readonly Cell[], total: number, files: number): { readonly at: number }[] {
  const starts = [{ at: 0 }];
  let sum = 0;
  for (const [at, { keys }] of cells.entries()) {
    // A part goes where its middle lies.
    if (at > 0 && sum + keys / 2 >= (starts.length * total) / files) starts.push({ at });
    sum += keys;
  }
  return starts;
}

/** A file that is to be made, or has lost its last row. */
export interface PlannedFile extends Omit<GoogleFile, 'file'> {
  readonly keys: number;
  readonly end: number;
  readonly sources: readonly RunSource[];
}

/**
 * @param former what the window's files are told apart by; null: it is divided now
 * @param max rows of a file
 * @returns its files, those without a row among them
 */
export function planWindow(
  book: RecordBook,
  state: WindowState,
  former: readonly Omit<GoogleFile, 'file'>[] | null,
  max: number,
): PlannedFile[] {
  const cells = { keys: cellsOf(book, state, 'keys'), revised: cellsOf(book, state, 'revised') };
  const files = former ?? divided(cells, max);
  return files.map(({ n, holds, from }) => {
    const to = files.find((next) => next.holds === holds && next.n === n + 1)?.from ?? null;
    const isOwn = (place: Place): boolean =>
      (from === null || compare(place, from) >= 0) && (to === null || compare(place, to) < 0);
    return {
      n,
      holds,
      from,
      keys: cells[holds].reduce((sum, { place, keys }) => sum + (isOwn(place) ? keys : 0), 0),
      // Android takes two files with the same start, end and batch for one: n seconds tell them apart (docs/spec/google.md §3.4).
      end: hourEnd(lastHour(state.first)) + (files.length > 1 ? n : 0),
      sources: sourcesOf(book, state, holds).flatMap((source) => within(source, isOwn)),
    };
  });
}

function divided(cells: Readonly<Record<Holds, readonly Cell[]>>, max: number): Omit<GoogleFile, 'file'>[] {
  const files = (['keys', 'revised'] as const).flatMap((holds) =>
    divide(cells[holds], max).map((from) => ({ holds, from })),
  );
  return files.map((file, index) => ({ n: index + 1, ...file }));
}

function sourcesOf(book: RecordBook, { first, through }: WindowState, holds: Holds): RunSource[] {
  const cut = dayOfSealing(through);
  return takenFrom(book, first, holds).flatMap(({ record, hours }) =>
    holds === 'keys'
      ? wholeRecord(record, cut, through)
      : hours.flatMap((hour) => takenRecord(record, cut, hour).map((source) => saidUntil(source, through))),
  );
}

/** A file says one thing of a key: what was said anew of one that was taken back since, if in the same window, isn't said. */
function saidUntil(source: RunSource, through: number): RunSource {
  return source.taken.kind === 'revised' ? { ...source, taken: { ...source.taken, through } } : source;
}

/** @returns whether keys of a window were taken back after the hour `after`, up to `through`: its own, or those of which it says something anew */
export function isTakenSince(book: RecordBook, first: number, after: number, through: number): boolean {
  return (['keys', 'revised'] as const).some((holds) =>
    takenFrom(book, first, holds).some(({ record, hours }) =>
      record.parts.some((part) =>
        takenUpTo(part, through).some(
          ({ hour, again = {} }) => hour > after && (holds === 'keys' || hours.some((said) => said in again)),
        ),
      ),
    ),
  );
}

/** @returns the rows of a source that lie in such places: those of one run of its day's parts */
function within(source: RunSource, isOwn: (place: Place) => boolean): RunSource[] {
  let [at, from, to] = [0, -1, -1];
  for (const part of source.record.parts.filter(({ day }) => day === source.day)) {
    if (isOwn(placeOf(source.record.hour, part))) {
      if (from < 0) from = at;
      to = at + part.rows;
    }
    at += part.rows;
  }
  return from < 0 ? [] : [{ ...source, from, to }];
}

/** @returns midnights at which rows of a window's files leave, in whatever region */
export function leavingDays(book: RecordBook, first: number): number[] {
  const days = (['keys', 'revised'] as const).flatMap((holds) =>
    takenFrom(book, first, holds).flatMap(({ record }) => record.parts.map(({ day }) => day)),
  );
  return [...new Set(days)];
}

/**
 * @returns headers of a window's files: Unix seconds of their end are those of the next cut, or of the day's, and the grace
 */
export function googleZipMeta(
  book: RecordBook,
  { first, through }: WindowState,
  file: BuiltFile,
  retentionDays: number,
): ObjectMeta {
  const cut = dayOfSealing(through);
  const last = Math.floor(first / HOURS_A_DAY) + retentionDays + 1;
  const next = Math.min(last, ...leavingDays(book, first).filter((day) => day > cut));
  return {
    contentType: 'application/zip',
    cacheControl: ZIP_CACHE_CONTROL,
    expires: next * SECONDS_PER_DAY + GRACE_SECONDS,
    custom: file.identity,
  };
}

/** @returns object key of a file of a window */
export function googleFileKey(region: string, first: number, n: number): string {
  return googleFilePath(region, { start: hourStart(first), end: hourEnd(lastHour(first)), n });
}

/** @param days of one region @returns object keys of the files that hold a row, with what was sealed */
export function googleFilesOf(days: readonly ExportedDay[]): { readonly key: string; readonly file: SealedFile }[] {
  return days.flatMap(({ region, periods }) =>
    periods.flatMap(({ hour, files }) =>
      files.flatMap(({ n, file }) => (file === null ? [] : [{ key: googleFileKey(region, hour, n), file }])),
    ),
  );
}

/** @param throughHour of a publication @returns the days whose windows it lists, first and last */
export function listedGoogleDays(throughHour: number, retentionDays: number): { first: number; last: number } {
  const today = dayOfSealing(throughHour);
  return { first: today - retentionDays, last: today };
}
