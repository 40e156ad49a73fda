/**
 * @module What peers are given (docs/architecture.md §9, decision 052): of each hour that phones can read in every region, the keys that go to a feed as numbered batches, in the public export's
 * format and in DP-3T's, then the document that says which batches there are. Batches are made of private records, as public chunks are, and hold what was taken back of theirs, as REVOKED.
 *
 * Durable order: objects are noted, then put; then one transaction keeps the batches, moves the feed and fixes the log's entry; the document follows when the entry is in the bucket. A crash
 * before the transaction repeats the step with the same numbers and bytes: nothing names them yet. A crash before the document leaves the former one, whose batches are all there.
 * At the end of a batch its objects are deleted, then its rows: no document that is still valid names it. So none ends before the one before it: the document names all from its first on.
 */
import { splitEvenly } from '../../domain/chunk-policy.ts';
import { GRACE_SECONDS, type BuiltFile, type ObjectMeta } from '../../domain/publication/built-file.ts';
import { feedsOf } from '../../domain/publication/feeds.ts';
import { dayOfSealing } from '../../domain/publication/head.ts';
import { RecordMerge, wholeRecord, type RunSource } from '../../domain/publication/record-merge.ts';
import { takenSources } from '../../domain/publication/revoked-rows.ts';
import { ExposedListWriter } from '../../protocol/feed/exposed-list.ts';
import type { FeedLatest, GaenLatest } from '../../protocol/feed/latest.ts';
import { feedKey, feedPath, JWKS_KEY, type FeedPath } from '../../protocol/feed/names.ts';
import { jwkOf, signAnswer } from '../../protocol/feed/signature.ts';
import { SECONDS_PER_DAY, hourEnd, hourStart } from '../../protocol/gaen/intervals.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { mergePorts, signFile } from './chunk-files.ts';
import type { FeedBatch, FeedState } from './feed-store.ts';
import { putOwn } from './own-objects.ts';
import type { Publication } from './publication.ts';
import { bookOf } from './revoke-ops.ts';

/** An hour is sealed by then; consumers add up to a minute of their own. */
const POLL_AFTER_SECONDS = 600;
const JSON_TYPE = 'application/json';
/** Batches forgotten at once: two objects each. */
const FORGET_AT_ONCE = 500;
/** No key of a fresh hour has left yet. */
const NO_CUT = -1;
/** Custom metadata of an object: the header of its answer. */
const SIGNATURE = 'signature';

/**
 * @returns whether a step of any feed was taken
 * @throws Error of the first feed that failed, when no other has a step left: a feed's trouble is its own
 */
export async function feedStep(p: Publication): Promise<boolean> {
  const indexed = Math.min(...p.config.regions.map((region) => p.store.head(region)?.throughHour ?? -1));
  let trouble: unknown = null;
  for (const feed of p.config.feeds) {
    try {
      if (indexed >= 0 && (await stepOf(p, feed, indexed))) return true;
    } catch (error) {
      p.store.count('alert_feed_failed');
      trouble ??= error;
    }
  }
  if (await forgetBatches(p)) return true;
  if (trouble !== null) throw trouble;
  return false;
}

async function stepOf(p: Publication, feed: string, indexed: number): Promise<boolean> {
  const state = p.feeds.state(feed);
  const next = nextHour(p, state, indexed);
  if (next !== null) {
    const until = Math.max(fedHour(p, next).until, p.feeds.lastUntil(feed));
    const batches = await putBatches(p, feed, { hour: next, batch: state.lastBatch + 1, until });
    p.store.transaction(() => {
      for (const batch of batches) p.feeds.putBatch(batch);
      p.feeds.putState({ ...state, lastBatch: state.lastBatch + batches.length, throughHour: next });
      const [first] = batches;
      if (first === undefined) return;
      const files = batches.map(({ file }) => file);
      p.log.append({ kind: 'fed', feed, hour: next, batch: first.batch, until: first.until, files });
      p.store.count(
        `keys_fed_${feed}`,
        files.reduce((sum, { keys }) => sum + keys, 0),
      );
    });
    return true;
  }
  if (state.shownHour >= indexed) return false;
  await putLatest(p, state, indexed);
  p.feeds.putState({ ...state, throughHour: indexed, shownHour: indexed });
  return true;
}

/** @returns the next hour that may have something for the feed: keys that were recorded for it, or rows that were taken back */
function nextHour(p: Publication, { feed, throughHour }: FeedState, indexed: number): number | null {
  const hours = p.store.hoursBetween(throughHour + 1, indexed);
  return hours.find(({ hour, record }) => record?.feeds?.includes(feed) || p.takings.taking(hour))?.hour ?? null;
}

/** What of an hour goes to a feed. */
interface FedHour {
  readonly keys: readonly RunSource[];
  readonly revoked: readonly RunSource[];
  /** The midnight at which the last of these rows leaves. */
  readonly until: number;
}

function fedHour(p: Publication, hour: number): FedHour {
  const { record } = p.store.hour(hour);
  const keys = record === null ? [] : wholeRecord(record, NO_CUT, hour);
  const revoked = takenSources(bookOf(p), [hour], dayOfSealing(hour));
  return { keys, revoked, until: Math.max(0, ...[...keys, ...revoked].map(({ day }) => day)) };
}

/** @returns a merge over the rows of a feed; of records that were not meant for it none */
function mergeOf(p: Publication, feed: string, sources: readonly RunSource[]): RecordMerge {
  const [home = ''] = p.config.regions;
  const accepts: RunSource['accepts'] = (about, { feeds = [] }) => feedsOf(about, feeds, home).includes(feed);
  return new RecordMerge(
    mergePorts(p),
    home,
    sources.map((source) => ({ ...source, accepts })),
  );
}

async function countRows(p: Publication, feed: string, sources: readonly RunSource[]): Promise<number> {
  const merge = mergeOf(p, feed, sources);
  const rows = await merge.take(Infinity, () => {});
  merge.close();
  return rows;
}

/**
 * Puts the batches of an hour: the first time, and again when one was lost.
 *
 * @param of.hour whose rows they hold
 * @param of.batch number of the first
 * @param of.until midnight at which they go
 * @param isRight says of a file that was made whether it is put; left out: each is
 * @returns the batches, none when nothing of the hour goes to the feed; the same bytes each time, as long as no key has left
 */
async function putBatches(
  p: Publication,
  feed: string,
  { hour, batch: first, until }: Pick<FeedBatch, 'hour' | 'batch' | 'until'>,
  isRight: (batch: FeedBatch) => boolean = () => true,
): Promise<FeedBatch[]> {
  const { keys: sources, revoked: takenRows } = fedHour(p, hour);
  const [keys, revoked] = [await countRows(p, feed, sources), await countRows(p, feed, takenRows)];
  if (keys + revoked === 0) return [];
  const merges = [mergeOf(p, feed, sources), mergeOf(p, feed, takenRows)] as const;
  const sizes = splitEvenly(keys, p.config.policy.maxKeysPerFile);
  const batches: FeedBatch[] = [];
  for (const [index, size] of sizes.entries()) {
    // As in public files, seconds tell those of an hour apart (docs/spec/gaen.md §4.4).
    const window = { start: hourStart(hour), end: hourEnd(hour) + (sizes.length > 1 ? index + 1 : 0) };
    const isLast = index === sizes.length - 1;
    const withRevoked = isLast && revoked > 0 ? { merge: merges[1], keys: revoked } : null;
    const list = new ExposedListWriter(hourEnd(hour), size + (withRevoked?.keys ?? 0));
    const file = await signFile(p, p.config.regions[0]!, window, merges[0], size, withRevoked, (key) => list.add(key));
    const batch = { feed, batch: first + index, hour, until, file: file.sealed };
    if (!isRight(batch)) continue;
    await putBatch(p, batch, file, list.finish());
    batches.push(batch);
  }
  for (const merge of merges) merge.close();
  return batches;
}

async function putBatch(
  p: Publication,
  { feed, batch, hour, until }: FeedBatch,
  file: BuiltFile,
  list: Uint8Array,
): Promise<void> {
  const about = { issuedAt: hourEnd(hour), expires: until * SECONDS_PER_DAY };
  const age = Math.max(0, about.expires - about.issuedAt);
  // By which `federation` counts what a peer was given.
  const custom = { keys: String(file.sealed.keys + (file.sealed.revoked ?? 0)) };
  // Whose certificate it was for decides what lies under a path: no cache between may answer another.
  const meta = { cacheControl: `private, max-age=${age}, immutable`, expires: about.expires, custom };
  const zip = { ...meta, contentType: 'application/zip', custom: { ...custom, ...file.identity } };
  await putSigned(p, { feed, view: 'keys', batch }, file.zip, zip, about);
  await putSigned(p, { feed, view: 'gaen', batch }, list, { ...meta, contentType: 'application/x-protobuf' }, about);
}

async function putLatest(p: Publication, { feed, lastBatch }: FeedState, hour: number): Promise<void> {
  const issuedAt = hourEnd(hour);
  const validUntil = issuedAt + GRACE_SECONDS;
  // What goes while this document is valid isn't named any more.
  const oldest = p.feeds.batches(feed).find(({ until }) => until * SECONDS_PER_DAY > validUntil)?.batch;
  const gaen: GaenLatest = {
    latestBatchId: lastBatch,
    recommendedNextPollTime: hourEnd(hour + 1) + POLL_AFTER_SECONDS,
  };
  const [region = ''] = p.config.regions;
  const latest: FeedLatest = { feed, region, oldestBatchId: oldest ?? lastBatch + 1, ...gaen, issuedAt, validUntil };
  const meta: ObjectMeta = { contentType: JSON_TYPE, cacheControl: 'private, max-age=60', expires: null };
  const about = { issuedAt, expires: validUntil };
  await putSigned(p, { feed, view: 'keys', batch: null }, utf8(JSON.stringify(latest)), meta, about);
  await putSigned(p, { feed, view: 'gaen', batch: null }, utf8(JSON.stringify(gaen)), meta, about);
  const jwks = { keys: [jwkOf(p.config.feedKeyId, p.config.exportPublicKey)] };
  p.feeds.noteObject(JWKS_KEY);
  const shared = { ...meta, cacheControl: 'public, max-age=3600' };
  await putOwn(p.ownFeeds, JWKS_KEY, utf8(JSON.stringify(jwks)), shared);
}

/** Puts an object with the header of its answer, which is bound to the URL that peers ask for. */
async function putSigned(
  p: Publication,
  path: FeedPath & { readonly feed: string },
  body: Uint8Array,
  meta: ObjectMeta,
  about: { readonly issuedAt: number; readonly expires: number },
): Promise<void> {
  const { feedUrl, feedKeyId: kid, feedSigner: signer } = p.config;
  const signature = signAnswer(
    { url: `${feedUrl}${feedPath(path)}`, body, feed: path.feed, ...about },
    { kid, signer },
  );
  const key = feedKey(path.feed, path.view, path.batch);
  p.feeds.noteObject(key);
  await putOwn(p.ownFeeds, key, body, { ...meta, custom: { ...meta.custom, [SIGNATURE]: signature } });
}

/** Of feeds that the configuration doesn't name any more, too. */
async function forgetBatches(p: Publication): Promise<boolean> {
  const doomed = p.feeds.doomed(Math.floor(p.now / SECONDS_PER_DAY), FORGET_AT_ONCE);
  if (doomed.length === 0) return false;
  const keys = doomed.flatMap(({ feed, batch }) => [feedKey(feed, 'keys', batch), feedKey(feed, 'gaen', batch)]);
  await p.ownFeeds.bucket.delete(keys);
  p.store.transaction(() => p.feeds.forget(doomed, keys));
  return true;
}

/** Looks whether all that peers are told to fetch is there and is ours, and puts again what isn't (docs/architecture.md §5.10). */
export async function patrolFeeds(p: Publication): Promise<void> {
  if (p.config.feeds.length === 0) return;
  const marks = await p.ownFeeds.bucket.marks('');
  const isWrong = (key: string): boolean => {
    const before = p.feeds.remembered(key);
    const mark = marks.get(key);
    if (before?.mark === null && mark !== undefined) p.feeds.settle(key, mark);
    return before !== null && (mark === undefined || (before.mark !== null && before.mark !== mark));
  };
  for (const feed of p.config.feeds) {
    const state = p.feeds.state(feed);
    const wrong = p.feeds
      .batches(feed)
      .filter(({ batch }) => isWrong(feedKey(feed, 'keys', batch)) || isWrong(feedKey(feed, 'gaen', batch)));
    for (const [hour, lost] of Map.groupBy(wrong, (batch) => batch.hour)) await mend(p, feed, hour, lost);
    const documents = [feedKey(feed, 'keys', null), feedKey(feed, 'gaen', null), JWKS_KEY];
    if (state.shownHour >= 0 && documents.some(isWrong)) await putLatest(p, state, state.shownHour);
  }
}

/** A batch some of whose keys have left can't be made again: that it is gone is counted, and its number stays. */
async function mend(p: Publication, feed: string, hour: number, lost: readonly FeedBatch[]): Promise<void> {
  // The number of the hour's first and its end decide the bytes of the answers' signatures.
  const first = p.feeds.batches(feed).find((batch) => batch.hour === hour)!;
  const isRight = ({ batch, file }: FeedBatch): boolean =>
    lost.some((one) => one.batch === batch && one.file.sha256 === file.sha256);
  const mended = await putBatches(p, feed, first, isRight).catch(() => []);
  p.store.count('alert_feed_batch_lost', lost.length - mended.length);
}
