/**
 * @module Objects of the public bucket made again from private records and what the event log says of them, byte for byte, by no key that
 * signs: signatures were recorded (docs/event-log.md). The same code as the first time; only the signature isn't made but taken.
 */
import { dateOf, dateOfHour, hourEnd, hourOfDay, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { dayPath, hourPath } from '../../protocol/index/cwa-tree.ts';
import { googleIndexPath } from '../../protocol/index/google-index.ts';
import { headPath, MANIFEST_TYPE } from '../../protocol/index/manifest.ts';
import { documentOf } from '../../protocol/index/signed-document.ts';
import { fromBase64Url, toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { EventOf, LoggedSlice, SealedFile } from '../event-log/entry.ts';
import {
  buildFile,
  dayExpires,
  hourExpires,
  chunkObjects,
  immutableZip,
  replacedZip,
  sliceSources,
  type BuiltFile,
  type ObjectMeta,
} from './built-file.ts';
import { googleFileKey, googleZipMeta, planWindow, type ExportedDay } from './google-files.ts';
import { commonLists, dayOfSealing, HEAD_META, listMeta, pageMeta } from './head.ts';
import { composedOf, payloadHash, type PublishedFiles } from './published-head.ts';
import { RecordMerge, wholeRecord, type MergePorts, type RunSource } from './record-merge.ts';
import type { RecordBook } from './record.ts';
import { hoursOfDay, hoursWithin, takenExpires, takenSealed, takenSources } from './revoked-rows.ts';
import type { Workspace } from './workspace.ts';

/** An object of the public bucket. */
export interface RebuiltObject {
  readonly name: string;
  /** May lie in memory that the next object is made in. */
  readonly bytes: Uint8Array;
  readonly meta: ObjectMeta;
}

/** With what objects are made again. */
export interface RebuildPorts extends Omit<MergePorts, 'workspace'>, RecordBook {
  readonly workspace: Workspace;
}

/** The records don't give what was sealed. */
export class RebuildMismatch extends Error {
  override readonly name = 'RebuildMismatch';
}

/** No key of a fresh hour has left yet. */
const NO_CUT = -1;

/** What was sealed of an hour: an entry of the log, or Publisher's own row. */
export type SealedHourFiles = Pick<EventOf<'written'>, 'region' | 'hour' | 'files' | 'cwa'>;
/** What was sealed of a day. */
export type SealedDayFiles = Pick<EventOf<'cut'>, 'region' | 'day' | 'cut' | 'revised' | 'files' | 'cwa'>;
/** What was sealed of rows that were taken back. */
export type SealedRevocation = Pick<EventOf<'revoked'>, 'region' | 'hour' | 'cut' | 'files'>;

/**
 * @param sealed files of an hour
 * @returns its chunks and CWA's ZIP, one after the other
 * @throws RebuildMismatch naming the file; Error when a record lacks rows
 */
export async function* rebuildHour(r: RebuildPorts, sealed: SealedHourFiles): AsyncGenerator<RebuiltObject> {
  const { region, hour, files, cwa } = sealed;
  const record = r.recordOf(hour);
  const name = hourPath(region, dateOfHour(hour), hourOfDay(hour));
  const meta = (file: BuiltFile): ObjectMeta => immutableZip(file, hourEnd(hour), hourExpires(hour));
  yield* rebuildFiles(r, region, {
    files,
    chunks: record === null ? [] : wholeRecord(record, NO_CUT, hour),
    sealed: hourEnd(hour),
    expires: hourExpires(hour),
    cwa: {
      name,
      file: cwa.file,
      meta,
      sources: () => sliceSources(r.recordOf, cwa.slices, NO_CUT, hour),
      revoked: () => shownIn(r, cwa.file, region, [hour], dayOfSealing(hour)),
    },
  });
}

/**
 * @param sealed files of one cut of a day
 * @param slices that CWA's tree showed in the hours of the day
 * @returns its chunks and CWA's ZIP, one after the other
 * @throws RebuildMismatch naming the file; Error when a record lacks rows
 */
export async function* rebuildDay(
  r: RebuildPorts,
  sealed: SealedDayFiles,
  slices: readonly LoggedSlice[],
): AsyncGenerator<RebuiltObject> {
  const { region, day, cut, revised = -1, files, cwa } = sealed;
  const hours = hoursOfDay(day);
  const records = hours.flatMap((hour) => r.recordOf(hour) ?? []);
  const expires = dayExpires(day, cut, records, r.retentionDays);
  yield* rebuildFiles(r, region, {
    files,
    chunks: records.flatMap((record) => wholeRecord(record, cut, revised)),
    sealed: (day + 1) * SECONDS_PER_DAY,
    expires,
    cwa: {
      name: dayPath(region, dateOf(day * SECONDS_PER_DAY)),
      file: cwa.file,
      meta: (file) => replacedZip(file, expires),
      sources: () => sliceSources(r.recordOf, slices, cut, revised),
      revoked: () => shownIn(r, cwa.file, region, hours, cut),
    },
  });
}

/** @returns the rows that a file of CWA's tree says are taken back: those of as many hours as fitted into it */
function shownIn(r: RebuildPorts, { revoked = 0 }: SealedFile, region: string, hours: readonly number[], cut: number) {
  return takenSources(r, hoursWithin(r, region, hours, cut, revoked), cut);
}

/**
 * @param sealed files of one cut of the rows that were taken back with an hour
 * @returns them, one after the other
 * @throws RebuildMismatch naming the file; Error when a record lacks rows
 */
export async function* rebuildRevocation(r: RebuildPorts, sealed: SealedRevocation): AsyncGenerator<RebuiltObject> {
  const { region, hour, cut, files } = sealed;
  const [none, revoked] = [mergeOf(r, region, []), mergeOf(r, region, takenSources(r, [hour], cut))];
  for (const one of files) {
    const file = await rebuildFile(r, region, one, none, revoked);
    yield* chunkObjects(region, file, takenSealed(hour, cut), takenExpires(r, hour, cut));
  }
  revoked.close();
}

/**
 * @param day one of Google's view
 * @returns its files, one after the other
 * @throws RebuildMismatch naming the file; Error when a record lacks rows
 */
export async function* rebuildExported(
  r: RebuildPorts,
  { region, periods }: ExportedDay,
): AsyncGenerator<RebuiltObject> {
  for (const { hour: first, through, files } of periods) {
    const state = { region, first, through };
    // As it was divided: how many rows a file may have is not asked again.
    for (const [index, { n, holds, sources }] of planWindow(r, state, files, Infinity).entries()) {
      const sealed = files[index]?.file ?? null;
      if (sealed === null) continue;
      const [own, none] = [mergeOf(r, region, sources), mergeOf(r, region, [])];
      const file = await rebuildFile(r, region, sealed, holds === 'keys' ? own : none, own);
      own.close();
      yield {
        name: googleFileKey(region, first, n),
        bytes: file.zip,
        meta: googleZipMeta(r, state, file, r.retentionDays),
      };
    }
  }
}

/** @returns what the log says of Google's list among lists; null where it is not among them */
export function indexHash(
  region: string,
  lists: readonly { readonly key: string; readonly text: string }[],
): string | null {
  const list = lists.find(({ key }) => key === googleIndexPath(region));
  return list === undefined ? null : toBase64Url(sha256(utf8(list.text)));
}

interface Files {
  readonly files: readonly SealedFile[];
  readonly chunks: readonly RunSource[];
  /** Unix seconds: of the sealing instant, and when they die at the latest. */
  readonly sealed: number;
  readonly expires: number;
  readonly cwa: {
    readonly name: string;
    readonly file: SealedFile;
    readonly meta: (file: BuiltFile) => ObjectMeta;
    readonly sources: () => readonly RunSource[];
    readonly revoked: () => readonly RunSource[];
  };
}

async function* rebuildFiles(r: RebuildPorts, region: string, span: Files): AsyncGenerator<RebuiltObject> {
  const { files, cwa } = span;
  const merge = mergeOf(r, region, span.chunks);
  const shared = files.length === 1 && files[0]!.sha256 === cwa.file.sha256;
  for (const sealed of files) {
    const file = await rebuildFile(r, region, sealed, merge);
    yield* chunkObjects(region, file, span.sealed, span.expires);
    if (shared) yield { name: cwa.name, bytes: file.zip, meta: cwa.meta(file) };
  }
  merge.close();
  if (shared) return;
  const slices = mergeOf(r, region, cwa.sources());
  const revoked = mergeOf(r, region, (cwa.file.revoked ?? 0) > 0 ? cwa.revoked() : []);
  const file = await rebuildFile(r, region, cwa.file, slices, revoked);
  slices.close();
  revoked.close();
  yield { name: cwa.name, bytes: file.zip, meta: cwa.meta(file) };
}

const mergeOf = (r: RebuildPorts, region: string, sources: readonly RunSource[]): RecordMerge =>
  new RecordMerge(r, region, sources);

async function rebuildFile(
  r: RebuildPorts,
  region: string,
  sealed: SealedFile,
  merge: RecordMerge,
  revoked: RecordMerge | null = null,
): Promise<BuiltFile> {
  const { start, end, keyId, keyVersion, alsoSignedBy, keys, revoked: taken = 0 } = sealed;
  const also = alsoSignedBy === undefined ? {} : { alsoSignedBy };
  const header = { startTimestamp: start, endTimestamp: end, region, keyId, keyVersion, ...also };
  const file = await buildFile(
    r.workspace,
    header,
    merge,
    keys,
    () => fromBase64Url(sealed.sig),
    revoked === null || taken === 0 ? null : { merge: revoked, keys: taken },
  );
  if (file.sealed.sha256 === sealed.sha256) return file;
  throw new RebuildMismatch(`the records of ${region} don't give the file ${sealed.sha256} any more`);
}

/**
 * @param published the region's last
 * @param sealed files and days of what it names
 * @returns pages, lists, those of all regions and the head, in the order in which they are put
 * @throws RebuildMismatch when they give another head than was signed
 */
export function rebuildIndex(published: EventOf<'published'>, sealed: PublishedFiles): RebuiltObject[] {
  const { region, sequence, head } = published;
  const composed = composedOf(published, sealed);
  const { payload, pages, lists } = composed;
  if (payloadHash(composed) !== published.payloadSha256) {
    throw new RebuildMismatch(`what was sealed of ${region} doesn't give head ${sequence}`);
  }
  if (indexHash(region, lists) !== (published.index ?? null)) {
    throw new RebuildMismatch(`what was sealed of ${region} doesn't give the index.txt of head ${sequence}`);
  }
  return [
    ...pages.map(({ key, text, expires }) => ({ name: key, bytes: utf8(text), meta: pageMeta(expires) })),
    ...[...lists, ...commonLists(published.regions)].map(({ key, text }) => ({
      name: key,
      bytes: utf8(text),
      meta: listMeta(key),
    })),
    {
      name: headPath(region),
      bytes: utf8(documentOf(MANIFEST_TYPE, head.key, payload, head.signature)),
      meta: HEAD_META,
    },
  ];
}
