/**
 * @module One detection call for everything that was fetched, of whatever region (docs/spec/gaen.md §5: six a day). A key that came by two feeds is known once.
 *
 * What a crash leaves. The call is counted before it is made: died in between, it counts and is made again. Matches are saved before the inbox is emptied: died in between, the same keys are given once more, which changes nothing
 * (`phone/matching/history.ts`).
 */
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { ExposureHistory, HistorySnapshot } from '../matching/history.ts';
import type { Sighting } from '../radio/sighting.ts';
import type { Store } from '../store.ts';
import { type Inbox, unpackKeys, type WaitingFile } from './inbox.ts';

/** Calls in 24 hours, by both platforms (docs/spec/gaen.md §5: Android's ExposureWindow mode, iOS 13.7). */
const CALLS_A_DAY = 6;

/** Unix seconds of the calls of the last 24 hours. */
export type Calls = readonly number[];

export interface DetectionPorts {
  readonly inbox: Inbox;
  readonly calls: Store<Calls>;
  readonly matches: Store<HistorySnapshot>;
  readonly history: ExposureHistory;
  readonly sightings: readonly Sighting[];
  /** Region of the phone's own feed: its form of a key counts where another has it too. */
  readonly home: string;
  /** Unix seconds. */
  readonly now: number;
}

export type Detection =
  /** One call was made, with so many files, distinct keys, and keys that were taken back. */
  | { readonly kind: 'made'; readonly files: number; readonly keys: number; readonly revoked: number }
  /** Nothing new. */
  | { readonly kind: 'nothing' }
  /** All calls of the day are used: the files wait until then, Unix seconds. */
  | { readonly kind: 'waits'; readonly files: number; readonly until: number };

/**
 * @param ports see {@link DetectionPorts}
 * @returns what was done
 * @throws Error when a file that waits can't be read; whatever saving throws
 */
export async function detect(ports: DetectionPorts): Promise<Detection> {
  const { inbox, now, history } = ports;
  const names = await inbox.names();
  if (names.length === 0) return { kind: 'nothing' };
  const loaded = await ports.calls.load();
  // What can't be read counts as no call: the library has a count of its own, and nobody's warning waits for ours.
  const before = loaded.ok ? (loaded.value ?? []) : [];
  // A clock that was put back leaves calls of the future, which hold nobody up.
  const calls = before.filter((at) => at > now - SECONDS_PER_DAY && at <= now);
  const [oldest] = calls;
  if (calls.length >= CALLS_A_DAY && oldest !== undefined) {
    return { kind: 'waits', files: names.length, until: oldest + SECONDS_PER_DAY };
  }
  const files = (await Promise.all(names.map((name) => inbox.get(name)))).filter((file) => file !== null);
  await ports.calls.save([...calls, now]);
  const seen = new Set<string>();
  const revoked = files
    .flatMap(({ revisedKeys }) => [...unpackKeys(revisedKeys)])
    .filter(({ reportType }) => reportType === REPORT_TYPE.REVOKED).length;
  const provided = inOrder(files, ports.home).map(({ region, keys, revisedKeys }) => ({
    keys: distinct(keys, seen),
    revisedKeys: unpackKeys(revisedKeys),
    from: region === ports.home ? null : region,
  }));
  history.provideAll(provided, ports.sightings, now);
  await ports.matches.save(history.snapshot());
  for (const name of names) await inbox.remove(name);
  return { kind: 'made', files: names.length, keys: seen.size, revoked };
}

/** The home's first; else in the order in which they came. */
function inOrder(files: readonly WaitingFile[], home: string): WaitingFile[] {
  const isHome = ({ region }: WaitingFile): boolean => region === home;
  return [...files.filter(isHome), ...files.filter((file) => !isHome(file))];
}

function* distinct(packed: Uint8Array, seen: Set<string>): Generator<TemporaryExposureKey> {
  for (const key of unpackKeys(packed)) {
    // A character a byte: as hex 1.2 million keys took seven times as much memory.
    const name = String.fromCharCode(...key.keyData);
    if (seen.has(name)) continue;
    seen.add(name);
    yield key;
  }
}

/** @param value what was read from disk @returns whether it is a list of calls */
export const areCalls = (value: unknown): value is Calls =>
  Array.isArray(value) && value.every((at) => typeof at === 'number');
