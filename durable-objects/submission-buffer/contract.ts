/**
 * @module What the SubmissionBuffer offers to the Publisher, and what it says of uploads. Hours are hours since the Unix epoch.
 */
import type { JournalLabel } from '../../domain/journal.ts';
import type { IssueGroup } from '../../domain/publication/issue-groups.ts';
import type { Provenance } from '../../domain/publication/packed-keys.ts';
import type { DroppedRows } from '../../domain/publication/taken.ts';
import type { Published, PublishRefusal } from '../../domain/rpc-publish.ts';
import type { Result } from '../../protocol/primitives/result.ts';

/**
 * What became of an upload; see `AcceptReply` of domain/rpc.ts, without the receipts that the entrypoint adds. ended: nothing is taken in any
 * more, and nothing was stored.
 */
export type Acceptance =
  | { readonly kind: 'stored'; readonly publish?: Published | null }
  | { readonly kind: 'known' | 'tombstone' | 'ended' }
  | { readonly kind: 'publish-refused'; readonly code: PublishRefusal };

/** What became of an upload id; see `ResolveReply` of domain/rpc.ts. */
export interface Resolution {
  readonly kind: 'stored' | 'tombstone';
}

/** Which rows are published and told apart alike. */
export type RowKind = Pick<Provenance, 'regions' | 'consentToFederation'>;

/** What the publisher asks to be fixed. */
export interface FreezeRequest {
  /** The hour to seal; it has ended. */
  readonly hour: number;
  /**
   * Number of the last set that the publisher has taken over, 0 before the first. A set that was frozen later but
   * given up (the buffer was out of reach for too long) joins the one asked for now, under the same number.
   */
  readonly after: number;
  /**
   * The deployment is stopped, so nothing that is drawn may be left for a later hour; and kinds of rows that wait to be taken back, for which no hour to come sets anything aside: this
   * one does. Left out: it isn't stopped.
   */
  readonly closing?: readonly RowKind[];
}

export interface RegionFacts {
  readonly region: string;
  /** Rows of the region in the set, decoys included. */
  readonly keys: number;
  /** Decoys among them. */
  readonly syntheticKeys: number;
}

/**
 * A numbered set, fixed for good once it was answered. `firstHour..lastHour` are the release hours it covers; both are
 * null for a set that covers none (no key, or held).
 */
export interface FrozenSet {
  readonly setNo: number;
  readonly hour: number;
  readonly firstHour: number | null;
  readonly lastHour: number | null;
  readonly decision: 'empty' | 'hold' | 'publish';
  /** All rows of the set, decoys included; 0 unless `decision` is publish. */
  readonly keys: number;
  readonly regions: readonly RegionFacts[];
  /** For which feeds its parts hold the minima (feed-parts.ts): its keys go into no other. */
  readonly feeds: readonly string[];
}

/** Rows of a set in published order (domain/publication/packed-keys.ts). */
export interface KeyPage {
  readonly rows: Uint8Array;
  /** The rows' withdrawal hashes (protocol/withdrawal.ts), in their order. */
  readonly openings: Uint8Array;
  /** The rows' provenances by index. */
  readonly provenances: Readonly<Record<number, Provenance>>;
  /** Of the set: into which feeds its keys may go. */
  readonly feeds: readonly string[];
  /** Groups of issue ids of the whole set (domain/publication/issue-groups.ts). */
  readonly issueGroups: readonly IssueGroup[];
  /** For each row two bytes, big-endian: number of its group + 1, or 0. */
  readonly groups: Uint8Array;
  /** True when no row follows. */
  readonly last: boolean;
}

/** Published keys that their owners took back, or of which something is said anew, until the end of an hour: fixed for good once it was answered. */
export interface WithdrawalBatch {
  /** A random UUID. */
  readonly id: string;
  /** Taken back: key_data, 16 bytes each, ascending. */
  readonly teks: Uint8Array;
  /** Said anew, of other keys (domain/publication/revision.ts), in the order of the keys. */
  readonly revised: Uint8Array;
}

/** Which waiting rows are to end: those of an issue, those of a key, and those of a peer's batch, in each case within the release hours. */
export interface DropRequest {
  /** A random UUID: asked again by the same, it goes on where it was cut off. */
  readonly id: string;
  readonly issueIds?: readonly string[];
  /** key_data, 16 bytes each, one after the other. */
  readonly teks?: Uint8Array;
  /** A peer's batch, or with null every peer's of that name: nothing more of it is stored, either. */
  readonly peerBatch?: { readonly peer: string | null; readonly batch: string };
  /** First and last release hour; left out: all. */
  readonly fromHour?: number;
  readonly toHour?: number;
}

/** Of which hours the publisher logs what ended before it was published. */
export interface DropsRequest {
  /** The last that it has logged, −1 before the first: forgotten here. */
  readonly after: number;
  /** An hour that has ended. */
  readonly through: number;
}

/** What became of a {@link DropRequest}. */
export interface DropReply {
  /** Rows that this request has deleted, all its calls together. */
  readonly dropped: number;
  /** Rows that a frozen set covers: they are published, and can be taken back as soon as they are recorded. */
  readonly frozen: number;
  /** Number of the newest set, 0 before the first: once it is recorded, all that is frozen is. */
  readonly newestSet: number;
  /** The journal without these rows is written: no restore brings them back. False: it is tried again within seconds; ask again. */
  readonly journalled: boolean;
}

/** The port that the publisher's steps use; the object's stub is one. */
export interface BufferPort {
  /** @returns the hour of the first upload ever, null before it */
  firstHour(): Promise<number | null>;
  /** Idempotent: the same request gets the same set. @throws when the hour has not ended */
  freeze(request: FreezeRequest): Promise<FrozenSet>;
  /** @param after the 24 sort bytes of the last row had, null for the first page */
  page(setNo: number, after: Uint8Array | null, limit: number): Promise<KeyPage>;
  /** Forgets the rows of the set; idempotent. */
  purge(setNo: number): Promise<void>;
  /** @returns whether any key waits for its hour, or for others */
  waits(): Promise<boolean>;
  /** @param hour that has ended @returns what was taken back until its end, the same until {@link withdrawn}; null for nothing */
  withdrawals(hour: number): Promise<WithdrawalBatch | null>;
  /** The publisher has the batch; idempotent. */
  withdrawn(id: string): Promise<void>;
  /** @returns what ended before it was published, by hour and cause; the same for whoever asks again @throws when `through` has not ended */
  drops(request: DropsRequest): Promise<DroppedRows[]>;
  /** Forgets upload ids, known-key hashes and rows whose time is over; idempotent. */
  expire(): Promise<void>;
}

/** Whether the buffer lives, for a restore. */
export interface BufferLife {
  /** Uploads are taken. */
  readonly begun: boolean;
  /** Sequence of the log's last entry at the restore that it began again with; null: it was never restored. */
  readonly restoredLog: number | null;
}

/** What a journal says, without a key. */
export interface JournalFound {
  /** In which it was written. */
  readonly hour: number;
  readonly rows: number;
  /** Number of the newest set, 0 before the first. */
  readonly newestSet: number;
}

/** Up to where the event log goes. */
export interface RestorePoint {
  /** Number for the newest set: at least that of any that there was. */
  readonly lastSet: number;
  /** The last hour that was recorded, null before the first. */
  readonly lastHour: number | null;
  /** The last hour that was recorded with keys: no row waits in it or before it. Null before the first. */
  readonly covered: number | null;
  /** The deployment's first. */
  readonly firstHour: number;
}

/** Rows of a record that no entry of the log names. */
export interface UnloggedRows {
  readonly hour: number;
  /** Of one object (domain/publication/packed-keys.ts). */
  readonly rows: Uint8Array;
  /** Their withdrawal hashes, in their order; null where none are there. */
  readonly openings: Uint8Array | null;
  /** By the number that the rows have for their provenance. */
  readonly labels: Readonly<Record<number, JournalLabel>>;
}

/** A piece of a restore, in this order (durable-objects/submission-buffer/restore-ops.ts). */
export type BufferRestoreStep =
  /** Rows of a record: their keys are accepted from nobody again. */
  | { readonly kind: 'known'; readonly rows: Uint8Array; readonly openings: Uint8Array | null }
  /** `secret` opens the journal (domain/sealed-pages.ts); null: it is lost. */
  | { readonly kind: 'waiting'; readonly secret: Uint8Array | null; readonly point: RestorePoint }
  | { readonly kind: 'unlogged'; readonly found: UnloggedRows }
  /** Uploads are taken again. `log` is the sequence of the log's last entry. */
  | { readonly kind: 'begin'; readonly log: number };

/** What a restore asks of the buffer. */
export interface RestorePort {
  life(): Promise<BufferLife>;
  /** @param secret what opens the journal */
  readJournal(secret: Uint8Array): Promise<Result<JournalFound, string>>;
  /** Idempotent. @throws Error when the buffer takes uploads */
  restoreStep(step: BufferRestoreStep): Promise<void>;
}
