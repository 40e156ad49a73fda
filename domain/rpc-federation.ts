/**
 * @module The contract between `federation` and `origin` (docs/architecture.md §9): batches of peers' keys come in by it, and by nothing else. Types alone, as domain/rpc.ts.
 */
import type { ClocksRpc } from './clock-status.ts';
import type { Direction } from './federation/peer.ts';
import type { EndingRpc } from './sunset.ts';

/** One batch of one peer, validated (domain/federation/inbound.ts). */
export interface PeerBatch {
  /** Region that signed it: whose keys they are, and who alone may take them back. */
  readonly peer: string;
  /** Its name, 1..100 printable ASCII characters without a space; with the peer it is imported once. */
  readonly batch: string;
  /** SHA-256 of what the peer signed, 64 lowercase hex digits: keys that grow too old between two calls make it no other batch. */
  readonly sha256: string;
  /** 24 bytes a key (domain/publication/packed-keys.ts), each key once. */
  readonly keys: Uint8Array;
  /** key_data of keys that the peer takes back, 16 bytes each. */
  readonly revoked: Uint8Array;
}

/** What became of a batch's keys. */
export interface ImportCounts {
  /** New, and stored with the peer as their origin. */
  readonly imported: number;
  /** Known before, of whomever, or dropped by `origin`'s own look. */
  readonly left: number;
  /** Taken back, or about to be. */
  readonly revoked: number;
  /** Revocations of what isn't the peer's, or isn't there. */
  readonly strange: number;
}

/**
 * imported: all of it is durable. known: it was before, by the same bytes; nothing changed. conflict: under this name other keys were imported. ended: it was rolled back, or the deployment has ended.
 * refused: it is no batch, not of a region that `origin` takes keys of, or larger than a whole hour may be. full: the peer has brought its share of this hour; asked again in a later one.
 */
export type ImportReply =
  | { readonly kind: 'imported' | 'known'; readonly counts: ImportCounts }
  | { readonly kind: 'conflict' | 'ended' | 'refused' | 'full' };

/** origin#Exchange, bound by `federation` alone. */
export interface ExchangeRpc {
  /** Idempotent by peer and batch; cut off, it is asked again and goes on. */
  importBatch(batch: PeerBatch): Promise<ImportReply>;
}

/** federation#BackOffice, bound by `portal` alone. `region` is a peer's of `PEERS`. */
export interface FederationBackOfficeRpc<Status, Reply, Batch> extends ClocksRpc, EndingRpc {
  /** Tells peers what our feeds have new, and polls each whose poll is due. @returns whether none was */
  advance(): Promise<{ readonly idle: boolean }>;
  peers(): Promise<readonly Status[]>;
  /** @returns every batch that the peer's desk remembers; none when there is no such peer */
  batches(region: string): Promise<readonly Batch[]>;
  /** The kill switch. @returns false when there is no such peer */
  stopPeer(region: string, direction: Direction, stopped: boolean): Promise<boolean>;
  /** Reads a peer's feed from its beginning; batches that were read before are passed over. @returns false when there is no such peer, or it is a gateway */
  rereadPeer(region: string): Promise<boolean>;
  /** Imports a batch that was set aside; the portal has asked a second person. */
  releaseBatch(region: string, batch: string): Promise<Reply>;
  /** @returns whether there was such a batch */
  discardBatch(region: string, batch: string): Promise<boolean>;
}

/** A peer's batch that is to be undone. */
export interface PeerBatchUndo {
  /** A random UUID: asked again by the same, it goes on where it was cut off. */
  readonly id: string;
  /** Region whose keys they are; null: of a gateway's batch every country's, `IMPORT_REGIONS` or not. */
  readonly peer: string | null;
  readonly batch: string;
}

/** What came of it. sealing: an hour is being written, ask again. */
export interface PeerBatchUndone {
  readonly state: 'done' | 'sealing';
  /** Rows that waited, and are gone. */
  readonly dropped: number;
  /** Published rows that are taken back with the next hour. */
  readonly taken: number;
}
