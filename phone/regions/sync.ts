/**
 * @module One sync over the phone's own region and all that its owner was in (arXiv:2006.13087 §4.2, §4.3): the directory, each region's static objects on a connection and after a pause of its own, and one detection call for all of
 * them. No request says anything of another region, or of the phone: each is for an object that all who read that region ask for.
 *
 * What a crash leaves: each feed's state is saved after each file, which lies in the inbox by then; whatever is in the inbox is given to the next detection call.
 */
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { SyncOutcome } from '../download/download.ts';
import type { Fetch } from '../http.ts';
import { type RandomBytes, randomBelow } from '../random.ts';
import type { Store } from '../store.ts';
import { type Detection, detect, type DetectionPorts } from './detection.ts';
import { type FeedPlan, homeOf, planFeeds } from './feeds.ts';
import { type HomeFeed, readFeed, readHome, type StoreOf } from './read-feed.ts';
import { type DirectoryPorts, isKeptDirectory, readRegions } from './region-directory.ts';
import { areVisits, type Followed, followedRegions, type Visit, withoutOld } from './visits.ts';

/** What a phone remembers of regions. */
export interface RegionsState {
  readonly visits: readonly Visit[];
  /** Region → Unix seconds: everything that it listed was had then; or it is followed since then, and nothing came yet. */
  readonly reached: Readonly<Record<string, number>>;
}

export const NO_REGIONS: RegionsState = { visits: [], reached: {} };

export interface SyncPorts extends Omit<DetectionPorts, 'home'> {
  /** @param region whose host is asked @returns a connection that no other region's requests use */
  readonly connect: (region: string) => Fetch;
  readonly random: RandomBytes;
  /** Waits so many milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
  /** Each host is asked after a pause of its own, up to so many seconds: an app's hour (`SPREAD_SECONDS`), or what a person waits who has typed. */
  readonly spreadSeconds: number;
  readonly homeFeed: HomeFeed;
  /** null: the app has no policy, and knows no other region. */
  readonly directory: Pick<DirectoryPorts, 'url' | 'policy' | 'objects' | 'open'> | null;
  readonly regions: Store<RegionsState>;
  readonly storeOf: StoreOf;
  /** Deletes the states of feeds of all regions but these. */
  readonly forgetFeeds: (isKept: (region: string) => boolean) => Promise<void>;
}

/** A region without an answer for so long is down. */
const DOWN_SECONDS = SECONDS_PER_DAY;

/** What became of one feed. */
export interface FeedOutcome extends SyncOutcome {
  readonly region: string;
  /** Unix seconds since when not everything was had that it lists; null: it is. */
  readonly missingSince: number | null;
}

export interface RegionsOutcome {
  readonly home: SyncOutcome;
  readonly feeds: readonly FeedOutcome[];
  readonly followed: readonly Followed[];
  readonly plan: FeedPlan;
  /** Why the directory told nothing new, for a person; null: it did, or there is none. */
  readonly directory: string | null;
  readonly detection: Detection;
  /** Files and bytes of all, the directory's included. */
  readonly files: number;
  readonly bytes: number;
}

/**
 * @param ports see {@link SyncPorts}
 * @returns what was done, of each region by itself: one that fails holds up no other
 * @throws Error when what the phone keeps of regions is damaged; whatever saving throws
 */
export async function syncRegions(ports: SyncPorts): Promise<RegionsOutcome> {
  const { now, homeFeed } = ports;
  const loaded = await ports.regions.load();
  if (!loaded.ok) throw new Error(`state ${loaded.error.path} can't be read`);
  const state = loaded.value ?? NO_REGIONS;
  const followed = followedRegions(state.visits, now);
  // Whoever has a policy reads it, wherever they were: who asks for it says nothing by that.
  const { directory } = ports;
  const known =
    directory === null
      ? { entries: [], problem: null, bytes: 0 }
      : await readRegions({
          ...directory,
          fetch: ports.connect(homeFeed.region),
          now,
          store: ports.storeOf('directory', isKeptDirectory),
        });
  const home = { url: homeFeed.url, region: homeFeed.region };
  const plan = planFeeds({
    followed: followed.map(({ region }) => region),
    entries: known.entries,
    home,
    read: new Set(Object.keys(state.reached)),
    down: downOf(state, now, homeFeed.region, homeOf(known.entries, home)?.regionId),
  });
  const readPorts = { clock: () => now, storeOf: ports.storeOf, inbox: ports.inbox };
  // At once, whatever else is asked: a pause here would tell the home's host of the others.
  const atHome = readHome(homeFeed, { ...readPorts, fetch: ports.connect(homeFeed.region) });
  const [ofHome, ...outcomes] = await Promise.all([
    atHome,
    ...plan.feeds.map(async (feed) => {
      await ports.pause(randomBelow(ports.random, ports.spreadSeconds * 1000 + 1));
      return readFeed(feed, { ...readPorts, fetch: ports.connect(feed.region) });
    }),
  ]);
  const feeds = plan.feeds.map(({ region }, i) => ({ ...(outcomes[i] ?? NOTHING), region }));
  const reached = reachedNow(state.reached, [{ ...ofHome, region: homeFeed.region }, ...feeds], now);
  await ports.regions.save({ visits: withoutOld(state.visits, now), reached });
  const detection = await detect({ ...ports, home: homeFeed.region });
  const kept = new Set([...feeds.map(({ region }) => region), ...followed.map(({ region }) => region)]);
  await ports.forgetFeeds((region) => kept.has(region));
  const all = [ofHome, ...feeds];
  return {
    home: ofHome,
    feeds: feeds.map((feed) => ({
      ...feed,
      missingSince: feed.errors.length === 0 ? null : (reached[feed.region] ?? now),
    })),
    followed,
    plan,
    directory: known.problem,
    detection,
    files: all.reduce((sum, { files }) => sum + files, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, known.bytes),
  };
}

const NOTHING: SyncOutcome = { files: 0, bytes: 0, requests: 0, errors: [] };

/** By the directory's name of the home, where it has one: a phone may read the union's part of it. */
function downOf({ reached }: RegionsState, now: number, home: string, homeId = home): Set<string> {
  const late = Object.entries(reached).filter(([, at]) => now - at >= DOWN_SECONDS);
  return new Set(late.map(([region]) => (region === home ? homeId : region)));
}

function reachedNow(
  before: RegionsState['reached'],
  outcomes: readonly (SyncOutcome & { readonly region: string })[],
  now: number,
): RegionsState['reached'] {
  return Object.fromEntries(
    outcomes.map(({ region, errors }) => [region, errors.length === 0 ? now : (before[region] ?? now)]),
  );
}

/** @param value what was read from disk @returns whether it is a {@link RegionsState} */
export function isRegionsState(value: unknown): value is RegionsState {
  if (typeof value !== 'object' || value === null) return false;
  const { visits, reached } = value as Record<string, unknown>;
  return (
    areVisits(visits) &&
    typeof reached === 'object' &&
    reached !== null &&
    Object.values(reached).every((at) => typeof at === 'number')
  );
}
