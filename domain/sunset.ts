/**
 * @module How a deployment ends (docs/sunset.md): announced, stopped, purged, proved. What each Worker offers for it, and what the proof says.
 * Nothing here concerns a person.
 */
import type { UtcDate } from '../protocol/gaen/intervals.ts';

/**
 * stopped: takes nothing new in, and goes on publishing and forgetting what it has. purged: holds nothing but the row that says so, and
 * answers nothing.
 */
export type EndPhase = 'open' | 'stopped' | 'purged';

/** What an object holds, and how far its end is. */
export interface ObjectRemains {
  /** e.g. `publisher`, `session-a` */
  readonly object: string;
  readonly phase: EndPhase;
  /** Hour of that phase, since the Unix epoch; null while it is open. */
  readonly since: number | null;
  /** Bytes of its database, free pages included. */
  readonly bytes: number;
  /** Table → rows, of every table there is; `MOST_COUNTED` stands for that or more. */
  readonly tables: Readonly<Record<string, number>>;
  /** Whether anything would wake it. */
  readonly hasAlarm: boolean;
}

/** A table with more rows is not counted to its end: what is left of a deployment that has ended is a row. */
export const MOST_COUNTED = 1_000_000;

/** Message of what an object throws once it is purged; it crosses RPC. */
export const ENDED_MESSAGE = 'this deployment has ended';

/** What each back office offers; bound by `portal` alone, which asks for the deployment's name and a second person. */
export interface EndingRpc {
  /** Every object takes nothing new in any more, for good; idempotent. @param hour since the Unix epoch */
  stopForGood(hour: number): Promise<void>;
  /**
   * Destroys what its objects hold, for good. Interrupted, it is called again: what is destroyed already stays so.
   *
   * @param hour since the Unix epoch
   * @throws Error while one of them is open; of `origin`, while phones aren't told that the service has ended
   */
  purgeForGood(hour: number): Promise<void>;
  /** What every object of it holds. Reads only. */
  remains(): Promise<readonly ObjectRemains[]>;
}

/** One object of a bucket. */
export interface BucketObject {
  readonly bucket: 'public' | 'private' | 'feeds';
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** base64url of SHA-256, as R2 keeps it; null where it was put without. */
  readonly sha256: string | null;
}

/** A region's last head. */
interface LastHead {
  readonly region: string;
  readonly sequence: number;
  /** base64url of SHA-256 of its payload. */
  readonly payloadSha256: string;
}

/** Where the event log ended, and what it had told. */
interface LastOfLog {
  readonly sequence: number;
  /** base64url of SHA-256 of the last entry's payload; null: there was none. */
  readonly sha256: string | null;
  /** Entries of each kind. */
  readonly counts: Readonly<Record<string, number>>;
}

/** What `Publisher` keeps when everything else of it is gone. */
export interface KeptByPublisher {
  readonly heads: readonly LastHead[];
  readonly log: LastOfLog;
}

/** How far `origin` is on the way to its end. */
export interface OriginEnding {
  /** Keys wait for their hour or for others, or to be taken back. */
  readonly waits: boolean;
  /** Every region's head says that the service has ended. */
  readonly announced: boolean;
  /** Of what `Publisher` has kept; null before it is purged. */
  readonly kept: KeptByPublisher | null;
}

/** origin#BackOffice, beside {@link EndingRpc}. */
export interface OriginEndingRpc extends EndingRpc {
  ending(): Promise<OriginEnding>;
  /** @param most so many of each bucket @returns what lies in the buckets, by name */
  bucketObjects(most: number): Promise<readonly BucketObject[]>;
  /**
   * Looks at its own objects and at the buckets, adds what the portal saw of the others', and signs it with the log's key.
   *
   * @returns the certificate as a signed document, or what is still there
   */
  certify(request: CertifyRequest): Promise<CertifyReply>;
}

export interface CertifyRequest {
  readonly deployment: string;
  /** Unix seconds. */
  readonly now: number;
  /** Of all Workers but `origin`. */
  readonly objects: readonly ObjectRemains[];
  readonly audit: AuditEnd | null;
}

/** Where the portal's audit log ended. */
export interface AuditEnd {
  readonly entries: number;
  readonly chain: string;
}

export type CertifyReply =
  | { readonly kind: 'proved'; readonly certificate: string; readonly proof: Proof }
  | { readonly kind: 'left'; readonly what: readonly string[] };

/** Type of the signed document that a certificate is (protocol/index/signed-document.ts). */
export const CERTIFICATE_TYPE = 'sunset-certificate';

/** Payload of the certificate. */
export interface Proof extends KeptByPublisher {
  readonly deployment: string;
  /** Hour in which it was looked at, since the Unix epoch. */
  readonly provedHour: number;
  /** Every object of every Worker. */
  readonly objects: readonly ObjectRemains[];
  /** Everything that lies in a bucket but the certificate itself. */
  readonly buckets: readonly BucketObject[];
  readonly audit: AuditEnd | null;
  /** What the platform can still bring back, and until when. */
  readonly recovery: { readonly what: string; readonly endsOn: UtcDate | null }[];
}

/** Days for which the platform can restore an object's storage (docs/spec/platform.md §1.2). */
export const RECOVERY_DAYS = 30;

/** @param remains of an object @returns whether it holds the one row that says that it has ended, and nothing else */
export function isEmpty({ phase, tables, hasAlarm }: ObjectRemains): boolean {
  const filled = Object.entries(tables).filter(([, rows]) => rows > 0);
  return phase === 'purged' && !hasAlarm && filled.length === 1 && filled[0]![0] === END_TABLE && filled[0]![1] === 1;
}

/** The table of that row. */
export const END_TABLE = 'deployment_end';
