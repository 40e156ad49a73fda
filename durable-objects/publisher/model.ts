/**
 * @module What the Publisher knows: its state as plain data. Hours and days are counted from the Unix epoch;
 * `cut` and a part's `day` are days: the midnight at which something is taken out.
 */
import type { ChunkPolicy } from '../../domain/chunk-policy.ts';
import type { ChunkEntry } from '../../protocol/index/manifest.ts';
import type { SealedFile } from '../../domain/event-log/entry.ts';
import type { CwaSlice, SetRecord } from '../../domain/publication/record.ts';
import type { FormerKey } from './former-key.ts';
import type { Signer } from '../../protocol/signing.ts';

export interface PublisherConfig {
  readonly unionRegion: string;
  /** Published regions, the home country first; every hour is published in each, in this order. */
  readonly regions: readonly string[];
  readonly policy: ChunkPolicy;
  readonly exportKeyId: string;
  readonly exportKeyVersion: string;
  readonly manifestKeyId: string;
  /** DER signatures for exports. */
  readonly exportSigner: Signer;
  /** The key before it, while both sign (former-key.ts); null: one signature. */
  readonly formerKey: FormerKey | null;
  /** r‖s signatures for manifests. */
  readonly manifestSigner: Signer;
  /** SPKI by id: what they signed before is ours (former-key.ts). */
  readonly formerManifestKeys: Readonly<Record<string, Uint8Array>>;
  readonly logKeyId: string;
  /** r‖s signatures for the event log. */
  readonly logSigner: Signer;
  /** SPKI PEM: what issue ids are sealed to; the private half is offline. */
  readonly undoPublicKey: string;
  /** Its public half, SubjectPublicKeyInfo. */
  readonly logPublicKey: Uint8Array;
  /** Feeds that peers read (domain/publication/feeds.ts). */
  readonly feeds: readonly string[];
  /** Where `federation` answers, without a slash at the end: signatures of answers are bound to it. Empty without feeds. */
  readonly feedUrl: string;
  /** Name of the export key in these signatures. */
  readonly feedKeyId: string;
  /** The export key, r‖s. */
  readonly feedSigner: Signer;
  /** Its public half, SubjectPublicKeyInfo. */
  readonly exportPublicKey: Uint8Array;
}

export type HourState = 'OPEN' | 'FROZEN' | 'PLANNED' | 'PURGED';
export type HourDecision = 'empty' | 'hold' | 'publish' | 'missed';

export interface SealedHour {
  readonly hour: number;
  readonly state: HourState;
  readonly setNo: number | null;
  readonly decision: HourDecision | null;
  readonly record: SetRecord | null;
}

/** What was written of the files of an hour or a day; null in rows from before the event log. */
export interface SealedFiles {
  readonly files: readonly SealedFile[];
  /** CWA's ZIP. */
  readonly cwa: SealedFile;
}

export interface RegionHour {
  readonly region: string;
  readonly hour: number;
  readonly state: 'WRITTEN' | 'INDEXED';
  readonly chunks: readonly ChunkEntry[];
  readonly cwa: { readonly keys: number; readonly slices: readonly CwaSlice[] };
  readonly sealed: SealedFiles | null;
}

export interface RegionDay {
  readonly region: string;
  readonly day: number;
  /** The last midnight at which it was looked at. */
  readonly checked: number;
  /** The midnight at which its present chunks were cut. */
  readonly cut: number;
  /** The last hour whose taken rows they are without; null: they have all. */
  readonly revised: number | null;
  readonly chunks: readonly ChunkEntry[];
  readonly sealed: SealedFiles | null;
}

export interface RegionHead {
  readonly region: string;
  readonly sequence: number;
  /** base64url */
  readonly payloadSha256: string;
  readonly etag: string;
  readonly validUntil: number;
  readonly throughHour: number;
}

/** One publication of lists and head, fixed before its first object is put. */
export interface IndexPlan {
  readonly region: string;
  readonly throughHour: number;
  readonly sequence: number;
  readonly payloadSha256: string;
  readonly validUntil: number;
  readonly head: string;
  readonly pages: readonly { readonly key: string; readonly text: string; readonly expires: number }[];
  readonly lists: readonly { readonly key: string; readonly text: string }[];
  /** Keys of all objects that this publication names. */
  readonly named: readonly string[];
  /** The head says that the service has ended; the last one names nothing any more (docs/sunset.md). */
  readonly end?: 'ended' | 'last';
}
