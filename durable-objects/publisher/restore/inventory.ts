/**
 * @module The public bucket's objects as Publisher must know them (own-objects.ts): of everything that lies under its names the mark. What a file's name or
 * the log says the hash of is ours if it has that hash; anything else there is left without a mark, so that it is found to be
 * somebody else's, and what nothing names any more dies when it would have.
 */
import type { SealedFile } from '../../../domain/event-log/entry.ts';
import { googleFilesOf } from '../../../domain/publication/google-files.ts';
import { dateOf, dateOfHour, hourOfDay, SECONDS_PER_DAY } from '../../../protocol/gaen/intervals.ts';
import { countryIndexPath, dayPath, hourPath, versionIndexPath } from '../../../protocol/index/cwa-tree.ts';
import { chunkPath, isCompactPath } from '../../../protocol/index/chunk-paths.ts';
import { fromBase64Url, toHex, utf8 } from '../../../protocol/primitives/bytes.ts';
import { sha256 } from '../../../protocol/primitives/hash.ts';
import type { BucketPort } from '../bucket.ts';
import { EVERY_REGION } from '../index-ops.ts';
import type { RestoredState } from './restored-state.ts';

/** An object that lies in the public bucket. */
export interface FoundObject {
  readonly key: string;
  readonly region: string;
  /** `markOf` it; empty: it is not known to be ours. */
  readonly mark: string;
}

/** Calls of R2 at once. */
const AT_ONCE = 6;

/**
 * @param bucket the public one
 * @param state from the log
 * @param regions of the configuration
 * @returns all that lies under Publisher's names
 */
export async function inventory(
  bucket: BucketPort,
  state: RestoredState,
  regions: readonly string[],
): Promise<FoundObject[]> {
  const found: FoundObject[] = [];
  for (const region of regions) {
    const expected = expectedOf(state, region);
    const marks = [
      ...(await bucket.marks(`v1/${region}/`)),
      ...(await bucket.marks(`${countryIndexPath()}/${region}/`)),
    ];
    for (let at = 0; at < marks.length; at += AT_ONCE) {
      const part = marks.slice(at, at + AT_ONCE).map(async ([key, mark]): Promise<FoundObject> => {
        const hash = expected.get(key);
        // The log doesn't say what a compact form is: it is put anew from the records.
        const isOther = isCompactPath(key) || (hash !== undefined && (await bucket.head(key))?.sha256 !== hash);
        return { key, region, mark: isOther ? '' : mark };
      });
      found.push(...(await Promise.all(part)));
    }
  }
  const tree = await bucket.marks(versionIndexPath());
  for (const key of [versionIndexPath(), countryIndexPath()]) {
    const mark = tree.get(key);
    if (mark !== undefined) found.push({ key, region: EVERY_REGION, mark });
  }
  return found;
}

/** @returns what the log says lies under names, lists and the head left out, which are put anew: name → SHA-256, hex */
function expectedOf(state: RestoredState, region: string): Map<string, string> {
  const expected = new Map<string, string>();
  const note = (name: string, files: readonly SealedFile[], cwa: SealedFile): void => {
    for (const file of files) expected.set(chunkPath(region, file.sha256), hexOf(file));
    expected.set(name, hexOf(cwa));
  };
  for (const { region: own, hour, sealed } of state.regionHours) {
    if (own === region && sealed !== null) {
      note(hourPath(region, dateOfHour(hour), hourOfDay(hour)), sealed.files, sealed.cwa);
    }
  }
  for (const { region: own, day, sealed } of state.regionDays) {
    if (own === region && sealed !== null) {
      note(dayPath(region, dateOf(day * SECONDS_PER_DAY)), sealed.files, sealed.cwa);
    }
  }
  for (const { region: own, files } of state.revocations) {
    if (own === region) for (const file of files) expected.set(chunkPath(region, file.sha256), hexOf(file));
  }
  const google = state.googleDays.filter((day) => day.region === region);
  for (const { key, file } of googleFilesOf(google)) expected.set(key, hexOf(file));
  for (const plan of state.pending) {
    if (plan.region === region) for (const { key, text } of plan.pages) expected.set(key, toHex(sha256(utf8(text))));
  }
  return expected;
}

const hexOf = ({ sha256: name }: SealedFile): string => toHex(fromBase64Url(name));
