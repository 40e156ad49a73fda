/**
 * @module Google's view of one day of a region (docs/decisions/068): windows that have ended are made, and those of complete days made again under their names at each midnight at which keys of theirs
 * leave, and with the hour that takes some back.
 *
 * Durable order: each file is noted, then put, or replaced by compare-and-swap; then the day's row with the log's entry. A crash before the row repeats the step: the same bytes, or those of a later
 * hour where one was written since, which replace them. A file that has lost its last row stays in the bucket for the grace, since the list before names it.
 */
import {
  googleFileKey,
  googleZipMeta,
  leavingDays,
  isTakenSince,
  planWindow,
  windowsOf,
  type ExportedWindow,
  type GoogleFile,
  type WindowState,
} from '../../domain/publication/google-files.ts';
import { dayOfSealing } from '../../domain/publication/head.ts';
import { hourEnd, hourStart } from '../../protocol/gaen/intervals.ts';
import { mergeOf, signFile } from './chunk-files.ts';
import { putOwn } from './own-objects.ts';
import type { Publication } from './publication.ts';
import { bookOf } from './revoke-ops.ts';

/**
 * Brings one day of a region to the state that it has once an hour is written.
 *
 * @param day days since the Unix epoch: the running one, or one that is complete
 * @param through the last hour WRITTEN
 * @returns whether files were made
 */
export async function exportDay(p: Publication, region: string, day: number, through: number): Promise<boolean> {
  const former = p.store.google.day(region, day);
  const made: ExportedWindow[] = [];
  let isMade = false;
  for (const first of windowsOf(day, through)) {
    const old = former?.periods.find(({ hour }) => hour === first) ?? null;
    if (old !== null && !isStale(p, day, old, through)) {
      made.push(old);
      continue;
    }
    const files = await makeWindow(p, { region, first, through }, old);
    isMade ||= files.length > 0;
    made.push({ hour: first, through, files });
  }
  const checked = dayOfSealing(through);
  if (made.length === (former?.periods.length ?? 0) && !isMade && former?.checked === checked) return false;
  p.store.transaction(() => {
    p.store.google.put({ region, day, checked, periods: made });
    if (isMade) p.log.append({ kind: 'exported', region, hour: through, day, periods: made });
  });
  return isMade;
}

/** Of a complete day: keys have left, or were taken back, since it was made. The running day stays as it is until midnight, as its hours do. */
function isStale(
  p: Publication,
  day: number,
  { hour: first, through: before }: ExportedWindow,
  through: number,
): boolean {
  const [from, cut] = [dayOfSealing(before), dayOfSealing(through)];
  if (day >= cut) return false;
  const book = bookOf(p);
  const isTaken = isTakenSince(book, first, before, through);
  return isTaken || leavingDays(book, first).some((leaves) => leaves > from && leaves <= cut);
}

/**
 * Puts the files of one window.
 *
 * @param old as it was made before; null: never
 * @returns its files, those that have no row left among them
 */
async function makeWindow(p: Publication, state: WindowState, old: ExportedWindow | null): Promise<GoogleFile[]> {
  const { region, first, through } = state;
  const { maxKeysPerFile, retentionDays } = p.config.policy;
  const book = bookOf(p);
  const files: GoogleFile[] = [];
  for (const { n, holds, from, keys, end, sources } of planWindow(book, state, old?.files ?? null, maxKeysPerFile)) {
    if (keys === 0) {
      files.push({ n, holds, from, file: null });
      continue;
    }
    const [own, none] = [mergeOf(p, region, sources), mergeOf(p, region, [])];
    const window = { start: hourStart(first), end };
    const span = { region, window, signatures: 'all', sealed: hourEnd(through) } as const;
    const file = await (holds === 'keys'
      ? signFile(p, span, own, keys)
      : signFile(p, span, none, 0, { merge: own, keys }));
    own.close();
    const key = googleFileKey(region, first, n);
    p.store.noteObject(key, region);
    await putOwn(p.own, key, file.zip, googleZipMeta(book, state, file, retentionDays));
    files.push({ n, holds, from, file: file.sealed });
  }
  return files;
}

/**
 * Puts the files of one window again, as they were made.
 *
 * @param window from the store
 */
export async function putWindow(p: Publication, region: string, window: ExportedWindow): Promise<void> {
  await makeWindow(p, { region, first: window.hour, through: window.through }, window);
}
