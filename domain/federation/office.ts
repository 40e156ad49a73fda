/**
 * @module The contract between `portal` and `federation` (docs/architecture.md §9): what an operator sees of a peer, and what they do about it. Types, and whether a peer lags. The object that keeps a peer
 * answers each of these by itself; who may ask, and that two persons release a batch, `portal` has decided before.
 */
import type { ClocksRpc } from '../clock-status.ts';
import type { PeerBatchUndo, PeerBatchUndone } from '../rpc-federation.ts';
import type { EndingRpc } from '../sunset.ts';
import type { Direction, PeerConfig, PeerState } from './peer.ts';

/** One UTC hour of one peer; hours without anything have none. */
export interface PeerHour {
  /** Since the Unix epoch. */
  readonly hour: number;
  /** Keys that were new, and stored. */
  readonly in: number;
  /** Keys that the peer took back. */
  readonly revoked: number;
  /** Keys that were handed to the peer. */
  readonly out: number;
  /** Rule that was broken → keys that were dropped for it; `known` are those that were here before. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** A batch that was set aside, until two persons let it in or one throws it away. */
export interface HeldBatch {
  /** Its name at the peer, 1..100 printable ASCII characters without a space. */
  readonly batch: string;
  /** In which it was set aside. */
  readonly hour: number;
  readonly keys: number;
  readonly revoked: number;
  /** Which limit it is beyond (breaker.ts), or which rule of the feed it breaks. */
  readonly why: string;
}

/** A batch that was imported; kept as long as its keys may be here. */
export interface ImportedBatch {
  readonly batch: string;
  /** In which it was imported. */
  readonly hour: number;
  readonly imported: number;
  readonly revoked: number;
}

/** A peer at a glance. */
export interface PeerSummary {
  readonly config: PeerConfig;
  readonly state: PeerState;
  /** Hour in which the peer was configured first; from it one that never answered lags. */
  readonly sinceHour: number;
  /** Unix seconds of the last poll whose answer held, empty or not; null: there was none. */
  readonly lastSuccess: number | null;
  /** Seconds from then to the next poll, as it was planned. */
  readonly pollSeconds: number;
  /** Of the running hour and the 23 before it. */
  readonly day: PeerSums;
  /** Batches that are set aside. */
  readonly waiting: number;
}

/** Of many hours. */
export type PeerSums = Omit<PeerHour, 'hour'>;

/** All that is known of a peer. */
export interface PeerStanding extends PeerSummary {
  /** At most {@link HOURS_TOLD}, newest first. */
  readonly hours: readonly PeerHour[];
  /** Oldest first. */
  readonly held: readonly HeldBatch[];
  /** At most {@link BATCHES_TOLD}, newest first. */
  readonly batches: readonly ImportedBatch[];
}

export const HOURS_TOLD = 48;
/** A batch an hour, as long as the keys of one live here: 16 days. */
export const BATCHES_TOLD = 384;

/** imported: it is in, and the breaker is closed. refused: `origin` didn't take it, and it stays. gone: none of this name is set aside. */
export type LetInReply = { readonly kind: 'imported' | 'refused' | 'gone' };

/** federation#PeersOffice, bound by `portal` alone. A peer that isn't configured is `gone`. */
export interface PeersOfficeRpc extends ClocksRpc, EndingRpc {
  /** @returns each configured peer, by region; reads only */
  peers(): Promise<readonly PeerSummary[]>;
  /** @returns null when it isn't configured; reads only */
  peer(region: string): Promise<PeerStanding | null>;
  /** The kill switch: holds from the next request on, and through restarts. Idempotent. */
  setStopped(region: string, direction: Direction, stopped: boolean): Promise<'done' | 'gone'>;
  /** Imports what was set aside, as any other batch is; asked again, it says the same. Closes the breaker when it was the last. */
  letIn(region: string, batch: string): Promise<LetInReply>;
  /** Forgets what was set aside; the cursor stays behind it. Closes the breaker when it was the last. */
  throwAway(region: string, batch: string): Promise<'done' | 'gone'>;
}

/** One poll may fail; from the second that didn't come an operator hears of it. */
const PERIODS_UNTIL_LATE = 2;
const SECONDS_PER_HOUR = 3600;

/**
 * @param now Unix seconds
 * @returns seconds since the peer's last answer that held; 0 for one that we don't ask
 */
export function lagOf(peer: Pick<PeerSummary, 'state' | 'sinceHour' | 'lastSuccess'>, now: number): number {
  if (peer.state.stopped.in) return 0;
  return Math.max(0, now - (peer.lastSuccess ?? peer.sinceHour * SECONDS_PER_HOUR));
}

/** @param now Unix seconds @returns whether an operator must look: more than two polls have come to nothing */
export function isLate(
  peer: Pick<PeerSummary, 'state' | 'sinceHour' | 'lastSuccess' | 'pollSeconds'>,
  now: number,
): boolean {
  return lagOf(peer, now) > PERIODS_UNTIL_LATE * peer.pollSeconds;
}

/** @returns the sums of some hours */
export function sumHours(hours: readonly PeerHour[]): PeerSums {
  const dropped: Record<string, number> = {};
  for (const hour of hours) {
    for (const [rule, keys] of Object.entries(hour.dropped)) dropped[rule] = (dropped[rule] ?? 0) + keys;
  }
  const sum = (of: 'in' | 'revoked' | 'out'): number => hours.reduce((total, hour) => total + hour[of], 0);
  return { in: sum('in'), revoked: sum('revoked'), out: sum('out'), dropped };
}

/** Part of origin#BackOffice. */
export interface OriginPeersRpc {
  /** Ends a peer's batch and takes back what of it is published; idempotent by the request's id, and goes on where it was cut off. */
  undoPeerBatch(undo: PeerBatchUndo): Promise<PeerBatchUndone>;
}
