/**
 * @module What peers are given (docs/architecture.md §9, decision 052): of each hour that phones can read in every region, the keys that go to a feed as numbered batches, in the public export's
 * format and in DP-3T's, then the document that says which batches there are. Batches are made of private records, as public chunks are, and hold what was taken back of theirs, as REVOKED.
 *
 * Durable order: objects are noted, then put; then one transaction keeps the batches, moves the feed and fixes the log's entry; the document follows when the entry is in the bucket. A crash
 * before the transaction repeats the step with the same numbers and bytes: nothing names them yet. A crash before the document leaves the former one, whose batches are all there.
 * At the end of a batch its objects are deleted, then its rows: no document that is still valid names it. So none ends before the one before it: the document names all from its first on.
 */
import { splitEvenly } from '../../domain/chunk-policy.ts';
import {
  batchAnswers,
  DOCUMENT_META,
  documentAnswers,
  fedHour,
  fedMerge,
  makeBatches,
  signedAbout,
  signedObject,
  type FeedAnswer,
  type FeedBatch,
} from '../../domain/publication/fed.ts';
import type { RunSource } from '../../domain/publication/record-merge.ts';
import { exportSignature, type ExportHeader } from '../../protocol/export/export-file.ts';
import { feedKey, JWKS_KEY } from '../../protocol/feed/names.ts';
import { jwkOf, signAnswer } from '../../protocol/feed/signature.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { mergePorts } from './chunk-files.ts';
import type { FeedState } from './feed-store.ts';
import { putOwn } from './own-objects.ts';
import type { Publication } from './publication.ts';
import { bookOf } from './revoke-ops.ts';

/** Batches forgotten at once: two objects each. */
const FORGET_AT_ONCE = 500;

/** The region whose keys these are. */
const homeOf = ({ config }: Publication): string => config.regions[0] ?? '';

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
    const until = Math.max(fedHour(bookOf(p), next).until, p.feeds.lastUntil(feed));
    const batches = await putBatches(p, feed, { hour: next, batch: state.lastBatch + 1, until });
    p.store.transaction(() => {
      for (const batch of batches) p.feeds.putBatch(batch);
      p.feeds.putState({ ...state, lastBatch: state.lastBatch + batches.length, throughHour: next });
      const [first] = batches;
      if (first === undefined) return;
      const files = batches.map(({ file }) => file);
      const answers = batches.map((batch) => batch.answers);
      const url = p.config.feedUrl;
      p.log.append({ kind: 'fed', feed, hour: next, batch: first.batch, until: first.until, files, url, answers });
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

async function countRows(p: Publication, feed: string, sources: readonly RunSource[]): Promise<number> {
  const merge = fedMerge(mergePorts(p), homeOf(p), feed, sources);
  const rows = await merge.take(Infinity, () => {});
  merge.close();
  return rows;
}

/** A batch that was put, and the headers of its answers. */
interface PutBatch extends FeedBatch {
  readonly answers: Readonly<Record<'keys' | 'gaen', string>>;
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
  { hour, batch, until }: Pick<FeedBatch, 'hour' | 'batch' | 'until'>,
  isRight: (batch: FeedBatch) => boolean = () => true,
): Promise<PutBatch[]> {
  const book = bookOf(p);
  const rows = fedHour(book, hour);
  const [keys, revoked] = [await countRows(p, feed, rows.keys), await countRows(p, feed, rows.revoked)];
  if (keys + revoked === 0) return [];
  const { exportKeyId: keyId, exportKeyVersion: keyVersion, exportSigner } = p.config;
  const files = splitEvenly(keys, p.config.policy.maxKeysPerFile).map((size, index, { length }) => ({
    keys: size,
    revoked: index === length - 1 ? revoked : 0,
    keyId,
    keyVersion,
    sign: (header: ExportHeader, bin: Uint8Array) => exportSignature(header, bin, exportSigner),
  }));
  const made = { book, home: homeOf(p), ports: mergePorts(p), workspace: p.workspace };
  const batches: PutBatch[] = [];
  for await (const { batch: own, file, list } of makeBatches(made, { feed, hour, batch, until }, files)) {
    if (!isRight(own)) continue;
    const [zip, gaen] = batchAnswers(own, file, list);
    batches.push({ ...own, answers: { keys: await putSigned(p, zip), gaen: await putSigned(p, gaen) } });
  }
  return batches;
}

async function putLatest(p: Publication, { feed, lastBatch }: FeedState, hour: number): Promise<void> {
  const batches = p.feeds.batches(feed);
  for (const answer of documentAnswers({ feed, lastBatch, hour, batches }, homeOf(p))) await putSigned(p, answer);
  const jwks = { keys: [jwkOf(p.config.feedKeyId, p.config.exportPublicKey)] };
  p.feeds.noteObject(JWKS_KEY);
  const shared = { ...DOCUMENT_META, cacheControl: 'public, max-age=3600' };
  await putOwn(p.ownFeeds, JWKS_KEY, utf8(JSON.stringify(jwks)), shared);
}

/** Puts an object with the header of its answer, which is bound to the URL that peers ask for. @returns the signature in it, base64url */
async function putSigned(p: Publication, answer: FeedAnswer): Promise<string> {
  const { feedUrl, feedKeyId: kid, feedSigner: signer } = p.config;
  const token = signAnswer(signedAbout(answer, feedUrl), { kid, signer });
  const { name, bytes, meta } = signedObject(answer, token);
  p.feeds.noteObject(name);
  await putOwn(p.ownFeeds, name, bytes, meta);
  return token.slice(token.lastIndexOf('.') + 1);
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
