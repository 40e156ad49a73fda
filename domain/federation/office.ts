/**
 * @module The contract between `portal` and `federation` (docs/architecture.md §9): what an operator sees of a peer, and what they do about it. Types, and what follows from a peer's counts. The object that keeps
 * a peer answers; who may ask, and that two persons let a batch in, `portal` has decided before.
 */
import type { ClocksRpc } from '../clock-status.ts';
import type { EndingRpc } from '../sunset.ts';
import type { Direction, PeerConfig, PeerState } from './peer.ts';

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

/** A batch as a peer's object remembers it: counts, never a key. */
export interface PeerBatchLine {
  /** Its name at the peer, 1..100 printable ASCII characters without a space. */
  readonly batch: string;
  /** In which it was read. */
  readonly hour: number;
  /** quarantined: waits for two persons. discarded: somebody looked, and it isn't imported. */
  readonly state: 'imported' | 'quarantined' | 'discarded';
  /** Why it was set aside; null for one that wasn't. */
  readonly reason: string | null;
  /** That could be stored. */
  readonly keys: number;
  /** Of these, new here. */
  readonly imported: number;
  readonly revoked: number;
  readonly dropped: Readonly<Record<string, number>>;
}

/** A peer at a glance. */
export interface PeerSummary {
  readonly config: PeerConfig;
  readonly state: PeerState;
  /** Of the last poll that failed; null after one that didn't. */
  readonly fault: string | null;
  /** Of the last poll whose answer held, empty or not; null before it. */
  readonly lastSuccessHour: number | null;
  /** Of the running hour and the 23 before it. */
  readonly day: PeerSums;
  /** Batches that are set aside. */
  readonly waiting: number;
}

/** All that is told of a peer. */
export interface PeerStanding extends PeerSummary {
  /** Newest first. */
  readonly hours: readonly PeerHour[];
  /** Newest first. */
  readonly batches: readonly PeerBatchLine[];
}

/**
 * imported: it is in, and the breaker is closed. gone: none of this name is set aside. changed: what the peer serves under the name is something else by now. failed: it can't be read or taken in now; it
 * stays set aside.
 */
export type LetInReply = { readonly kind: 'imported' | 'gone' | 'changed' | 'failed' };

/** federation#PeersOffice, bound by `portal` alone. A peer that isn't configured is `gone`. */
export interface PeersOfficeRpc extends ClocksRpc, EndingRpc {
  /** @returns each configured peer, in the order of the configuration; reads only */
  peers(): Promise<readonly PeerSummary[]>;
  /** @returns null when it isn't configured; reads only */
  peer(region: string): Promise<PeerStanding | null>;
  /** The kill switch: holds from the next request on, and through restarts. Idempotent. */
  setStopped(region: string, direction: Direction, stopped: boolean): Promise<'done' | 'gone'>;
  /** Imports what was set aside, whatever the breaker says. */
  letIn(region: string, batch: string): Promise<LetInReply>;
  /** A batch that was set aside isn't imported any more; the cursor stays behind it. */
  throwAway(region: string, batch: string): Promise<'done' | 'gone'>;
}

/** Feeds have something new once an hour, so that is a period of polls. One may come to nothing; from the second on an operator hears of it. */
const LATE_AFTER_HOURS = 2;

/** @param hour that is running @returns hours since the last answer that held; null: there was none, or we don't ask */
export function lagOf({ state, lastSuccessHour }: Pick<PeerSummary, 'state' | 'lastSuccessHour'>, hour: number) {
  return state.stopped.in || lastSuccessHour === null ? null : Math.max(0, hour - lastSuccessHour);
}

/** @param hour that is running @returns whether an operator must look: more than two periods without an answer that held, or two polls and never one */
export function isLate(peer: Pick<PeerSummary, 'state' | 'lastSuccessHour'>, hour: number): boolean {
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

/** @returns what went over by the hour, newest first */
export function hoursOf(batches: readonly PeerBatchLine[], given: readonly GivenHour[]): PeerHour[] {
  const read = Map.groupBy(batches, ({ hour }) => hour);
  const out = new Map(given.map(({ hour, keys }) => [hour, keys]));
  return [...new Set([...read.keys(), ...out.keys()])]
    .toSorted((a, b) => b - a)
    .map((hour) => {
      const lines = (read.get(hour) ?? []).filter(({ state }) => state === 'imported');
      const known = lines.reduce((sum, { keys, imported }) => sum + keys - imported, 0);
      const dropped = [...lines.map((line) => line.dropped), ...(known > 0 ? [{ known }] : [])];
      return {
        hour,
        in: lines.reduce((sum, { imported }) => sum + imported, 0),
        revoked: lines.reduce((sum, { revoked }) => sum + revoked, 0),
        out: out.get(hour) ?? 0,
        dropped: sumCounts(dropped),
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
