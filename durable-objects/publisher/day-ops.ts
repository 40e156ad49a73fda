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
import { regionKeysAfter } from '../../domain/publication/record.ts';
import { writeChunks } from './chunk-files.ts';
import { buildCwaZip } from './hour-ops.ts';
import type { RegionDay, SealedFiles } from './model.ts';
import { putOwn } from './own-objects.ts';
import type { Publication } from './publication.ts';

/** Files of one cut are told apart from those of another by their window, should a day have more than one. */
const END_SECONDS_PER_CUT = 240;

/**
 * Brings one day of a region to the state it has at a midnight.
 *
 * @param day days since the Unix epoch; complete, all its hours WRITTEN
 * @param cut the day at whose first instant this cut is made, > `day`
 */
export async function cutRegionDay(p: Publication, region: string, day: number, cut: number): Promise<void> {
  const former = p.store.regionDay(region, day);
  const { records, slices } = partsOfDay(p, region, day);
  const leaving = (from: number, to: number) =>
    [...records, ...slices.flatMap((slice) => p.store.hour(slice.hour).record ?? [])].some(({ parts }) =>
      parts.some((part) => part.day > from && part.day <= to),
    );
  if (former !== null && !leaving(former.checked, cut)) {
    p.store.putRegionDay({ ...former, checked: cut });
    return;
  }
  const { chunks, sealed, cwaKeys, etag } = await putDay(p, region, day, cut);
  p.store.transaction(() => {
    p.store.putRegionDay({ region, day, checked: cut, cut, chunks, sealed });
    const cwa = { keys: cwaKeys, file: sealed.cwa, etag };
    p.log.append({ kind: 'cut', region, day, cut, files: sealed.files, cwa });
  });
}

function partsOfDay(p: Publication, region: string, day: number) {
  const hours = p.store.hoursBetween(day * 24, day * 24 + 23);
  const records = hours.flatMap(({ record }) => (record === null ? [] : [record]));
  const slices = p.store.regionHours(region, day * 24, day * 24 + 23).flatMap(({ cwa }) => cwa.slices);
  return { records, slices };
}

/**
 * Puts the files of one day: at the midnight of `cut`, and again when one was lost.
 *
 * @returns the manifest's entries, and what was sealed; the same bytes each time, as long as no key has left since `cut`
 */
export async function putDay(
  p: Publication,
  region: string,
  day: number,
  cut: number,
): Promise<
  Pick<RegionDay, 'chunks'> & { readonly sealed: SealedFiles; readonly cwaKeys: number; readonly etag: string }
> {
  const { records, slices } = partsOfDay(p, region, day);
  const window = { start: day * SECONDS_PER_DAY, end: (day + 1) * SECONDS_PER_DAY };
  const expires = dayExpires(day, cut, records, p.config.policy.retentionDays);
  const keys = records.reduce((sum, record) => sum + regionKeysAfter(record, region, cut), 0);
  let single: BuiltFile | null = null;
  const { chunks, files } = await writeChunks(
    p,
    { region, window, hour: null, endOffset: (cut - day - 1) * END_SECONDS_PER_CUT, expires },
    records.flatMap((record) => wholeRecord(record, cut)),
    keys,
    async (file, of) => {
      if (of === 1) single = file;
    },
  );
  const cwaKeys = sliceKeys((hour) => p.store.hour(hour).record, region, slices, cut);
  const same = cwaKeys === keys && slices.every(({ hour, ranges }) => ranges === null && Math.floor(hour / 24) === day);
  const zip = same && single !== null ? single : await buildCwaZip(p, region, window, { keys: cwaKeys, slices }, cut);
  const etag = await putCwaDay(p, region, day, cut, zip, expires);
  return { chunks, sealed: { files, cwa: zip.sealed }, cwaKeys, etag };
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
