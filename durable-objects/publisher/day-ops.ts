/**
 * @module A complete UTC day as one chunk in place of its 24 hours, cut again at each midnight without the keys whose
 * retention has ended (docs/architecture.md §5.9).
 *
 * Durable order: objects are noted, then put; CWA's day, the one object that changes, is replaced by compare-and-swap
 * after its former ETag is kept; then the row of the day, with the log's entry. A crash before the row repeats the step with the same bytes.
 * The former cut stays in the bucket for the grace, and the old head goes on naming it until the new one is written.
 */
import { SECONDS_PER_DAY, dateOf } from '../../protocol/gaen/intervals.ts';
import { dayPath } from '../../protocol/index/cwa-tree.ts';
import { dayExpires, replacedZip, sliceKeys, type BuiltFile } from '../../domain/publication/built-file.ts';
import { wholeRecord } from '../../domain/publication/record-merge.ts';
import { regionKeysAfter, takings } from '../../domain/publication/record.ts';
import { hoursOfDay, isTakenAgain, takenKeys } from '../../domain/publication/revoked-rows.ts';
import { signsStill, writeChunks } from './chunk-files.ts';
import { buildCwaZip } from './hour-ops.ts';
import type { RegionDay, SealedFiles } from './model.ts';
import { putOwn } from './own-objects.ts';
import type { Publication } from './publication.ts';
import { bookOf } from './revoke-ops.ts';

/** Files of one cut are told apart from those of another by their window, should a day have more than one. */
const END_SECONDS_PER_CUT = 240;
/** Cuts of one day at most: the days it is listed. */
const CUTS = 15;

/**
 * @param times in which keys of the day were taken back: phones may hold a part of the former files
 * @returns seconds that are added to the number of a file, should the day have more than one
 */
function endOffset(day: number, cut: number, times: number): number {
  return (cut - day - 1 + CUTS * times) * END_SECONDS_PER_CUT;
}

/**
 * Brings one day of a region to the state it has at a midnight, or when keys of it were taken back.
 *
 * @param day days since the Unix epoch; complete, all its hours WRITTEN
 * @param cut the day at whose first instant this cut is made, > `day`
 * @param through the last hour WRITTEN: the day is without what was taken back up to it
 * @returns whether it was cut
 */
export async function cutRegionDay(
  p: Publication,
  region: string,
  day: number,
  cut: number,
  through: number,
): Promise<boolean> {
  const former = p.store.regionDay(region, day);
  const { records, slices, all } = partsOfDay(p, region, day);
  const taken = Math.max(former?.revised ?? -1, ...takings(all, region, through));
  const revised = taken < 0 ? null : taken;
  const leaving = (from: number, to: number) =>
    all.some(({ parts }) => parts.some((part) => part.day > from && part.day <= to));
  const isRevised = revised !== (former?.revised ?? null);
  const isSaidAgain = former !== null && isTakenAgain(bookOf(p), hoursOfDay(day), former.checked, cut);
  if (former !== null && !isRevised && !isSaidAgain && !leaving(former.checked, cut)) {
    p.store.putRegionDay({ ...former, checked: cut });
    return false;
  }
  const { chunks, sealed, etag } = await putDay(p, { region, day, cut, revised }, { records, slices });
  p.store.transaction(() => {
    p.store.putRegionDay({ region, day, checked: cut, cut, revised, chunks, sealed });
    if (former !== null && isRevised) p.takings.revokeFormerEtags(dayPath(region, dateOf(day * SECONDS_PER_DAY)));
    const cwa = { keys: sealed.cwa.keys, file: sealed.cwa, etag };
    p.log.append({
      kind: 'cut',
      region,
      day,
      cut,
      ...(revised === null ? {} : { revised }),
      files: sealed.files,
      cwa,
    });
  });
  return true;
}

function partsOfDay(p: Publication, region: string, day: number) {
  const hours = p.store.hoursBetween(day * 24, day * 24 + 23);
  const records = hours.flatMap(({ record }) => (record === null ? [] : [record]));
  const slices = p.store.regionHours(region, day * 24, day * 24 + 23).flatMap(({ cwa }) => cwa.slices);
  // CWA's day may hold what waited from the hours of days before.
  const all = [...records, ...slices.flatMap((slice) => p.store.hour(slice.hour).record ?? [])];
  return { records, slices, all };
}

/** One cut of a day. */
type DayCut = Pick<RegionDay, 'region' | 'day' | 'cut' | 'revised'>;

/**
 * Puts the files of one day: when it is cut, and again when one was lost.
 *
 * @returns the manifest's entries, and what was sealed; the same bytes each time, as long as no key has left since `cut`
 */
export async function putDay(
  p: Publication,
  { region, day, cut, revised }: DayCut,
  { records, slices }: Pick<ReturnType<typeof partsOfDay>, 'records' | 'slices'> = partsOfDay(p, region, day),
): Promise<Pick<RegionDay, 'chunks'> & { readonly sealed: SealedFiles; readonly etag: string }> {
  const through = revised ?? -1;
  const book = bookOf(p);
  const window = { start: day * SECONDS_PER_DAY, end: (day + 1) * SECONDS_PER_DAY };
  const expires = dayExpires(day, cut, records, p.config.policy.retentionDays);
  const sealed = cut * SECONDS_PER_DAY;
  const keys = records.reduce((sum, record) => sum + regionKeysAfter(record, region, cut, through), 0);
  let single: BuiltFile | null = null;
  const { chunks, files } = await writeChunks(
    p,
    {
      region,
      window,
      hour: null,
      endOffset: endOffset(day, cut, takings(records, region, through).length),
      sealed,
      expires,
    },
    records.flatMap((record) => wholeRecord(record, cut, through)),
    keys,
    async (file, of) => {
      if (of === 1) single = file;
    },
  );
  const shown = { keys: sliceKeys(book.recordOf, region, slices, cut, through), slices, cut, through };
  const revoked = { hours: hoursOfDay(day), cut };
  const same =
    !signsStill(p, sealed) &&
    shown.keys === keys &&
    slices.every(({ hour, ranges }) => ranges === null && Math.floor(hour / 24) === day) &&
    takenKeys(book, region, revoked.hours, cut) === 0;
  const zip = same && single !== null ? single : await buildCwaZip(p, { region, window, sealed }, shown, revoked);
  const etag = await putCwaDay(p, region, day, cut, zip, expires);
  return { chunks, sealed: { files, cwa: zip.sealed }, etag };
}

async function putCwaDay(
  p: Publication,
  region: string,
  day: number,
  cut: number,
  file: BuiltFile,
  expires: number,
): Promise<string> {
  const key = dayPath(region, dateOf(day * SECONDS_PER_DAY));
  p.store.noteObject(key, region);
  return putOwn(p.own, key, file.zip, replacedZip(file, expires), {
    beforeReplace: (etag) => p.store.noteFormerEtag(key, etag, cut),
  });
}
