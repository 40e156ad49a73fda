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

/** @param to report type that it is to have; null: it is to end @returns what hours set aside, nobody has used and can go so, the newest first */
export function stockOf(p: Publication, hour: number, to: RevisedType | null = null): HourReserve[] {
  const used = new Set([...p.takings.usedReserve(), ...(to === null ? [] : keptForEnds(p, hour))]);
  const cut = dayOfSealing(hour);
  return p.store
    .hoursBetween(0, hour - 1)
    .flatMap(({ hour: of, record }) =>
      record === null || used.has(of) || (to !== null && !isOfDaysBefore(p, of, hour))
        ? []
        : [{ hour: of, ...reserveOf(p, record, cut, to) }],
    )
    .filter(({ keys }) => Object.keys(keys).length > 0)
    .toReversed();
}

/** @returns hours whose reserve a next list of keys that end would take: what is only said anew of keys leaves it */
function keptForEnds(p: Publication, hour: number): readonly number[] {
  const { policy, unionRegion } = p.config;
  const asked = [{ regions: [unionRegion], keys: 1 }];
  const company = chooseCompany({ policy, asked, stock: stockOf(p, hour), touched: new Set(), isLate: false });
  return company?.hours ?? [];
}

/** @returns rows of each list that were set aside and don't leave at `cut` or earlier, and of how many uploads they are at least */
function reserveOf(
  { config: { policy, unionRegion, feeds } }: Publication,
  record: SetRecord,
  cut: number,
  to: RevisedType | null,
): Omit<HourReserve, 'hour'> {
  const [keys, whole]: Record<string, number>[] = [{}, {}];
  for (const { day, reserve = {}, revisable = {} } of record.parts) {
    const ofTypes = Object.entries(revisable).filter(([type]) => to !== null && isRevisable(Number(type), to));
    const counts = to === null ? Object.entries(reserve) : ofTypes.flatMap(([, names]) => Object.entries(names));
    for (const [name, count] of counts) {
      const list = isCountedPart(name) ? partList(name, feeds) : name;
      if (list === null) continue;
      whole![list] = (whole![list] ?? 0) + count;
      if (day > cut) keys![list] = (keys![list] ?? 0) + count;
    }
  }
  // Until the first key leaves all uploads are there: of a part its own, of a region that has all their keys too.
  const isWhole = (list: string, count: number): boolean =>
    // Of keys that can have another type nobody knows of how many they are: of one, perhaps.
    to === null && count === (isRegionList(list) ? whole![unionRegion] : whole![list]);
  const uploads = Object.fromEntries(
    Object.entries(keys!).map(([list, count]) => [
      list,
      Math.max(certainUploads(count), isWhole(list, count) ? Math.min(policy.reserveUploads, count) : 0),
    ]),
  );
  return { keys: keys!, uploads };
}

/** @returns parts that hold rows of the reserve of these hours; which rows, takableRows finds */
export function reserveParts(p: Publication, hours: readonly number[]): TakenRows[] {
  return hours.flatMap((hour) =>
    (p.store.hour(hour).record?.parts ?? []).flatMap(({ day, n, reserve }) =>
      reserve === undefined ? [] : [{ hour, day, n, rows: new Uint32Array(0) }],
    ),
  );
}
