/**
 * @module What hours set aside to go with keys that are taken back, or of which something is said anew (docs/decisions/040, 065), and nobody has used. Reads alone.
 */
import type { RevisedType } from '../../protocol/gaen/keys.ts';
import { certainUploads, chooseCompany, type HourReserve } from '../../domain/publication/company.ts';
import { isCountedPart, isRegionList, partList } from '../../domain/publication/feeds.ts';
import { dayOfSealing } from '../../domain/publication/head.ts';
import type { SetRecord } from '../../domain/publication/record.ts';
import { isRevisable } from '../../domain/publication/revision.ts';
import type { TakenRows } from '../../domain/publication/taken.ts';
import { isOfDaysBefore } from './due-requests.ts';
import type { Publication } from './publication.ts';

const HOURS_A_DAY = 24;

/** @param to report type that it is to have; null: it is to end @returns what hours set aside, nobody has used and can go so, the newest first */
export function stockOf(p: Publication, hour: number, to: RevisedType | null = null): HourReserve[] {
  const used = new Set([...p.takings.usedReserve(), ...(to === null ? [] : keptForEnds(p, hour))]);
  const cut = dayOfSealing(hour);
  return p.store
    .hoursBetween(0, hour - 1)
    .flatMap(({ hour: of, record }) =>
      record === null || used.has(of) || (to !== null && !isOfDaysBefore(p, of, hour))
        ? []
        : [{ hour: of, ...(to === null ? reserveOf(p, record, cut) : revisableOf(p, record, cut, to)) }],
    )
    .filter(({ keys }) => Object.keys(keys).length > 0)
    .toReversed();
}

/** @returns hours whose reserve a next list of keys that end would take: what is only said anew of keys leaves it */
function keptForEnds(p: Publication, hour: number): readonly number[] {
  const { policy, unionRegion } = p.config;
  const asked = [{ regions: [unionRegion], keys: 1 }];
  const stock = stockOf(p, hour);
  const company = chooseCompany({ policy, asked, stock, touched: new Set(), isLate: false });
  // As long as there is too little for one, all of it.
  return company?.hours ?? stock.map((one) => one.hour);
}

/** @returns rows of each list that were set aside and don't leave at `cut` or earlier, and of how many uploads they are at least */
function reserveOf(
  { config: { policy, unionRegion, feeds } }: Publication,
  record: SetRecord,
  cut: number,
): Omit<HourReserve, 'hour'> {
  const [keys, whole]: Record<string, number>[] = [{}, {}];
  for (const { day, reserve = {} } of record.parts) {
    for (const [list, count] of listed(reserve, feeds)) {
      whole![list] = (whole![list] ?? 0) + count;
      if (day > cut) keys![list] = (keys![list] ?? 0) + count;
    }
  }
  // Until the first key leaves all uploads are there: of a part its own, of a region that has all their keys too.
  const isWhole = (list: string, count: number): boolean =>
    count === (isRegionList(list) ? whole![unionRegion] : whole![list]);
  const uploads = Object.fromEntries(
    Object.entries(keys!).map(([list, count]) => [
      list,
      Math.max(certainUploads(count), isWhole(list, count) ? Math.min(policy.reserveUploads, count) : 0),
    ]),
  );
  return { keys: keys!, uploads };
}

/** @returns of these rows those that can have a report type; a synthetic upload has a key a day (domain/decoys.ts), so that keys of one day are of as many uploads */
function revisableOf(
  { config: { policy, feeds } }: Publication,
  record: SetRecord,
  cut: number,
  to: RevisedType,
): Omit<HourReserve, 'hour'> {
  const keys: Record<string, number> = {};
  const byDay = new Map<string, number>();
  for (const { day, revisable = {} } of record.parts.filter((part) => part.day > cut)) {
    for (const [type, counts] of Object.entries(revisable)) {
      if (!isRevisable(Number(type), to)) continue;
      for (const [list, count] of listed(counts, feeds)) {
        keys[list] = (keys[list] ?? 0) + count;
        byDay.set(`${list} ${day}`, (byDay.get(`${list} ${day}`) ?? 0) + count);
      }
    }
  }
  // A key of the day before may be the rest of an upload that another hour has.
  const newest = Math.floor(record.hour / HOURS_A_DAY) + policy.retentionDays;
  const sameDay = (list: string): number[] =>
    record.parts.flatMap(({ day }) => (day < newest ? (byDay.get(`${list} ${day}`) ?? 0) : []));
  const uploads = Object.fromEntries(
    Object.entries(keys).map(([list, count]) => [list, Math.max(certainUploads(count), ...sameDay(list))]),
  );
  return { keys, uploads };
}

/** @returns counts by the lists that rows are in */
function listed(counts: Readonly<Record<string, number>>, feeds: readonly string[]): [string, number][] {
  return Object.entries(counts).flatMap(([name, count]): [string, number][] => {
    const list = isCountedPart(name) ? partList(name, feeds) : name;
    return list === null ? [] : [[list, count]];
  });
}

/** @returns parts that hold rows of the reserve of these hours; which rows, takableRows finds */
export function reserveParts(p: Publication, hours: readonly number[]): TakenRows[] {
  return hours.flatMap((hour) =>
    (p.store.hour(hour).record?.parts ?? []).flatMap(({ day, n, reserve }) =>
      reserve === undefined ? [] : [{ hour, day, n, rows: new Uint32Array(0) }],
    ),
  );
}
