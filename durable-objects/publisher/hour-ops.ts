/**
 * @module One hour of one region becomes WRITTEN: the manifest's files and CWA's ZIP (docs/architecture.md §5.4).
 *
 * Durable order: every object is noted in the store, then put; then one transaction keeps the entries, moves CWA's
 * backlog, fixes the log's entry and says WRITTEN. A crash before it repeats the step: the record is fixed, so the bytes are the same, and
 * put-if-absent meets its own objects. No list names anything yet.
 */
import { dayOfSealing } from '../../domain/publication/head.ts';
import { hoursWithin, takenKeys, takenSources } from '../../domain/publication/revoked-rows.ts';
import { dateOfHour, hourEnd, hourOfDay, hourStart } from '../../protocol/gaen/intervals.ts';
import { hourPath } from '../../protocol/index/cwa-tree.ts';
import { hourExpires, immutableZip, sliceSources, type BuiltFile } from '../../domain/publication/built-file.ts';
import { wholeRecord, type RunSource } from '../../domain/publication/record-merge.ts';
import { rowsByDay, type CwaSlice, type SetRecord } from '../../domain/publication/record.ts';
import { mergeOf, signFile, signsStill, writeChunks, type FileSpan } from './chunk-files.ts';
import type { RegionHour, SealedFiles } from './model.ts';
import { putOwn } from './own-objects.ts';
import type { Publication } from './publication.ts';
import { bookOf } from './revoke-ops.ts';

/** No key of a fresh hour has left yet. */
const NO_CUT = -1;

/**
 * @param hour PLANNED in the store, with its record
 * @returns when the hour is WRITTEN for the region
 */
export async function writeHour(p: Publication, region: string, hour: number, record: SetRecord): Promise<void> {
  const keys = record.regionKeys[region] ?? 0;
  const cwa = await planCwaHour(p, region, hour, record);
  const { chunks, sealed } = await putHour(p, region, hour, record, cwa);
  p.store.transaction(() => {
    const shown = { keys: cwa.keys, slices: cwa.slices };
    p.store.putRegionHour({ region, hour, state: 'WRITTEN', chunks, cwa: shown, sealed });
    p.log.append({ kind: 'written', region, hour, files: sealed.files, cwa: { ...shown, file: sealed.cwa } });
    p.store.setBacklog(region, cwa.backlog);
    p.store.count(`cwa_keys_aged_out_${region}`, cwa.agedOut);
    const taken = takenKeys(bookOf(p), region, [hour], dayOfSealing(hour));
    p.store.count(`cwa_revocations_left_out_${region}`, taken - (sealed.cwa.revoked ?? 0));
    p.store.count(`keys_published_${region}`, keys - (record.syntheticKeys[region] ?? 0));
    p.store.count(`decoys_published_${region}`, record.syntheticKeys[region] ?? 0);
  });
}

/**
 * Puts the files of one hour: the first time, and again when one was lost.
 *
 * @param cwa what CWA's ZIP of the hour shows
 * @returns the manifest's entries, and what was sealed; the same bytes each time
 */
export async function putHour(
  p: Publication,
  region: string,
  hour: number,
  record: SetRecord,
  cwa: RegionHour['cwa'],
): Promise<Pick<RegionHour, 'chunks'> & { readonly sealed: SealedFiles }> {
  const keys = record.regionKeys[region] ?? 0;
  const window = { start: hourStart(hour), end: hourEnd(hour) };
  let single: BuiltFile | null = null;
  const sealed = window.end;
  const span = { region, window, hour, endOffset: 0, sealed, expires: hourExpires(hour) };
  const { chunks, files } = await writeChunks(p, span, wholeRecord(record, NO_CUT, hour), keys, async (file, of) => {
    if (of === 1) single = file;
  });
  const revoked = { hours: [hour], cut: dayOfSealing(hour) };
  const same =
    !signsStill(p, sealed) &&
    cwa.slices.every((slice) => slice.hour === hour && slice.ranges === null) &&
    cwa.keys === keys &&
    takenKeys(bookOf(p), region, revoked.hours, revoked.cut) === 0;
  const shown = { ...cwa, cut: NO_CUT, through: hour };
  const zip = same && single !== null ? single : await buildCwaZip(p, { region, window, sealed }, shown, revoked);
  const key = hourPath(region, dateOfHour(hour), hourOfDay(hour));
  p.store.noteObject(key, region);
  await putOwn(p.own, key, zip.zip, immutableZip(zip, window.end, hourExpires(hour)));
  return { chunks, sealed: { files, cwa: zip.sealed } };
}

/** What CWA's ZIP shows: slices of records, without the rows that leave at `cut` or earlier or were taken back up to the hour `through`. */
interface ShownSlices {
  /** null: not known, since rows were taken back of a part that is shown in ranges. */
  readonly keys: number | null;
  readonly slices: readonly CwaSlice[];
  readonly cut: number;
  readonly through: number;
}

/** @param revoked hours whose taken rows it says as far as they fit beside the keys (CWA_MAX_KEYS), without those that leave at `cut` or earlier @returns the ZIP */
export async function buildCwaZip(
  p: Publication,
  span: Pick<FileSpan, 'region' | 'window' | 'sealed'>,
  cwa: ShownSlices,
  revoked: { readonly hours: readonly number[]; readonly cut: number },
): Promise<BuiltFile> {
  const { region } = span;
  const book = bookOf(p);
  const sources = sliceSources(book.recordOf, cwa.slices, cwa.cut, cwa.through);
  const keys = cwa.keys ?? (await countKeys(p, region, sources));
  const merge = mergeOf(p, region, sources);
  const hours = hoursWithin(book, region, revoked.hours, revoked.cut, p.config.policy.cwaMaxKeys - keys);
  const taken = takenKeys(book, region, hours, revoked.cut);
  const rows = mergeOf(p, region, taken === 0 ? [] : takenSources(book, hours, revoked.cut));
  const revokedRows = taken === 0 ? null : { merge: rows, keys: taken };
  // One signature: iOS's part of these apps looks at the first alone, microG refuses a file with two (docs/decisions/068).
  const file = await signFile(p, { ...span, signatures: 'one' }, merge, keys, revokedRows);
  merge.close();
  rows.close();
  return file;
}

async function countKeys(p: Publication, region: string, sources: readonly RunSource[]): Promise<number> {
  const merge = mergeOf(p, region, sources);
  const keys = await merge.take(Infinity, () => {});
  merge.close();
  return keys;
}

interface CwaHour extends Pick<RegionHour['cwa'], 'keys' | 'slices'> {
  /** What waits after this hour: rows had already, by record and leaving day. */
  readonly backlog: readonly { hour: number; offsets: Readonly<Record<number, number>> }[];
  readonly agedOut: number;
}

/**
 * CWA's tree has one ZIP an hour and a day, with `cwaMaxKeys` at most in all hours of a UTC day together, so that a day
 * is the union of its hours. The excess waits, oldest first, as positions in the private records.
 */
async function planCwaHour(p: Publication, region: string, hour: number, record: SetRecord): Promise<CwaHour> {
  const waiting = p.store.backlog(region);
  const day = Math.floor(hour / 24);
  const had = p.store.regionHours(region, day * 24, hour - 1).reduce((sum, { cwa }) => sum + cwa.keys, 0);
  const budget = Math.max(0, p.config.policy.cwaMaxKeys - had);
  const own = record.regionKeys[region] ?? 0;
  if (waiting.length === 0 && own <= budget) {
    return { keys: own, slices: own === 0 ? [] : [{ hour, ranges: null }], backlog: [], agedOut: 0 };
  }
  const queue = [...waiting, ...(own === 0 ? [] : [{ hour, offsets: {} as Record<number, number> }])];
  // A key that left before this hour began is missed for good here; the manifest has had it.
  const cut = Math.floor(hourStart(hour) / 86_400);
  let agedOut = 0;
  let left = budget;
  const slices: CwaSlice[] = [];
  const backlog: { hour: number; offsets: Record<number, number> }[] = [];
  for (const { hour: from, offsets } of queue) {
    const source = from === hour ? record : p.store.hour(from).record;
    if (source === null) continue;
    const { taken, ranges, rest, gone } = await takeSlice(p, region, source, offsets, { cut, through: hour }, left);
    agedOut += gone;
    left -= taken;
    if (taken > 0) slices.push({ hour: from, ranges });
    if (rest !== null) backlog.push({ hour: from, offsets: rest });
  }
  const keys = budget - left;
  // A handful of leftovers would stand alone below the minimum: they wait for the next hour.
  if (keys > 0 && keys < p.config.policy.minKeys) return { keys: 0, slices: [], backlog: queue, agedOut: 0 };
  return { keys, slices, backlog, agedOut };
}

type Ranges = Record<number, { from: number; to: number; keys: number }>;

async function takeSlice(
  p: Publication,
  region: string,
  record: SetRecord,
  offsets: Readonly<Record<number, number>>,
  { cut, through }: { readonly cut: number; readonly through: number },
  limit: number,
): Promise<{ taken: number; ranges: Ranges; rest: Record<number, number> | null; gone: number }> {
  const days = rowsByDay(record);
  const sources: RunSource[] = [];
  let gone = 0;
  for (const [day, rows] of days) {
    const from = offsets[day] ?? 0;
    if (day > cut) sources.push({ record, day, from, to: rows, taken: { kind: 'without', through } });
    else gone += rows - from;
  }
  const ranges: Ranges = {};
  const merge = mergeOf(p, region, sources);
  const taken = await merge.take(limit, (_rows, _offset, source, at) => {
    const range = (ranges[source.day] ??= { from: offsets[source.day] ?? 0, to: 0, keys: 0 });
    range.to = at + 1;
    range.keys += 1;
  });
  merge.close();
  const rest: Record<number, number> = {};
  let waits = false;
  for (const { day, from, to } of sources) {
    const had = ranges[day]?.to ?? from;
    rest[day] = had;
    if (had < to) waits = true;
  }
  // A day that has left counts as had: it is counted as aged out once.
  for (const [day, rows] of days) if (day <= cut) rest[day] = rows;
  // Fewer than asked for: what is left are rows of other regions.
  return { taken, ranges, rest: waits && taken === limit ? rest : null, gone };
}
