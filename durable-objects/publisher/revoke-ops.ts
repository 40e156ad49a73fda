/**
 * @module What a region publishes of rows that were taken back, or of which something was said anew (docs/architecture.md §5.11): signed exports with `revised_keys` alone, one set of them for each hour that
 * did so, cut again at each midnight without the rows whose retention has ended; those of which something was said anew also without what was taken back since.
 *
 * Durable order: objects are noted, then put, then the row with the log's entry. A crash before the row repeats the step with the same bytes. The former cut stays in the bucket
 * for the grace, and the old head goes on naming it until the new one is written.
 */
import { splitEvenly } from '../../domain/chunk-policy.ts';
import type { SealedFile } from '../../domain/event-log/entry.ts';
import { chunkEntries } from '../../domain/publication/built-file.ts';
import {
  isTakenAgain,
  takenDays,
  takenExpires,
  takenKeys,
  takenSealed,
  takenSources,
  takenWindow,
} from '../../domain/publication/revoked-rows.ts';
import type { RecordBook } from '../../domain/publication/record.ts';
import { mergeOf, putChunk, signFile } from './chunk-files.ts';
import type { Publication } from './publication.ts';

/** @returns the records as the store has them, and which of them an hour took rows back of */
export function bookOf(p: Publication): RecordBook {
  return {
    recordOf: (hour) => p.store.hour(hour).record,
    takenWith: (hour) => p.takings.taking(hour)?.touched ?? [],
  };
}

/**
 * Brings what a region publishes of taken rows to the state it has at a midnight.
 *
 * @param throughHour last hour WRITTEN
 * @param cut the day of the midnight
 * @returns whether files were put; false when there are none to put
 */
export async function revokeStep(p: Publication, region: string, throughHour: number, cut: number): Promise<boolean> {
  const oldest = (cut - p.config.policy.retentionDays - 1) * 24;
  for (const { hour, touched, to } of p.takings.between(oldest, throughHour)) {
    const former = p.takings.revocation(region, hour);
    if (former !== null && former.checked >= cut) continue;
    const leaves =
      (former !== null && isTakenAgain(bookOf(p), [hour], former.checked, cut)) ||
      touched.some((of) =>
        (p.store.hour(of).record?.parts ?? []).some(
          ({ day, taken = [] }) =>
            day > (former?.checked ?? -1) && day <= cut && taken.some((one) => one.hour === hour),
        ),
      );
    if (former !== null && (!leaves || former.chunks.length === 0)) {
      p.takings.putRevocation({ ...former, checked: cut });
      continue;
    }
    const days = takenDays(bookOf(p), region, hour, cut);
    const files = await putRevocation(p, region, hour, cut);
    p.store.transaction(() => {
      const chunks = chunkEntries(files, null);
      p.takings.putRevocation({ region, hour, to, checked: cut, cut, days, chunks, files });
      const revised = to === null ? {} : { to };
      if (files.length > 0) p.log.append({ kind: 'revoked', region, hour, ...revised, cut, days, files });
    });
    if (files.length > 0) return true;
  }
  return false;
}

/**
 * Puts the files: at the midnight of `cut`, and again when one was lost.
 *
 * @returns what was sealed; the same bytes each time, and no file when no row of the region is left
 */
export async function putRevocation(
  p: Publication,
  region: string,
  hour: number,
  cut: number,
): Promise<readonly SealedFile[]> {
  const book = bookOf(p);
  const keys = takenKeys(book, region, [hour], cut);
  if (keys === 0) return [];
  const [none, revoked] = [mergeOf(p, region, []), mergeOf(p, region, takenSources(book, [hour], cut))];
  const window = takenWindow(hour, cut);
  const sizes = splitEvenly(keys, p.config.policy.maxKeysPerFile);
  const files: SealedFile[] = [];
  for (const [index, size] of sizes.entries()) {
    const own = { start: window.start, end: window.end + index };
    const span = { region, window: own, signatures: 'all', sealed: takenSealed(hour, cut) } as const;
    const file = await signFile(p, span, none, 0, { merge: revoked, keys: size });
    await putChunk(p, region, file, takenSealed(hour, cut), takenExpires(book, hour, cut));
    files.push(file.sealed);
  }
  revoked.close();
  return files;
}
