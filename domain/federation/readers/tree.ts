/**
 * @module Corona-Warn-App's tree (docs/spec/cwa.md §1.4), whose files are named in lists that nobody signed. What is fetched is signed all the same; that something is withheld can't be noticed by the lists.
 */
import type { ExportHeader } from '../../../protocol/export/export-file.ts';
import { MAX_ZIP_BYTES } from '../../../protocol/export/export-reader.ts';
import {
  hourStart,
  isUtcDate,
  SECONDS_PER_DAY,
  SECONDS_PER_HOUR,
  startOfDate,
  hourOf,
} from '../../../protocol/gaen/intervals.ts';
import { dateIndexPath, dayPath, hourIndexPath, hourPath } from '../../../protocol/index/cwa-tree.ts';
import { err, ok, type Result } from '../../../protocol/primitives/result.ts';
import { batchOf } from './export.ts';
import { get, type FeedReader, type ReadBatch, type ReadFault, type ReadPorts } from './reader.ts';

/** Of 14 days of hours, with room. */
const MAX_LIST_BYTES = 262_144;
/** Behind every hour of a day: its package has all of them. */
const WHOLE_DAY = 24;

/** Reads the tree of the peer's own country: its hours, and the day's package in place of hours that are gone. */
export const cwaReader: FeedReader = {
  async following(last, ports) {
    const country = ports.config.RegionID;
    const listed = await list(ports, `/${dateIndexPath(country)}`);
    if (!listed.ok) return listed;
    const days = listed.value
      .filter((day) => typeof day === 'string')
      .filter(isUtcDate)
      .toSorted();
    // A day to come would be read in its turn, and every real one would be behind it from then on.
    const isKnown = (day: string): boolean => startOfDate(day) <= ports.now();
    if (days.length < listed.value.length || !days.every(isKnown))
      return err({ kind: 'format', what: 'a day of the list' });
    const had = last === null ? null : placeOf(last);
    if (had !== null && days.length > 0 && days.at(-1)! < dayBefore(had.date)) {
      return err({ kind: 'rewound', what: days.at(-1)! });
    }
    const none = ok({ batch: null, recommendedNextPollTime: null });
    const whole = days.find((day) => had === null || day > had.date || (day === had.date && had.hour < WHOLE_DAY - 1));
    const found = whole === undefined ? await nextHour(ports, country, days.at(-1), had) : ok(whole);
    if (!found.ok) return found;
    if (found.value === null) return none;
    const batch = await this.batch(found.value, ports);
    return batch.ok ? ok({ batch: batch.value, recommendedNextPollTime: null }) : batch;
  },
  async batch(id, ports) {
    const { date, hour } = placeOf(id);
    const country = ports.config.RegionID;
    const isDay = hour === WHOLE_DAY;
    const start = isDay ? startOfDate(date) : hourStart(hourOf(startOfDate(date)) + hour);
    const window = { start, end: start + (isDay ? SECONDS_PER_DAY : SECONDS_PER_HOUR) };
    return readZip(id, `/${isDay ? dayPath(country, date) : hourPath(country, date, hour)}`, ports, window);
  },
};

/** @returns name of the first hour that isn't had, of the days that have no package yet; null: none */
async function nextHour(
  ports: ReadPorts,
  country: string,
  lastDay: string | undefined,
  had: { readonly date: string; readonly hour: number } | null,
): Promise<Result<string | null, ReadFault>> {
  const today = Math.floor(ports.now() / SECONDS_PER_DAY);
  for (const day of [today - 1, today]) {
    const date = new Date(day * SECONDS_PER_DAY * 1000).toISOString().slice(0, 10);
    if ((lastDay !== undefined && date <= lastDay) || (had !== null && date < had.date)) continue;
    const hours = await list(ports, `/${hourIndexPath(country, date)}`);
    if (!hours.ok) return hours;
    const after = had?.date === date ? had.hour : -1;
    const known = hours.value.filter(
      (hour) => Number.isInteger(hour) && (hour as number) >= 0 && (hour as number) < WHOLE_DAY,
    );
    const next = (known as number[]).toSorted((a, b) => a - b).find((hour) => hour > after);
    if (next !== undefined) return ok(`${date}/${next}`);
  }
  return ok(null);
}

/** @returns a JSON list; an empty one for a 404: no hour or day is there yet */
async function list(ports: ReadPorts, path: string): Promise<Result<readonly unknown[], ReadFault>> {
  const got = await get(ports, path, MAX_LIST_BYTES);
  if (!got.ok) return got;
  if (got.value.status === 404) return ok([]);
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(got.value.body));
    return Array.isArray(value) ? ok(value) : err({ kind: 'format', what: 'a list' });
  } catch {
    return err({ kind: 'format', what: 'a list' });
  }
}

/** `2020-11-26/7` is an hour, `2020-11-26` its day. */
function placeOf(id: string): { readonly date: string; readonly hour: number } {
  const [date = '', hour] = id.split('/');
  return { date, hour: hour === undefined ? WHOLE_DAY : Number(hour) };
}

const dayBefore = (date: string): string =>
  new Date((startOfDate(date) - SECONDS_PER_DAY) * 1000).toISOString().slice(0, 10);

async function readZip(
  id: string,
  path: string,
  ports: ReadPorts,
  window: { readonly start: number; readonly end: number },
): Promise<Result<ReadBatch, ReadFault>> {
  const got = await get(ports, path, MAX_ZIP_BYTES);
  if (!got.ok) return got;
  if (got.value.status === 404) return err({ kind: 'gap', what: id });
  const isOther = ({ startTimestamp, endTimestamp, region }: ExportHeader): string | null => {
    // What was signed for another hour or region is no answer to what was asked; a few seconds tell files of an hour apart.
    const isIt = startTimestamp === window.start && Math.abs(endTimestamp - window.end) < SECONDS_PER_HOUR / 2;
    return isIt && region === ports.config.RegionID ? null : 'keys of another hour or region';
  };
  return batchOf(ports, { id, zip: got.value.body, levels: true, isOther });
}
