/**
 * @module Which keys go to which peers (docs/spec/europe.md §2.2; decision 052): local keys of people who consented, to all of the cluster, and to the regions that they named. Peers publish
 * what they read, so whoever compares their feeds with the public chunks sees which keys went to the same ones: a *part*. So each part of a set holds the minima of a chunk.
 */
import { ALL_TO_ALL, isFeedName } from '../../protocol/feed/names.ts';
import type { Provenance } from './packed-keys.ts';

type About = Pick<Provenance, 'regions' | 'consentToFederation' | 'origin'>;

/** Rows of peers' keys: they leave to nobody, and are no company for ours, since whoever has the peer's feed knows them. */
export const REMOTE = 'remote';
const STAYS = 'stays';
const TRAVELS = 'to:';
const JOINED = '+';

/**
 * @param text feeds, comma separated: `a2a`, and regions in two capital letters; empty: there are none
 * @param homeCountry ISO 3166-1 alpha-2
 * @returns the feeds, each once
 * @throws Error naming the rule
 */
export function parseFeeds(text: string, homeCountry: string): string[] {
  const feeds = text
    .split(',')
    .map((feed) => feed.trim())
    .filter((feed) => feed !== '');
  for (const feed of feeds) {
    if (!isFeedName(feed) || feed === homeCountry) {
      throw new Error(`PEER_FEEDS=${text} must be ${ALL_TO_ALL} and other regions, comma separated`);
    }
  }
  return [...new Set(feeds)];
}

/** @returns the feeds of `feeds` that rows of this provenance are in: none for a peer's, and for those of people who didn't consent */
export function feedsOf(about: About, feeds: readonly string[], homeCountry: string): string[] {
  return feedsOfCounted(countedAs(about, homeCountry), feeds);
}

/** @returns the name under which rows are counted by where they may go; whatever feeds there are */
export function countedAs({ regions, consentToFederation, origin }: About, homeCountry: string): string {
  if (origin !== homeCountry) return REMOTE;
  return consentToFederation ? `${TRAVELS}${regions.join(JOINED)}` : STAYS;
}

/** @returns whether a name is one of {@link countedAs}, and no region */
export function isCountedPart(name: string): boolean {
  return name === REMOTE || name === STAYS || name.startsWith(TRAVELS);
}

/** @returns by which feeds a part is told from others; empty for what stays; null for peers' keys, which are no part */
export function partOf(counted: string, feeds: readonly string[]): string | null {
  return counted === REMOTE ? null : feedsOfCounted(counted, feeds).join(JOINED);
}

/** Of which lists of keys rows are: names of regions never begin so. */
const PART = 'part ';

/**
 * A peer subtracts what it reads as taken back from what a region lists, and is left with the rows of a part: so that is a list too, as large as any (company.ts).
 *
 * @returns the name of the list, null where there are no feeds, and for peers' keys
 */
export function partList(counted: string, feeds: readonly string[]): string | null {
  const part = feeds.length === 0 ? null : partOf(counted, feeds);
  return part === null ? null : `${PART}${part}`;
}

/** @returns whether a list is a region's, which is published */
export function isRegionList(list: string): boolean {
  return !list.startsWith(PART);
}

function feedsOfCounted(counted: string, feeds: readonly string[]): string[] {
  if (!counted.startsWith(TRAVELS)) return [];
  const regions = counted.slice(TRAVELS.length).split(JOINED);
  return feeds.filter((feed) => feed === ALL_TO_ALL || regions.includes(feed));
}
