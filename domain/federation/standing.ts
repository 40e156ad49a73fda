/** @module How a peer stands (docs/federation.md), by what its object remembers: whether it is late, and what went over by the hour. Pure. */
import type { PeerState } from './peer.ts';

/** What went over in some time. */
export interface PeerSums {
  /** Keys that were new here, and stored. */
  readonly in: number;
  /** Keys that the peer took back. */
  readonly revoked: number;
  /** Keys that were handed to the peer. */
  readonly out: number;
  /** Rule that was broken (inbound.ts) → keys that were dropped for it; `known`: they were here before. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** One UTC hour; hours without anything have none. */
export interface PeerHour extends PeerSums {
  /** Since the Unix epoch. */
  readonly hour: number;
}

/** What all batches that were imported in an hour brought. Never a key. */
export interface ReadHour {
  /** In which they were read, since the Unix epoch. */
  readonly hour: number;
  /** That could be stored. */
  readonly keys: number;
  /** Of these, new here. */
  readonly imported: number;
  readonly revoked: number;
  readonly dropped: Readonly<Record<string, number>>;
}

/** Of a peer's state what tells whether it is well. */
interface Answering {
  readonly state: PeerState;
  /** Of the last poll whose answer held, empty or not; null before it. */
  readonly lastSuccessHour: number | null;
}

/** Feeds have something new once an hour, so that is a period of polls. One may come to nothing; from the second on an operator hears of it. */
const LATE_AFTER_HOURS = 2;

/** @param hour that is running @returns hours since the last answer that held; null: there was none, or we don't ask */
export function lagOf({ state, lastSuccessHour }: Answering, hour: number): number | null {
  return state.stopped.in || lastSuccessHour === null ? null : Math.max(0, hour - lastSuccessHour);
}

/** @param hour that is running @returns whether an operator must look: more than two periods without an answer that held, or two polls and never one */
export function isLate(peer: Answering, hour: number): boolean {
  const { stopped, failures } = peer.state;
  if (stopped.in) return false;
  if (peer.lastSuccessHour === null) return failures > LATE_AFTER_HOURS;
  return (lagOf(peer, hour) ?? 0) > LATE_AFTER_HOURS;
}

/** Keys that were handed to a peer in an hour. */
export interface GivenHour {
  readonly hour: number;
  readonly keys: number;
}

const NOTHING: Omit<ReadHour, 'hour'> = { keys: 0, imported: 0, revoked: 0, dropped: {} };

/** @param read each hour once @returns what went over by the hour, newest first */
export function hoursOf(read: readonly ReadHour[], given: readonly GivenHour[]): PeerHour[] {
  const came = new Map(read.map((one) => [one.hour, one]));
  const out = new Map(given.map(({ hour, keys }) => [hour, keys]));
  return [...new Set([...came.keys(), ...out.keys()])]
    .toSorted((a, b) => b - a)
    .map((hour) => {
      const { keys, imported, revoked, dropped } = came.get(hour) ?? NOTHING;
      const known = keys - imported;
      return {
        hour,
        in: imported,
        revoked,
        out: out.get(hour) ?? 0,
        dropped: known > 0 ? { ...dropped, known } : dropped,
      };
    });
}

/** @returns the sums of some hours */
export function sumHours(hours: readonly PeerHour[]): PeerSums {
  const sum = (of: 'in' | 'revoked' | 'out'): number => hours.reduce((total, hour) => total + hour[of], 0);
  return {
    in: sum('in'),
    revoked: sum('revoked'),
    out: sum('out'),
    dropped: sumCounts(hours.map((one) => one.dropped)),
  };
}

function sumCounts(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, count] of all.flatMap((counts) => Object.entries(counts))) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}
