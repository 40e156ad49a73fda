/**
 * @module What phones read first (docs/architecture.md §6): pages of the manifest, CWA's lists, and the payload of the head, all of them functions of the
 * files that were sealed.
 */
import type { RevisedType } from '../../protocol/gaen/keys.ts';
import {
  SECONDS_PER_DAY,
  type UtcDate,
  dateOf,
  dateOfHour,
  hourEnd,
  hourOfDay,
} from '../../protocol/gaen/intervals.ts';
import {
  VERSIONS,
  countryIndexPath,
  dateIndexPath,
  dayPath,
  hourIndexPath,
  hourPath,
  versionIndexPath,
} from '../../protocol/index/cwa-tree.ts';
import { googleIndexPath, googleIndexText, INDEX_PATH } from '../../protocol/index/google-index.ts';
import { LAST_VALID_UNTIL } from '../../protocol/index/ended.ts';
import { chunkPaths, isCompactPath } from '../../protocol/index/chunk-paths.ts';
import {
  headPath,
  pagePath,
  revocationPagePath,
  type ChunkEntry,
  type DayPage,
  type ManifestHead,
  type RevocationPage,
} from '../../protocol/index/manifest.ts';
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { GRACE_SECONDS, type ObjectMeta } from './built-file.ts';

const JSON_TYPE = 'application/json';
/** A page lists this many chunks at most; then the next one begins. */
const MAX_PAGE_CHUNKS = 400;
/** A page is named until the midnight after it was made, and dies after the grace; `index` says what is left of that. */
const PAGE_AGE_SECONDS = SECONDS_PER_DAY + GRACE_SECONDS;

/** CWA's lists are fetched when a package is missing (docs/spec/cwa.md §1.4: max-age=300). */
const LIST_META: ObjectMeta = { contentType: JSON_TYPE, cacheControl: 'public, max-age=300', expires: null };
/**
 * Polled; of Google's only the 60 seconds count to an app, since a cache may give an older one while it fetches: for ten minutes, in which everything that it names is there.
 */
export const GOOGLE_INDEX_META: ObjectMeta = {
  contentType: 'text/plain',
  cacheControl: 'public, max-age=60, stale-while-revalidate=600',
  expires: null,
};
/** @param key of a list @returns its headers */
export function listMeta(key: string): ObjectMeta {
  return key.endsWith(`/${INDEX_PATH}`) ? GOOGLE_INDEX_META : LIST_META;
}

/** The head is polled. */
export const HEAD_META: ObjectMeta = { contentType: JSON_TYPE, cacheControl: 'public, max-age=60', expires: null };

/** The configuration's head. Phones poll hourly; CWA's apps take max-age for the validity and reject 0 (docs/spec/cwa.md §1.4). */
export const CONFIG_CACHE = 'public, max-age=300';

/** @param expires Unix seconds @returns headers of a page */
export function pageMeta(expires: number): ObjectMeta {
  return { contentType: JSON_TYPE, cacheControl: `public, max-age=${PAGE_AGE_SECONDS}, immutable`, expires };
}

/** What a region's head is made of. */
export interface Contents {
  readonly region: string;
  readonly sequence: number;
  /** Hash of the payload of the head before. */
  readonly previous: string | null;
  /** The last hour in it. */
  readonly throughHour: number;
  /** Of the running day. */
  readonly hours: readonly { readonly hour: number; readonly chunks: readonly ChunkEntry[] }[];
  /** Complete days, ascending. */
  readonly days: readonly {
    readonly day: number;
    readonly cut: number;
    readonly revised: number | null;
    readonly chunks: readonly ChunkEntry[];
  }[];
  /** What was taken back, ascending by hour, with the days whose files had it. */
  readonly revocations: readonly {
    readonly hour: number;
    readonly days: readonly number[];
    readonly chunks: readonly ChunkEntry[];
    /** Report type that its keys have from then on; null: they were taken back. */
    readonly to: RevisedType | null;
  }[];
  /** Object keys of the files in Google's view; null in publications from before it. */
  readonly googleFiles: readonly string[] | null;
  /** No key comes any more (docs/sunset.md). */
  readonly ended?: boolean;
  /** Heads of a release from before compact chunks say nothing of them. */
  readonly compact?: false;
}

/** Everything but the signature. */
export interface Composed {
  readonly payload: ManifestHead;
  readonly pages: readonly { readonly key: string; readonly text: string; readonly expires: number }[];
  readonly lists: readonly { readonly key: string; readonly text: string }[];
  /** Keys of all objects that this publication names. */
  readonly named: readonly string[];
}

/** @returns the day at whose first instant or later the given hour was sealed */
export function dayOfSealing(hour: number): number {
  return Math.floor((hour + 1) / 24);
}

/**
 * @param contents what is to be published
 * @returns its pages, lists and the head's payload; the same for the same contents
 */
export function composeHead(contents: Contents): Composed {
  if (contents.compact === false) return composeWithoutCompact(contents);
  const { region, sequence, previous, throughHour, hours, days, ended = false } = contents;
  const isLast = ended && hours.length === 0 && days.length === 0;
  const pages = composePages(region, days);
  const lists = composeLists(contents);
  const revocations = listedRevocations(contents);
  const revocationPage = composeRevocations(region, revocations);
  const expires = (dayOfSealing(throughHour) + 1) * SECONDS_PER_DAY + GRACE_SECONDS;
  return {
    payload: {
      region,
      sequence,
      previous,
      issuedAt: hourEnd(throughHour),
      validUntil: isLast ? LAST_VALID_UNTIL : hourEnd(throughHour) + GRACE_SECONDS,
      hours: hours.flatMap(({ chunks }) => chunks),
      pages: pages.map(({ sha256: name, from, to }) => ({ sha256: name, from, to })),
      ...(revocationPage === null ? {} : { revocations: revocationPage.sha256 }),
      compact: true,
      ...(ended ? { ended } : {}),
    },
    pages: [
      ...pages.map(({ sha256: name, text }) => ({ key: pagePath(region, name), text, expires })),
      ...(revocationPage === null ? [] : [{ key: revocationPage.key, text: revocationPage.text, expires }]),
    ],
    lists,
    named: [
      headPath(region),
      ...pages.map(({ sha256: name }) => pagePath(region, name)),
      ...(revocationPage === null ? [] : [revocationPage.key]),
      ...lists.map(({ key }) => key),
      ...[...hours, ...days, ...revocations].flatMap(({ chunks }) =>
        chunks.flatMap((chunk) => chunkPaths(region, chunk)),
      ),
      ...hours.map(({ hour }) => hourPath(region, dateOfHour(hour), hourOfDay(hour))),
      ...days.map(({ day }) => dayPath(region, dateOf(day * SECONDS_PER_DAY))),
      ...(contents.googleFiles ?? []),
    ],
  };
}

/** What a release from before compact chunks made of the same files: its signature is over that. */
function composeWithoutCompact({ compact: _without, days, revocations, ...contents }: Contents): Composed {
  const plain = (chunks: readonly ChunkEntry[]): ChunkEntry[] => chunks.map(({ sig: _sig, ...chunk }) => chunk);
  const composed = composeHead({
    ...contents,
    days: days.map((day) => ({ ...day, chunks: plain(day.chunks) })),
    revocations: revocations.map((one) => ({ ...one, chunks: plain(one.chunks) })),
  });
  const { compact: _offered, ...payload } = composed.payload;
  return { ...composed, payload, named: composed.named.filter((name) => !isCompactPath(name)) };
}

/** @param regions published, the home country first @returns the lists of versions and of regions, which belong to all of them */
export function commonLists(regions: readonly string[]): { readonly key: string; readonly text: string }[] {
  return [
    { key: versionIndexPath(), text: JSON.stringify(VERSIONS) },
    { key: countryIndexPath(), text: JSON.stringify(regions) },
  ];
}

function composePages(region: string, days: Contents['days']) {
  const pages: { sha256: string; text: string; from: string; to: string }[] = [];
  let part: DayPage['days'][number][] = [];
  const flush = () => {
    if (part.length === 0) return;
    const page: DayPage = { region, days: part };
    const text = JSON.stringify(page);
    pages.push({ sha256: toBase64Url(sha256(utf8(text))), text, from: part[0]!.date, to: part.at(-1)!.date });
    part = [];
  };
  for (const { day, cut, revised, chunks } of days) {
    if (part.reduce((n, listed) => n + listed.chunks.length, chunks.length) > MAX_PAGE_CHUNKS) flush();
    part.push({
      date: dateOf(day * SECONDS_PER_DAY),
      cut: dateOf(cut * SECONDS_PER_DAY),
      ...(revised === null ? {} : { revised }),
      chunks,
    });
  }
  flush();
  return pages;
}

/** @returns the revocations that a phone may need: of days that are listed, or of the running one */
function listedRevocations({ throughHour, days, revocations }: Contents): Contents['revocations'] {
  const first = days[0]?.day ?? Math.floor(throughHour / 24);
  return revocations
    .map((entry) => ({ ...entry, days: entry.days.filter((day) => day >= first) }))
    .filter((entry) => entry.days.length > 0);
}

function composeRevocations(region: string, listed: Contents['revocations']) {
  if (listed.length === 0) return null;
  const page: RevocationPage = {
    region,
    revocations: listed.map(({ hour, days, chunks, to }) => ({
      hour,
      ...(to === null ? {} : { reportType: to }),
      days: days.map((day) => dateOf(day * SECONDS_PER_DAY)),
      chunks,
    })),
  };
  const text = JSON.stringify(page);
  const name = toBase64Url(sha256(utf8(text)));
  return { sha256: name, key: revocationPagePath(region, name), text };
}

/** CWA's lists: complete days, and the sealed hours of the day they belong to; the running hour and day left out. And Google's. */
function composeLists({ region, throughHour, hours, days, googleFiles }: Contents): { key: string; text: string }[] {
  const lists = [
    {
      key: hourIndexPath(region, dateOfHour(throughHour)),
      text: JSON.stringify(hours.map(({ hour }) => hourOfDay(hour))),
    },
    {
      key: dateIndexPath(region),
      text: JSON.stringify(days.map(({ day }) => dateOf(day * SECONDS_PER_DAY))),
    },
  ];
  const next = nextDayOf(throughHour);
  if (next !== null) lists.push({ key: hourIndexPath(region, next), text: '[]' });
  if (googleFiles !== null) lists.push({ key: googleIndexPath(region), text: googleIndexText(region, googleFiles) });
  return lists;
}

/**
 * After midnight apps ask for the new day's hours before one is sealed, and a 404 fails their whole update: its list is there an
 * hour before the day begins, until when `index` keeps it back.
 *
 * @returns the day after that of the hour, from its last but one hour on, or null
 */
function nextDayOf(throughHour: number): UtcDate | null {
  const day = dateOfHour(throughHour + 2);
  return day === dateOfHour(throughHour) ? null : day;
}
