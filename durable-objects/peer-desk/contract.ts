/** @module What a PeerDesk says of its peer, and what it is given. Hours are hours since the Unix epoch. */
import type { PeerConfig, PeerState } from '../../domain/federation/peer.ts';
import type { ReadHour } from '../../domain/federation/standing.ts';
import type { ReadPorts } from '../../domain/federation/readers/reader.ts';
import type { DirectoryEntry } from '../../protocol/directory/entry.ts';
import type { ImportReply, PeerBatch } from '../../domain/rpc-federation.ts';
import type { GivenKeys } from './given-ops.ts';

/** One batch as the desk remembers it: counts, never a key. */
export interface DeskBatch {
  readonly batch: string;
  /** When it was read. */
  readonly hour: number;
  readonly sha256: string;
  /** quarantined: waits for a person. discarded: a person looked, and it isn't imported. */
  readonly state: 'imported' | 'quarantined' | 'discarded';
  /** Why it was set aside, also once two persons have let it in; null for one that wasn't. */
  readonly reason: string | null;
  /** That it brought and could be stored. */
  readonly keys: number;
  /** Of these, new here. */
  readonly imported: number;
  /** Taken back by it. */
  readonly revoked: number;
  /** Dropped one by one, by the rule they broke (domain/federation/inbound.ts). */
  readonly dropped: Readonly<Record<string, number>>;
}

/** For operators. */
export interface DeskStatus {
  readonly config: PeerConfig;
  readonly state: PeerState;
  /** Unix seconds; null before the first poll. */
  readonly nextPoll: number | null;
  /** Of the last poll that failed; null after one that didn't. */
  readonly fault: string | null;
  /** The last poll that didn't fail; null before it. */
  readonly lastSuccessHour: number | null;
  /** Newest first, {@link MOST_SHOWN} at most; the rest is asked for by itself. */
  readonly batches: readonly DeskBatch[];
  /** What was imported in the hours that operators are shown, all batches of an hour together, oldest first. */
  readonly read: readonly ReadHour[];
  /** Batches, and countries' parts of a gateway's, that wait for a person. */
  readonly waiting: number;
  readonly counters: Readonly<Record<string, number>>;
}

/** What operators are told of a peer: its desk's word, and keys that it was given by the hour. */
export interface PeerStatus extends DeskStatus {
  readonly given: readonly Pick<GivenKeys, 'hour' | 'keys'>[];
}

/** Of batches, to whoever watches. */
export const MOST_SHOWN = 100;
/** Of batches, to whoever looks at one peer: a gateway's of sixteen days are 4,608, 1 MB of them. */
export const MOST_LISTED = 6_000;
/** As many hours as operators are shown. */
export const SHOWN_HOURS = 48;

/** none: there is no such batch in quarantine. changed: what the peer serves under its name is something else by now. fault: it can't be read now. */
export type ReleaseReply =
  | { readonly kind: 'released'; readonly imported: number }
  | { readonly kind: 'none' | 'changed' }
  | { readonly kind: 'fault'; readonly what: string };

/**
 * What the directory says of the peer. unlisted: it has never spoken of it, or none is configured. silenced: the peer was removed, is withheld, or its entry is over. refused: the directory can't be relied on (no checkpoint,
 * rolled back, forked, too old), so that nobody knows what was revoked.
 */
export type DirectoryLook =
  | { readonly kind: 'entry'; readonly entry: DirectoryEntry }
  | { readonly kind: 'unlisted' | 'silenced' | 'refused' };

/** What a poll acts on. */
export interface DeskPorts {
  readonly config: PeerConfig;
  readonly homeCountry: string;
  /** Unix seconds, believed. */
  readonly now: number;
  readonly random: (n: number) => Uint8Array;
  readonly fetch: ReadPorts['fetch'];
  /** Whether the poll has lasted so long that what is left is the next one's. */
  readonly isLong: () => boolean;
  /** Asks the directory anew. */
  readonly look: () => Promise<DirectoryLook>;
  readonly importBatch: (batch: PeerBatch) => Promise<ImportReply>;
}
