/**
 * @module Objects of the bucket of feeds made again, byte for byte (docs/event-log.md): of private records while each of the batch's keys is there, and of a batch's own ZIP after that. By no key that signs:
 * signatures were recorded.
 */
import { readExportZip } from '../../protocol/export/export-reader.ts';
import { parseFeedLatest, parseGaenLatest } from '../../protocol/feed/latest.ts';
import { feedKey } from '../../protocol/feed/names.ts';
import { answerText, answerToken, jwkId } from '../../protocol/feed/signature.ts';
import { hourEnd, hourOf, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { equalBytes, fromBase64Url, fromUtf8, toBase64Url, toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { EventOf, Fold, LogEvent } from '../event-log/entry.ts';
import { batchAnswers, documentAnswers, fedHour, listOf, makeBatches, signedAbout, signedObject } from './fed.ts';
import type { FeedAnswer } from './fed.ts';
import { RebuildMismatch, type RebuildPorts, type RebuiltObject } from './rebuild.ts';

type Fed = EventOf<'fed'>;

/** What the bucket of feeds must hold. */
export interface FeedPlan {
  /** The region whose keys these are. */
  readonly home: string;
  /** Days since the Unix epoch, by the last publication. */
  readonly today: number;
  /** Of batches that haven't had their time. */
  readonly fed: readonly Fed[];
  /** All that the log has, for documents of former hours. */
  readonly all: readonly Fed[];
  /** Of all checkpoints: a feed that was quiet for weeks has the number of its last batch there alone. */
  readonly folds: readonly Fold[];
}

/** @param events of the log, ascending @returns the plan; null before the first publication */
export function planFeeds(events: readonly LogEvent[]): FeedPlan | null {
  const published = events.findLast((event) => event.kind === 'published');
  if (published === undefined) return null;
  const all = events.filter((event) => event.kind === 'fed');
  const folds = events.flatMap((event) => (event.kind === 'checkpoint' ? [event.fold] : []));
  const today = Math.floor(hourEnd(published.hour) / SECONDS_PER_DAY);
  return { home: published.regions[0] ?? '', today, fed: all.filter(({ until }) => until > today), all, folds };
}

/** @returns whether the records still give the batches of an entry: none of its hour's keys has left, and the headers of its answers were kept */
export function isWhole(r: RebuildPorts, { hour, answers }: Fed, today: number): boolean {
  return answers !== undefined && fedHour(r, hour).since > today;
}

/**
 * @param event whose records are whole
 * @returns its batches in both formats, one after the other
 * @throws RebuildMismatch naming the file; Error when a record lacks rows
 */
export async function* rebuildFed(r: RebuildPorts, home: string, event: Fed): AsyncGenerator<RebuiltObject> {
  const files = event.files.map(({ keys, revoked = 0, keyId, keyVersion, sig }) => {
    return { keys, revoked, keyId, keyVersion, sign: () => fromBase64Url(sig) };
  });
  const made = { book: r, home, ports: r, workspace: r.workspace };
  for await (const { batch, file, list } of makeBatches(made, event, files)) {
    const n = batch.batch - event.batch;
    if (file.sealed.sha256 !== event.files[n]?.sha256) {
      throw new RebuildMismatch(`the records don't give batch ${batch.batch} of ${event.feed} any more`);
    }
    yield* withHeaders(event, n, batchAnswers(batch, file, list));
  }
}

/**
 * @param n of the entry's files
 * @param zip what lies under its name
 * @returns the batch in both formats; null when that isn't what was sealed
 */
export function batchOfZip(event: Fed, n: number, zip: Uint8Array): RebuiltObject[] | null {
  const file = event.files[n];
  if (file === undefined || toBase64Url(sha256(zip)) !== file.sha256) return null;
  const read = readExportZip(zip, null);
  if (!read.ok) throw new RebuildMismatch(`batch ${event.batch + n} of ${event.feed} was sealed so, and can't be read`);
  const identity = { bin: toHex(sha256(read.exportBin)), sig: toHex(sha256(fromBase64Url(file.sig))) };
  const batch = { ...event, batch: event.batch + n, file };
  return [...withHeaders(event, n, batchAnswers(batch, { zip, identity }, listOf(read.exportFile, event.hour)))];
}

/** Of entries of before they were kept without. */
function* withHeaders(event: Fed, n: number, answers: readonly FeedAnswer[]): Generator<RebuiltObject> {
  const [file, signatures] = [event.files[n], event.answers?.[n]];
  for (const answer of answers) {
    if (file === undefined || signatures === undefined) {
      yield { name: feedKey(event.feed, answer.path.view, answer.path.batch), bytes: answer.body, meta: answer.meta };
      continue;
    }
    const text = answerText(signedAbout(answer, event.url ?? ''), jwkId(file.keyId, file.keyVersion));
    yield signedObject(answer, answerToken(text, fromBase64Url(signatures[answer.path.view])));
  }
}

/** Where a document is told from: it is of the hour that it says, since the feed of a former configuration has its last. */
const VIEWS = ['keys', 'gaen'] as const;

/** @returns names of the documents of feeds that have batches */
export function documentsOf({ fed }: FeedPlan): { readonly name: string; readonly feed: string }[] {
  const feeds = [...new Set(fed.map(({ feed }) => feed))];
  return feeds.flatMap((feed) => VIEWS.map((view) => ({ name: feedKey(feed, view, null), feed })));
}

/** @param body of a feed's document @returns whether it says what the log does of the hour that it is of */
export function isDocument({ home, all, folds }: FeedPlan, feed: string, body: Uint8Array): boolean {
  const hour = hourSaid(body);
  if (hour === null) return false;
  const until = all.filter((event) => event.feed === feed && event.hour <= hour);
  const batches = until.flatMap((event) => event.files.map((_, n) => ({ ...event, batch: event.batch + n })));
  const folded = folds.flatMap(({ feeds }) => feeds?.[feed] ?? []).filter((last) => last.hour <= hour);
  const lastBatch = Math.max(0, ...[...folded, ...batches].map(({ batch }) => batch));
  return documentAnswers({ feed, lastBatch, hour, batches }, home).some((one) => equalBytes(one.body, body));
}

function hourSaid(body: Uint8Array): number | null {
  const ours = parseFeedLatest(fromUtf8(body));
  if (ours.ok) return hourOf(ours.value.issuedAt) - 1;
  const gaen = parseGaenLatest(fromUtf8(body));
  // The poll after the hour after (fed.ts).
  return gaen.ok ? hourOf(gaen.value.recommendedNextPollTime) - 2 : null;
}
