/**
 * @module Which rows CWA's tree has yet to show (hour-ops.ts), from what the log says that it showed. Rows are read only where an hour was shown in
 * parts, which a deployment below `CWA_MAX_KEYS` keys a day never does.
 */
import type { RunSource } from '../../../domain/publication/record-merge.ts';
import { rowsByDay, type SetRecord } from '../../../domain/publication/record.ts';
import type { RegionHour, SealedHour } from '../model.ts';
import { mergeOf } from '../chunk-files.ts';
import type { Publication } from '../publication.ts';

/** What was taken back up to now is never shown any more. */
const EVERYTHING_TAKEN = { kind: 'without', through: Infinity } as const;

/** Rows of a record that were shown, by leaving day. */
export interface Backlog {
  readonly hour: number;
  readonly offsets: Readonly<Record<number, number>>;
}

/**
 * @param written the region's hours, ascending
 * @param hours with their records
 * @param logged midnight of the last checkpoint: parts of its day and before may be gone
 * @returns hours that have rows left to show, ascending
 */
export async function backlogOf(
  p: Publication,
  region: string,
  written: readonly RegionHour[],
  hours: readonly SealedHour[],
  logged: number,
): Promise<Backlog[]> {
  const records = new Map(hours.flatMap(({ hour, record }) => (record === null ? [] : [[hour, record] as const])));
  const whole = new Set<number>();
  const shown = new Map<number, Record<number, number>>();
  for (const { cwa } of written) {
    for (const { hour, ranges } of cwa.slices) {
      if (ranges === null) whole.add(hour);
      else shown.set(hour, { ...shown.get(hour), ...toOf(ranges) });
    }
  }
  const backlog: Backlog[] = [];
  for (const { hour } of written) {
    const record = records.get(hour);
    if (record === undefined || whole.has(hour) || (record.regionKeys[region] ?? 0) === 0) continue;
    const offsets = shown.get(hour) ?? {};
    if (await hasMore(p, region, record, offsets, logged)) backlog.push({ hour, offsets });
  }
  return backlog;
}

function toOf(ranges: Readonly<Record<number, { readonly to: number }>>): Record<number, number> {
  return Object.fromEntries(Object.entries(ranges).map(([day, { to }]) => [Number(day), to]));
}

/** @returns whether a row of the region is left */
async function hasMore(
  p: Publication,
  region: string,
  record: SetRecord,
  offsets: Readonly<Record<number, number>>,
  logged: number,
): Promise<boolean> {
  const sources: RunSource[] = [...rowsByDay(record)].flatMap(([day, rows]) =>
    day > logged ? [{ record, day, from: offsets[day] ?? 0, to: rows, taken: EVERYTHING_TAKEN }] : [],
  );
  const merge = mergeOf(p, region, sources);
  const left = await merge.take(1, () => {});
  merge.close();
  return left > 0;
}
