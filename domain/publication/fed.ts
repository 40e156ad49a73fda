/**
 * @module What a feed has of an hour (docs/architecture.md §9, decision 052), as objects of the bucket of feeds: batches in the public export's format and in DP-3T's, and the document that says which there are. Made
 * of private records, the first time with a key that signs and in a rebuild with the signatures that were recorded (docs/event-log.md): the same bytes and headers.
 */
import type { ExportHeader } from '../../protocol/export/export-file.ts';
import type { ExportFile } from '../../protocol/export/export-reader.ts';
import { ExposedListWriter } from '../../protocol/feed/exposed-list.ts';
import type { FeedLatest, GaenLatest } from '../../protocol/feed/latest.ts';
import { feedKey, feedPath, type FeedPath } from '../../protocol/feed/names.ts';
import type { SignedAnswer } from '../../protocol/feed/signature.ts';
import { hourEnd, hourStart, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import type { SealedFile } from '../event-log/entry.ts';
import { buildFile, GRACE_SECONDS, type BuiltFile, type ObjectMeta } from './built-file.ts';
import { feedsOf } from './feeds.ts';
import { dayOfSealing } from './head.ts';
import { RecordMerge, wholeRecord, type MergePorts, type RunSource } from './record-merge.ts';
import type { RecordBook } from './record.ts';
import { takenSources } from './revoked-rows.ts';
import type { Workspace } from './workspace.ts';

/** An hour is sealed by then; consumers add up to a minute of their own. */
const POLL_AFTER_SECONDS = 600;
/** No key of a fresh hour has left yet. */
const NO_CUT = -1;
/** Custom metadata of an object: the header of its answer. */
const SIGNATURE = 'signature';

/** One batch, for good. */
export interface FeedBatch {
  readonly feed: string;
  readonly batch: number;
  /** With which its keys were published, or taken back. */
  readonly hour: number;
  /** The midnight at which it goes, with its last key and not before the batch before it: days since the Unix epoch. */
  readonly until: number;
  readonly file: SealedFile;
}

/** Rows of an hour, of all feeds. */
export interface FedHour {
  readonly keys: readonly RunSource[];
  /** Rows that were taken back with it. */
  readonly revoked: readonly RunSource[];
  /** The midnights at which the first and the last of these rows leave; 0 where there are none: days since the Unix epoch. */
  readonly since: number;
  readonly until: number;
}

/** @returns see {@link FedHour} */
export function fedHour(book: RecordBook, hour: number): FedHour {
  const record = book.recordOf(hour);
  const keys = record === null ? [] : wholeRecord(record, NO_CUT, hour);
  const revoked = takenSources(book, [hour], dayOfSealing(hour));
  const days = [...keys, ...revoked].map(({ day }) => day);
  return { keys, revoked, since: days.length === 0 ? 0 : Math.min(...days), until: Math.max(0, ...days) };
}

/** @returns a merge over the rows of a feed; of records that were not meant for it none */
export function fedMerge(ports: MergePorts, home: string, feed: string, sources: readonly RunSource[]): RecordMerge {
  const accepts: RunSource['accepts'] = (about, { feeds = [] }) => feedsOf(about, feeds, home).includes(feed);
  return new RecordMerge(
    ports,
    home,
    sources.map((source) => ({ ...source, accepts })),
  );
}

/** One file of an hour: how much of its rows, and who signs. */
export interface FedFile {
  readonly keys: number;
  /** 0: none. */
  readonly revoked: number;
  readonly keyId: string;
  readonly keyVersion: string;
  /** export.bin → export.sig */
  readonly sign: (header: ExportHeader, exportBin: Uint8Array) => Uint8Array;
}

/** A batch that was made. */
export interface MadeBatch {
  readonly batch: FeedBatch;
  /** Lies in memory that the next batch is made in. */
  readonly file: BuiltFile;
  /** DP-3T's view of it. */
  readonly list: Uint8Array;
}

/**
 * @param with.home the region whose keys these are
 * @param of.batch number of the first
 * @param files of the hour, in their order
 * @returns a batch for each, one after the other
 * @throws Error when the records have fewer rows
 */
export async function* makeBatches(
  { book, home, ports, workspace }: { book: RecordBook; home: string; ports: MergePorts; workspace: Workspace },
  { feed, hour, batch: first, until }: Omit<FeedBatch, 'file'>,
  files: readonly FedFile[],
): AsyncGenerator<MadeBatch> {
  const rows = fedHour(book, hour);
  const keys = fedMerge(ports, home, feed, rows.keys);
  const revoked = fedMerge(ports, home, feed, rows.revoked);
  for (const [index, one] of files.entries()) {
    const { keyId, keyVersion } = one;
    // As in public files, seconds tell those of an hour apart (docs/spec/gaen.md §4.4).
    const endTimestamp = hourEnd(hour) + (files.length > 1 ? index + 1 : 0);
    const header = { startTimestamp: hourStart(hour), endTimestamp, region: home, keyId, keyVersion };
    const list = new ExposedListWriter(hourEnd(hour), one.keys + one.revoked);
    const file = await buildFile(
      workspace,
      header,
      keys,
      one.keys,
      (bin) => one.sign(header, bin),
      one.revoked === 0 ? null : { merge: revoked, keys: one.revoked },
      (key) => list.add(key),
    );
    yield { batch: { feed, batch: first + index, hour, until, file: file.sealed }, file, list: list.finish() };
  }
  keys.close();
  revoked.close();
}

/** @param file of a batch that has its bytes @returns DP-3T's view of it */
export function listOf({ keys, revisedKeys }: ExportFile, hour: number): Uint8Array {
  const list = new ExposedListWriter(hourEnd(hour), keys.length + revisedKeys.length);
  for (const key of [...keys, ...revisedKeys]) list.add(key);
  return list.finish();
}

/** An object of the bucket of feeds, whose answer is signed. */
export interface FeedAnswer extends Required<Omit<SignedAnswer, 'url'>> {
  readonly path: FeedPath & { readonly feed: string };
  readonly meta: ObjectMeta;
  /** Unix seconds. */
  readonly issuedAt: number;
  readonly expires: number;
}

/** @returns the objects of a batch: ours, and DP-3T's beside it */
export function batchAnswers(
  { feed, batch, hour, until, file: sealed }: FeedBatch,
  { zip, identity }: Pick<BuiltFile, 'zip' | 'identity'>,
  list: Uint8Array,
): readonly [FeedAnswer, FeedAnswer] {
  const about = { feed, issuedAt: hourEnd(hour), expires: until * SECONDS_PER_DAY };
  const age = Math.max(0, about.expires - about.issuedAt);
  // By which `federation` counts what a peer was given.
  const custom = { keys: String(sealed.keys + (sealed.revoked ?? 0)) };
  // Whose certificate it was for decides what lies under a path: no cache between may answer another.
  const meta = { cacheControl: `private, max-age=${age}, immutable`, expires: about.expires, custom };
  const zipMeta = { ...meta, contentType: 'application/zip', custom: { ...custom, ...identity } };
  return [
    { ...about, path: { feed, view: 'keys', batch }, body: zip, meta: zipMeta },
    {
      ...about,
      path: { feed, view: 'gaen', batch },
      body: list,
      meta: { ...meta, contentType: 'application/x-protobuf' },
    },
  ];
}

/**
 * @param of.hour the last that peers are told of
 * @param of.lastBatch 0 before the first
 * @param of.batches that are there
 * @returns the documents that say which batches there are, ours and DP-3T's
 */
export function documentAnswers(
  {
    feed,
    lastBatch,
    hour,
    batches,
  }: { feed: string; lastBatch: number; hour: number; batches: readonly Omit<FeedBatch, 'file'>[] },
  region: string,
): readonly [FeedAnswer, FeedAnswer] {
  const issuedAt = hourEnd(hour);
  const validUntil = issuedAt + GRACE_SECONDS;
  // What goes while this document is valid isn't named any more.
  const oldest = batches.find(({ until }) => until * SECONDS_PER_DAY > validUntil)?.batch;
  const gaen: GaenLatest = {
    latestBatchId: lastBatch,
    recommendedNextPollTime: hourEnd(hour + 1) + POLL_AFTER_SECONDS,
  };
  const latest: FeedLatest = { feed, region, oldestBatchId: oldest ?? lastBatch + 1, ...gaen, issuedAt, validUntil };
  const about = { feed, meta: DOCUMENT_META, issuedAt, expires: validUntil };
  return [
    { ...about, path: { feed, view: 'keys', batch: null }, body: utf8(JSON.stringify(latest)) },
    { ...about, path: { feed, view: 'gaen', batch: null }, body: utf8(JSON.stringify(gaen)) },
  ];
}

/** Headers of a document. */
export const DOCUMENT_META: ObjectMeta = {
  contentType: 'application/json',
  cacheControl: 'private, max-age=60',
  expires: null,
};

/** @param feedUrl where peers ask @returns what the answer's signature is about */
export function signedAbout({ path, body, feed, issuedAt, expires }: FeedAnswer, feedUrl: string) {
  return { url: `${feedUrl}${feedPath(path)}`, body, feed, issuedAt, expires };
}

/** @param token the header of the answer @returns the object, as it is put */
export function signedObject({ path, body, meta }: FeedAnswer, token: string) {
  const name = feedKey(path.feed, path.view, path.batch);
  return { name, bytes: body, meta: { ...meta, custom: { ...meta.custom, [SIGNATURE]: token } } };
}
