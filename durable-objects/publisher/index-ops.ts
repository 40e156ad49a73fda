/**
 * @module WRITTEN → INDEXED for one region: manifest pages, CWA's lists, then the head (docs/architecture.md §5.7).
 *
 * Durable order: the whole publication is fixed in the store (`pending_index`), with its entry of the event log, which is in the private
 * bucket before the first object is put: a crash repeats exactly these bytes, whatever has become due since. Then pages (immutable), lists (compare-and-swap),
 * head (compare-and-swap), then one transaction: hours INDEXED, the head's ETag kept, objects that nothing names any
 * more given the instant of their death. Crash before the head: readers have the old head, whose chunks all exist.
 * Crash between the head and the transaction: the put is found done, since the head holds our bytes.
 */
import { chunkEntries, GRACE_SECONDS } from '../../domain/publication/built-file.ts';
import { googleFilesOf, listedGoogleDays } from '../../domain/publication/google-files.ts';
import { indexHash } from '../../domain/publication/rebuild.ts';
import {
  commonLists,
  composeHead,
  dayOfSealing,
  HEAD_META,
  listMeta,
  pageMeta,
} from '../../domain/publication/head.ts';
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { SECONDS_PER_DAY, dateOfHour } from '../../protocol/gaen/intervals.ts';
import { googleIndexPath } from '../../protocol/index/google-index.ts';
import { dateIndexPath, hourIndexPath } from '../../protocol/index/cwa-tree.ts';
import { headPath, type ManifestHead } from '../../protocol/index/manifest.ts';
import { signDocument, signedBy } from '../../protocol/index/signed-document.ts';
import type { IndexPlan, RegionDay, RegionHour } from './model.ts';
import { putOwn } from './own-objects.ts';
import type { Publication } from './publication.ts';

/** Ours is a few kilobytes; of what isn't ours no more is read. */
const MAX_HEAD_BYTES = 2 ** 16;
/** The lists of versions and of regions belong to all of them, and live as long as any. */
export const EVERY_REGION = '*';

/** @returns complete days that are listed, first and last, once `throughHour` is sealed; there may be none */
export function listedDays(p: Publication, throughHour: number): { first: number; last: number } {
  const today = dayOfSealing(throughHour);
  const firstHour = p.store.meta('first_hour') ?? throughHour;
  return {
    first: Math.max(today - p.config.policy.retentionDays, Math.floor(firstHour / 24)),
    last: today - 1,
  };
}

/**
 * Fixes what is to be published next, in the store, and its entry of the event log: no head is ahead of the log.
 *
 * @param throughHour last hour WRITTEN; all days complete by then are cut
 */
export function composeIndex(p: Publication, region: string, throughHour: number): void {
  const listed = listedDays(p, throughHour);
  // Anew from what was sealed, as `rebuild` and a restore have it: entries that a release of before kept lack what this one says (`sig`), and the head's hash would be another.
  const days = p.store
    .regionDays(region, listed.first, listed.last)
    .map((entry) => (entry.sealed === null ? entry : { ...entry, chunks: chunkEntries(entry.sealed.files, null) }));
  const today = Math.floor(throughHour / 24);
  const hours = p.store.regionHours(region, today * 24, throughHour);
  const google = p.store.google.days(region, listedGoogleDays(throughHour, p.config.policy.retentionDays));
  const googleFiles = googleFilesOf(google).map(({ key }) => key);
  const revocations = p.takings
    .revocations(region, throughHour)
    .map((entry) => ({ ...entry, chunks: chunkEntries(entry.files, null) }));
  fixIndex(p, region, throughHour, { hours, days, revocations, googleFiles });
}

/** Fixes the head that nothing follows, and that names nothing (docs/sunset.md). */
export function composeLastIndex(p: Publication, region: string): void {
  const throughHour = p.store.head(region)?.throughHour;
  if (throughHour !== undefined)
    fixIndex(p, region, throughHour, { hours: [], days: [], revocations: [], googleFiles: [] });
}

/** What a head names. */
interface Listed {
  readonly hours: readonly RegionHour[];
  readonly days: readonly RegionDay[];
  readonly revocations: ReturnType<Publication['takings']['revocations']>;
  /** Object keys. */
  readonly googleFiles: readonly string[];
}

function fixIndex(p: Publication, region: string, throughHour: number, listed: Listed): void {
  const { hours, days, revocations } = listed;
  const former = p.store.head(region);
  const previous = former?.payloadSha256 ?? null;
  const ended = p.store.meta('ended') !== null;
  const sequence = (former?.sequence ?? 0) + 1;
  const composed = composeHead({ region, sequence, previous, throughHour, ...listed, ended });
  const { payload } = composed;
  const head = signDocument('manifest', p.config.manifestKeyId, payload, p.config.manifestSigner);
  const plan: IndexPlan = {
    region,
    throughHour,
    sequence: payload.sequence,
    payloadSha256: toBase64Url(sha256(utf8(JSON.stringify(payload)))),
    validUntil: payload.validUntil,
    head,
    pages: composed.pages,
    lists: composed.lists,
    named: composed.named,
    ...(ended ? { end: hours.length + days.length === 0 ? ('last' as const) : ('ended' as const) } : {}),
  };
  const { key, signature } = JSON.parse(head) as { key: string; signature: string };
  p.store.transaction(() => {
    p.store.putPendingIndex(plan);
    p.log.append({
      kind: 'published',
      region,
      hour: throughHour,
      sequence: plan.sequence,
      previous,
      payloadSha256: plan.payloadSha256,
      head: { key, signature },
      regions: p.config.regions,
      unionRegion: p.config.unionRegion,
      retentionDays: p.config.policy.retentionDays,
      hours: hours.map(({ hour }) => hour),
      days: days.map(({ day, cut, revised }) => ({ day, cut, ...(revised === null ? {} : { revised }) })),
      ...(revocations.length === 0 ? {} : { revocations: revocations.map(({ hour, cut }) => ({ hour, cut })) }),
      index: indexHash(region, composed.lists)!,
      ...(ended ? { ended } : {}),
    });
  });
}

/** The lists of a deployment that has sealed nothing yet: apps take an empty one for no news, and a 404 for a failure. */
export async function putFirstLists(p: Publication, running: number): Promise<void> {
  const days = [dateOfHour(running), dateOfHour(running + 1)];
  for (const region of p.config.regions) {
    for (const key of new Set([dateIndexPath(region), ...days.map((day) => hourIndexPath(region, day))])) {
      p.store.noteObject(key, region);
      await putOwn(p.own, key, utf8('[]'), listMeta(key));
    }
    const key = googleIndexPath(region);
    p.store.noteObject(key, region);
    await putOwn(p.own, key, new Uint8Array(0), listMeta(key));
  }
  await putCommonLists(p);
}

/** The lists that belong to all regions. */
async function putCommonLists(p: Publication): Promise<void> {
  for (const { key, text } of commonLists(p.config.regions)) {
    p.store.noteObject(key, EVERY_REGION);
    await putOwn(p.own, key, utf8(text), listMeta(key));
  }
}

/** Puts what `plan` fixed and makes it INDEXED. */
export async function publishIndex(p: Publication, plan: IndexPlan): Promise<void> {
  const { region } = plan;
  const etag = await putIndex(p, plan);
  p.store.transaction(() => {
    const former = p.store.head(region);
    p.store.putHead({
      region,
      sequence: plan.sequence,
      payloadSha256: plan.payloadSha256,
      etag,
      validUntil: plan.validUntil,
      throughHour: plan.throughHour,
    });
    p.store.markIndexed(region, plan.throughHour);
    // What nothing names any more is gone when the last head that named it isn't valid any more, 4 h after midnight at
    // the earliest: the instant that was stored with the object (cacheExpiry).
    const midnight = dayOfSealing(plan.throughHour) * SECONDS_PER_DAY;
    p.store.setNamed(region, plan.named, Math.max(former?.validUntil ?? 0, midnight + GRACE_SECONDS));
    p.store.publishedPending(region);
  });
}

/**
 * Puts pages, lists and head, in this order: the first time, and again when one was lost.
 *
 * @returns the head's ETag
 * @throws StateSetBack
 */
export async function putIndex(p: Publication, plan: IndexPlan): Promise<string> {
  const { region } = plan;
  for (const { key, text, expires } of plan.pages) {
    p.store.noteObject(key, region);
    await putOwn(p.own, key, utf8(text), pageMeta(expires));
  }
  for (const { key, text } of plan.lists) {
    p.store.noteObject(key, region);
    await putOwn(p.own, key, utf8(text), listMeta(key));
  }
  await putCommonLists(p);
  const key = headPath(region);
  p.store.noteObject(key, region);
  return putOwn(p.own, key, utf8(plan.head), HEAD_META, { inspect: () => refuseToGoBack(p, plan) });
}

/** Our own signature on a newer head than we know of: our state was set back, and phones would refuse what it makes. */
class StateSetBack extends Error {
  override readonly name = 'StateSetBack';
}

/** What lies in the head's place isn't what we put. An older head of ours, or anything unsigned, is simply replaced. */
async function refuseToGoBack(p: Publication, plan: IndexPlan): Promise<void> {
  const bytes = await p.publicBucket.getStart(headPath(plan.region), MAX_HEAD_BYTES);
  // Not every byte string is UTF-8, and what isn't is nothing of ours.
  const text = new TextDecoder().decode(bytes ?? new Uint8Array(0));
  // The right head with somebody else's headers.
  if (text === plan.head) return;
  const found = signedBy(
    'manifest',
    p.config.manifestKeyId,
    text,
    p.config.manifestSigner,
    p.config.formerManifestKeys,
  );
  if (found === null || ((found as ManifestHead).sequence ?? 0) < plan.sequence) return;
  p.store.count('alert_state_set_back');
  throw new StateSetBack(`${headPath(plan.region)} is a newer head of ours than the one to publish`);
}
