/**
 * @module One feed read in its own format, from whichever reader knows it; what it gives goes to the inbox. Each region and format has a state of its own: hours of one say nothing about another's.
 */
import { concatBytes, toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { DownloadPorts, SyncOutcome } from '../download/download.ts';
import { isCwaState, syncCwaTree } from '../download/download-cwa.ts';
import { isDp3tState, syncDp3t } from '../download/download-dp3t.ts';
import { isGoogleState, syncGoogleIndex } from '../download/download-google.ts';
import { isManifestState, type ManifestState, syncManifest } from '../download/download-manifest.ts';
import type { Fetch } from '../http.ts';
import type { Store } from '../store.ts';
import type { Feed } from './feeds.ts';
import { type Inbox, packKeys } from './inbox.ts';

/** Where a phone keeps values by name. */
export type StoreOf = <T>(name: string, is: (value: unknown) => value is T) => Store<T>;

export interface ReadPorts {
  readonly fetch: Fetch;
  /** Unix seconds. */
  readonly clock: () => number;
  readonly storeOf: StoreOf;
  readonly inbox: Inbox;
}

/** Hex digits that tell files of one region apart: 128 bits. */
const NAME_DIGITS = 32;

/** @returns name of the state of a feed */
const stateName = ({ region, format }: Pick<Feed, 'region' | 'format'>): string => `region-${region}-${format}`;

/**
 * Fetches what is new of a region's feed.
 *
 * @param feed see {@link Feed}
 * @param ports see {@link ReadPorts}
 * @returns what was done and what failed
 * @throws whatever the inbox or saving throws. A file is in the inbox before it counts as had: a phone that dies in between fetches it again, and has it once.
 */
export function readFeed(feed: Feed, ports: ReadPorts): Promise<SyncOutcome> {
  const { storeOf } = ports;
  const { region, manifestKeys } = feed;
  const common = downloadPorts(feed, ports);
  const name = stateName(feed);
  switch (feed.format) {
    case 'exposure-edge':
      return syncManifest({ ...common, region, manifestKeys, store: storeOf(name, isManifestState) });
    case 'cwa':
      return syncCwaTree({ ...common, country: region, store: storeOf(name, isCwaState) });
    case 'google':
      return syncGoogleIndex({ ...common, region, store: storeOf(name, isGoogleState) });
    case 'dp3t':
      return syncDp3t({ ...common, region, store: storeOf(name, isDp3tState) });
  }
}

/** The phone's own feed: by keys that are built in, and a state of its own. */
export interface HomeFeed extends Omit<Feed, 'format'> {
  readonly store: Store<ManifestState>;
}

/** As {@link readFeed}, for the phone's own region. */
export function readHome(home: HomeFeed, ports: ReadPorts): Promise<SyncOutcome> {
  const { region, manifestKeys, store } = home;
  return syncManifest({ ...downloadPorts(home, ports), region, manifestKeys, store });
}

function downloadPorts(
  { region, url, exportKeys }: Omit<Feed, 'format'>,
  { fetch, clock, inbox }: ReadPorts,
): DownloadPorts {
  return {
    fetch,
    baseUrl: url,
    clock,
    exportKey: exportKeys,
    onFile: async ({ path, exportFile }) => {
      const [keys, revisedKeys] = [packKeys(exportFile.keys), packKeys(exportFile.revisedKeys)];
      if (keys.length + revisedKeys.length === 0) return;
      // By content too: a day's package has one path, and is cut again.
      const digest = sha256(concatBytes(utf8(`${path}\n`), keys, utf8('\n'), revisedKeys));
      await inbox.put(`${region}-${toHex(digest).slice(0, NAME_DIGITS)}`, { region, keys, revisedKeys });
    },
  };
}
