/**
 * @module WRITTEN → INDEXED for one region: manifest pages, CWA's lists, then the head (docs/architecture.md §5.7).
 *
 * Durable order: the whole publication is fixed in the store (`pending_index`), with its entry of the event log, which is in the private
 * bucket before the first object is put: a crash repeats exactly these bytes, whatever has become due since. Then pages (immutable), lists (compare-and-swap),
 * head (compare-and-swap), then one transaction: hours INDEXED, the head's ETag kept, objects that nothing names any
 * more given the instant of their death. Crash before the head: readers have the old head, whose chunks all exist.
 * Crash between the head and the transaction: the put is found done, since the head holds our bytes.
 */
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { countryIndexPath, dateIndexPath, dayPath, hourIndexPath, hourPath } from '../../protocol/index/cwa-tree.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { SECONDS_PER_DAY, dateOf, dateOfHour, hourEnd, hourOfDay } from '../../protocol/gaen/intervals.ts';
import { chunkPath, headPath, pagePath, type DayPage, type ManifestHead } from '../../protocol/index/manifest.ts';
import { signDocument, signedBy } from '../../protocol/index/signed-document.ts';
import { GRACE_SECONDS } from './chunk-files.ts';
import type { IndexPlan, RegionDay } from './model.ts';
import { putOwn } from './own-objects.ts';
import type { Publication } from './publication.ts';

const JSON_TYPE = 'application/json';
/** The head is polled; CWA's lists are fetched when a package is missing (docs/spec/cwa.md §1.4: max-age=300). */
const HEAD_CACHE = 'public, max-age=60';
const LIST_CACHE = 'public, max-age=300';
/** A page lists this many chunks at most; then the next one begins. */
const MAX_PAGE_CHUNKS = 400;
/** A page is named until the midnight after it was made, and dies after the grace; `index` says what is left of that. */
const PAGE_AGE_SECONDS = SECONDS_PER_DAY + GRACE_SECONDS;
/** Ours is a few kilobytes; of what isn't ours no more is read. */
const MAX_HEAD_BYTES = 2 ** 16;
/** The list of regions belongs to all of them, and lives as long as any. */
const EVERY_REGION = '*';

/** @returns the day at whose first instant or later the given hour was sealed */
export function dayOfSealing(hour: number): number {
  return Math.floor((hour + 1) / 24);
}

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
  const former = p.store.head(region);
  const listed = listedDays(p, throughHour);
  const days = p.store.regionDays(region, listed.first, listed.last);
  const pages = composePages(region, days);
  const today = Math.floor(throughHour / 24);
  const hours = p.store.regionHours(region, today * 24, throughHour);
  const payload: ManifestHead = {
    region,
    sequence: (former?.sequence ?? 0) + 1,
    previous: former?.payloadSha256 ?? null,
    issuedAt: hourEnd(throughHour),
    validUntil: hourEnd(throughHour) + GRACE_SECONDS,
    hours: hours.flatMap(({ chunks }) => chunks),
    pages: pages.map(({ sha256: name, from, to }) => ({ sha256: name, from, to })),
  };
  const head = signDocument('manifest', p.config.manifestKeyId, payload, p.config.manifestSigner);
  const lists = composeLists(p, region, throughHour, days);
  const plan: IndexPlan = {
    region,
    throughHour,
    sequence: payload.sequence,
    payloadSha256: toBase64Url(sha256(utf8((JSON.parse(head) as { payload: string }).payload))),
    validUntil: payload.validUntil,
    head,
    pages: pages.map(({ sha256: name, text }) => ({
      key: pagePath(region, name),
      text,
      expires: (dayOfSealing(throughHour) + 1) * SECONDS_PER_DAY + GRACE_SECONDS,
    })),
    lists,
    named: [
      headPath(region),
      ...pages.map(({ sha256: name }) => pagePath(region, name)),
      ...lists.map(({ key }) => key),
      ...[...hours, ...days].flatMap(({ chunks }) => chunks.map((chunk) => chunkPath(region, chunk.sha256))),
      ...hours.map(({ hour }) => hourPath(region, dateOfHour(hour), hourOfDay(hour))),
      ...days.map(({ day }) => dayPath(region, dateOf(day * SECONDS_PER_DAY))),
    ],
  };
  const { key, signature } = JSON.parse(head) as { key: string; signature: string };
  p.store.transaction(() => {
    p.store.putPendingIndex(plan);
    p.log.append({
      kind: 'published',
      region,
      hour: throughHour,
      sequence: plan.sequence,
      previous: payload.previous,
      payloadSha256: plan.payloadSha256,
      head: { key, signature },
      regions: p.config.regions,
      hours: hours.map(({ hour }) => hour),
      days: days.map(({ day, cut }) => ({ day, cut })),
    });
  });
}

function composePages(region: string, days: readonly RegionDay[]) {
  const pages: { sha256: string; text: string; from: string; to: string }[] = [];
  let part: DayPage['days'][number][] = [];
  const flush = () => {
    if (part.length === 0) return;
    const page: DayPage = { region, days: part };
    const text = JSON.stringify(page);
    pages.push({ sha256: toBase64Url(sha256(utf8(text))), text, from: part[0]!.date, to: part.at(-1)!.date });
    part = [];
  };
  for (const { day, cut, chunks } of days) {
    if (part.reduce((n, listed) => n + listed.chunks.length, chunks.length) > MAX_PAGE_CHUNKS) flush();
    part.push({ date: dateOf(day * SECONDS_PER_DAY), cut: dateOf(cut * SECONDS_PER_DAY), chunks });
  }
  flush();
  return pages;
}

/** CWA's lists: complete days, and the sealed hours of the day they belong to; the running hour and day left out. */
function composeLists(
  p: Publication,
  region: string,
  throughHour: number,
  days: readonly RegionDay[],
): { key: string; text: string }[] {
  const today = Math.floor(throughHour / 24);
  const hours = p.store.regionHours(region, today * 24, throughHour).map(({ hour }) => hourOfDay(hour));
  const lists = [
    { key: hourIndexPath(region, dateOfHour(throughHour)), text: JSON.stringify(hours) },
    {
      key: dateIndexPath(region),
      text: JSON.stringify(days.map(({ day }) => dateOf(day * SECONDS_PER_DAY))),
    },
  ];
  // After midnight apps ask for the new day's hours before one is sealed, and a 404 fails their whole update.
  if (dayOfSealing(throughHour) > today) {
    lists.push({ key: hourIndexPath(region, dateOfHour(throughHour + 1)), text: '[]' });
  }
  return lists;
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
    const cacheControl = `public, max-age=${PAGE_AGE_SECONDS}, immutable`;
    await putOwn(p.own, key, utf8(text), { contentType: JSON_TYPE, cacheControl, expires });
  }
  const listMeta = { contentType: JSON_TYPE, cacheControl: LIST_CACHE, expires: null };
  for (const { key, text } of plan.lists) {
    p.store.noteObject(key, region);
    await putOwn(p.own, key, utf8(text), listMeta);
  }
  p.store.noteObject(countryIndexPath(), EVERY_REGION);
  await putOwn(p.own, countryIndexPath(), utf8(JSON.stringify(p.config.regions)), listMeta);
  const key = headPath(region);
  p.store.noteObject(key, region);
  const meta = { contentType: JSON_TYPE, cacheControl: HEAD_CACHE, expires: null };
  return putOwn(p.own, key, utf8(plan.head), meta, { inspect: () => refuseToGoBack(p, plan) });
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
  const found = signedBy('manifest', p.config.manifestKeyId, text, p.config.manifestSigner);
  if (found === null || ((found as ManifestHead).sequence ?? 0) < plan.sequence) return;
  p.store.count('alert_state_set_back');
  throw new StateSetBack(`${headPath(plan.region)} is a newer head of ours than the one to publish`);
}
