/**
 * @module Which rows an hour can take back of those that are asked for, or say something anew of, and which regions publish them. Reads alone: the parts that are named, some at a time.
 */
import type { AskedRows } from '../../domain/publication/company.ts';
import { countedAs, isRegionList, partList } from '../../domain/publication/feeds.ts';
import { REPORT_TYPE_OFFSET, ROW_BYTES, rowProvenance, type Provenance } from '../../domain/publication/packed-keys.ts';
import { partKey, publishingRegions, type RecordPart } from '../../domain/publication/record.ts';
import { isRevisable } from '../../domain/publication/revision.ts';
import type { TakenRows } from '../../domain/publication/taken.ts';
import { takenOf } from './find-rows.ts';
import type { Publication } from './publication.ts';
import type { Taking } from './taking-store.ts';

/** Parts read at once: 560 KB each at most. */
export const PARTS_AT_ONCE = 6;

/** Rows of a part that can be taken back. */
export interface Takable extends TakenRows {
  /** The same, by the regions that publish them. */
  readonly counts: readonly AskedRows[];
  /** Of rows that are taken back, those of which something had been said anew, by the hour that did it and by region. */
  readonly again: Readonly<Record<number, Readonly<Record<string, number>>>>;
}

/** @returns the lists that rows are in when they are taken back: of regions, and of the part that peers are left with */
export function listsOf({ config: { regions, unionRegion, feeds } }: Publication, about: Provenance): string[] {
  const part = partList(countedAs(about, regions[0]!), feeds);
  return [...publishingRegions(regions, unionRegion, about), ...(part === null ? [] : [part])];
}

/** What an hour takes beside what is asked for, and leaves. */
type Terms = Pick<Taking, 'reserve' | 'waiting' | 'to'>;
/** Where nothing is taken beside what is asked for. */
export const NO_COMPANY = { reserve: [], waiting: [] } as const;

/**
 * @param hour that takes them back: what is of it or of later hours isn't recorded yet, and can't be meant
 * @param asked of each part the rows that are named; of hours whose reserve is taken, that too
 * @returns parts that have some, in the same order
 * @throws Error for a record that lacks an object
 */
export async function takableRows(
  p: Publication,
  hour: number,
  asked: readonly TakenRows[],
  terms: Terms = { ...NO_COMPANY, to: null },
): Promise<Takable[]> {
  const found: Takable[] = [];
  for (let at = 0; at < asked.length; at += PARTS_AT_ONCE) {
    const some = asked.slice(at, at + PARTS_AT_ONCE).map((rows) => ofPart(p, hour, rows, terms));
    found.push(...(await Promise.all(some)).flatMap((one) => one ?? []));
  }
  return found;
}

/** @returns how many rows the parts have together, by the regions that publish them */
export function sumOf(parts: readonly Pick<Takable, 'counts'>[]): AskedRows[] {
  const sums = new Map<string, AskedRows>();
  for (const { regions, keys, isRemote = false } of parts.flatMap(({ counts }) => counts)) {
    const name = `${regions.join(' ')} ${isRemote}`;
    sums.set(name, { regions, keys: (sums.get(name)?.keys ?? 0) + keys, isRemote });
  }
  return [...sums.values()];
}

async function ofPart(p: Publication, hour: number, asked: TakenRows, terms: Terms): Promise<Takable | null> {
  const { hour: of, day, n, rows } = asked;
  const record = of < hour ? p.store.hour(of).record : null;
  const part = record?.parts.find((one) => one.day === day && one.n === n);
  if (record === null || part === undefined) return null;
  const bytes = await p.privateBucket.get(partKey(of, part));
  if (bytes === null) throw new Error(`the private record lacks ${partKey(of, part)}`);
  const { to } = terms;
  // Something is said anew once of a key, and of one that was taken back never.
  const before = await takenOf(p, of, part, to === null ? undefined : () => true);
  const revised = to === null ? await revisedOf(p, of, part) : [];
  const isReserve = terms.reserve.includes(of);
  const regionsOf = new Map<Provenance, readonly string[]>();
  const counts = new Map<readonly string[], number>();
  const remote = new Set<readonly string[]>();
  const wanted = new Set(rows);
  const all = isReserve ? Uint32Array.from({ length: part.rows }, (_, row) => row) : rows;
  const takable = all.filter((row) => {
    if (row >= part.rows || before.has(row)) return false;
    if (to !== null && !isRevisable(bytes[row * ROW_BYTES + REPORT_TYPE_OFFSET]!, to)) return false;
    const provenance = record.provenances[rowProvenance(bytes, row * ROW_BYTES)];
    // A row that nobody can read, and decoys that padded an hour.
    if (provenance === undefined || (provenance.synthetic && !(isReserve && provenance.reserve === true))) return false;
    if (!provenance.synthetic && !wanted.has(row)) return false;
    let regions = regionsOf.get(provenance);
    if (regions === undefined) {
      regions = listsOf(p, provenance);
      regionsOf.set(provenance, regions);
      if (provenance.origin !== p.config.regions[0]) remote.add(regions);
    }
    if (!provenance.synthetic && regions.some((region) => terms.waiting.includes(region))) return false;
    counts.set(regions, (counts.get(regions) ?? 0) + 1);
    for (const { rows: said, keys } of revised) {
      if (!said.has(row)) continue;
      for (const region of regions.filter(isRegionList)) keys[region] = (keys[region] ?? 0) + 1;
    }
    return true;
  });
  if (takable.length === 0) return null;
  const byRegions = [...counts].map(([regions, keys]) => ({ regions, keys, isRemote: remote.has(regions) }));
  const again = Object.fromEntries(
    revised.flatMap(({ hour: by, keys }) => (Object.keys(keys).length === 0 ? [] : [[by, keys]])),
  );
  return { hour: of, day, n, rows: takable, counts: byRegions, again };
}

/** @returns rows of a part of which something was said anew, by the hour that did it; none of them counted yet */
async function revisedOf(p: Publication, of: number, part: RecordPart) {
  const hours = (part.taken ?? []).filter(({ to }) => to !== undefined);
  return Promise.all(
    hours.map(async (one) => {
      const keys: Record<string, number> = {};
      return { hour: one.hour, rows: await takenOf(p, of, part, ({ hour }) => hour === one.hour), keys };
    }),
  );
}
