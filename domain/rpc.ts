/**
 * @module The contracts between Workers: what each RPC entrypoint offers (docs/architecture.md §2, §4.4). Types alone, so that a Worker never imports another; the class of an entrypoint says `implements` one of these.
 */
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import type { AuthoritiesBackOfficeRpc } from './authority-list.ts';
import type { ClocksRpc } from './clock-status.ts';
import type { QuotaRequest, ReleaseReply, TeleTanBook } from './code-books.ts';
import type { PublishedPolicy } from './keys/regions.ts';
import type { AcceptedKey } from './keys/uploaded.ts';
import type { ListRefusal } from './list-refusal.ts';
import type { Packed } from './publication/packed-keys.ts';
import type { WithdrawalRpc } from './withdrawal.ts';
import type { ParameterBackOfficeRpc } from './parameters/publication.ts';
import type { OriginStatus } from './origin-status.ts';
import type { RestoreRpc } from './restore.ts';
import type { PeerBatchUndo, PeerBatchUndone } from './rpc-federation.ts';
import type { Published, PublishPart, PublishRefusal, PublishRpc } from './rpc-publish.ts';
import type { EndingRpc, OriginEndingRpc } from './sunset.ts';
import type { OriginRollbackRpc, VerificationRollbackRpc } from './rollback-rpc.ts';

/** What `upload` knows once the request is parsed: no header, no address, no time. */
export interface AcceptedUpload {
  /** 1..30 keys (MAX_KEYS_PER_UPLOAD), normalised and valid for every phone (domain/keys). */
  readonly keys: readonly AcceptedKey[];
  /** ISO 3166-1 alpha-2, sorted, unique, the home country included. */
  readonly regions: readonly string[];
  readonly consentToFederation: boolean;
  /** ISO 3166-1 alpha-2 country that took the upload in. */
  readonly origin: string;
  /** Who vouched, and on which day (domain/issue.ts), or null: a TAN from before there were issue ids. */
  readonly issueId: string | null;
}

/** What `upload` hands on with an upload, so that `origin` need not trust it (domain/intake-permit.ts); kept nowhere. */
export interface IntakePermit extends PermitMac {
  /** Hides the upload id in its commitment; 32 hex digits. */
  readonly idNonce: string;
  /** Hides the payload in its commitment; 32 hex digits. */
  readonly payloadNonce: string;
}

/** `verification`'s word that a TAN was reserved for what was committed to. */
interface PermitMac {
  /** Hour in which it was made, since the Unix epoch; good for an hour after. */
  readonly hour: number;
  /** 64 hex digits. */
  readonly mac: string;
}

/** Proof for `Redeem.release` that an upload id is dead: 64 hex digits. */
interface Death {
  readonly receipt: string;
}

/**
 * stored: at least one key is new and now durable, or this upload id was stored before (idempotent). Of Google's dialect: all that the certificate asks for is
 * done, and `publish` is the answer; null when it isn't remembered any more.
 * known: every key was known already; nothing was stored or counted, the TAN must be left unburned. The id is dead. Never of Google's dialect.
 * publish-refused: of Google's dialect, for what is known of its keys; nothing was changed. The id is dead, the certificate must be left unused.
 * tombstone: this upload id was declared dead; nothing was stored.
 * refused: the permit is not for this id and upload, or a key breaks a rule; an honest `upload` never hears it.
 */
export type AcceptReply =
  | { readonly kind: 'stored'; readonly publish?: Published | null }
  | ({ readonly kind: 'known' } & Death)
  | ({ readonly kind: 'publish-refused'; readonly code: PublishRefusal } & Death)
  | ({ readonly kind: 'tombstone' } & Death)
  | { readonly kind: 'refused' };

/** stored: the upload id was accepted before. tombstone: it was not, and now never will be. */
export type ResolveReply = { readonly kind: 'stored' } | ({ readonly kind: 'tombstone' } & Death);

/** known: by any upload, or as a decoy. over: it can't be published any more, and nobody remembers. */
export type KeyStanding = 'known' | 'new' | 'over';

/** origin#Intake, bound by `upload` alone. */
export interface IntakeRpc extends WithdrawalRpc, PublishRpc {
  /** @param publish of Google's dialect alone; the permit must have been made for it */
  accept(
    uploadId: string,
    upload: Packed<AcceptedUpload>,
    permit: IntakePermit,
    publish?: PublishPart,
  ): Promise<AcceptReply>;
  resolve(uploadId: string, idNonce: string): Promise<ResolveReply>;
  /** @returns what the published parameters say of uploads; `upload` keeps it for a minute, and the last good one */
  policy(): Promise<PublishedPolicy>;
  /** @param keys 30 at most are looked at @returns of each, in their order, what is known of it */
  known(keys: readonly TemporaryExposureKey[]): Promise<readonly KeyStanding[]>;
}

/** What `upload` asks a reservation for. Each hash is 32 bytes in lowercase hex. */
export interface ReserveRequest {
  /** Tells the same keys from others; kept, hashed once more, until the commit. */
  readonly digest: string;
  /** Of the same keys under other keys of a ring (docs/rotation.md), two at most; left out: there are none. */
  readonly otherDigests?: readonly string[];
  /** A new random UUID; the ledger's name for the reservation, should it be a new one. */
  readonly reservationId: string;
  /** Commits to the id that `origin` will know the upload by; goes with `reservationId`. */
  readonly idCommitment: string;
  /** Commits to what this attempt uploads. */
  readonly payloadCommitment: string;
}

/**
 * reserved: this digest holds the TAN; the lease runs from now. Asked again by the same digest: same reservation, new lease.
 * busy: another digest holds the TAN and its lease runs; try later.
 * held: another digest holds the TAN, its lease ran out; `reservationId` leads to its upload, for `Intake.resolve`. Of both, `idCommitment` is
 * what `upload` committed to then, so that it finds the id again after its key has changed; left out by a ledger of before rings of keys.
 * committed: the TAN was used, perhaps by these very keys: `Intake.known` tells. A certificate authorises one set of keys, and is used by none but
 * it: `reservationId` leads to that upload, for a replay; null for TANs.
 * unknown: never issued, expired, withdrawn or forgotten; a certificate that isn't good.
 */
export type ReserveReply =
  | {
      readonly kind: 'reserved';
      readonly reservationId: string;
      readonly idCommitment?: string;
      readonly issueId: string | null;
      readonly permit: PermitMac;
    }
  | { readonly kind: 'held'; readonly reservationId: string; readonly idCommitment?: string }
  | { readonly kind: 'committed'; readonly reservationId: string | null }
  | { readonly kind: 'busy' | 'unknown' };

/** verification#Redeem, bound by `upload` alone. */
export interface RedeemRpc {
  reserve(tan: string, request: ReserveRequest): Promise<ReserveReply>;
  /**
   * As {@link reserve}, for an upload of Google's dialect: the certificate is verified here, and is in the ledger from its first use on.
   *
   * @param certificate the JWT; what `commit` and `release` take in place of a TAN is its `certificateName` (protocol/publish/certificate.ts)
   */
  reserveCertificate(certificate: string, request: ReserveRequest): Promise<ReserveReply>;
  /** Idempotent; a no-op unless `reservationId` holds the TAN. */
  commit(tan: string, reservationId: string): Promise<void>;
  /**
   * Idempotent; acts only if `reservationId` still holds the TAN, uncommitted, and `receipt` is `origin`'s proof that its
   * upload id is dead.
   */
  release(tan: string, reservationId: string, receipt: string): Promise<void>;
}

export interface IssueTansRequest {
  /** 1..1000 */
  readonly count: number;
  /** Who has them issued, as the portal names them; 1..100 characters. */
  readonly issuer: string;
}

export interface IssuedTeleTanReply {
  /** Given out once; kept nowhere. */
  readonly teleTan: string;
  /** Unix seconds. */
  readonly expiresAt: number;
}

/** A batch of code cards as its provider sees it: how many were used, never which, never whether keys came. */
export interface CardBatch {
  readonly batchId: string;
  readonly provider: string;
  readonly label: string;
  readonly size: number;
  readonly used: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly withdrawnFrom: number | null;
}

/** Where a page of batches begins: after this batch in the direction of time, or before it. */
export interface BatchCursor {
  readonly direction: 'older' | 'newer';
  /** Unix seconds. */
  readonly createdAt: number;
  readonly batchId: string;
}

/** A page of batches, newest first, and whether there are others on either side. */
export interface CardBatchPage {
  readonly batches: readonly CardBatch[];
  readonly older: boolean;
  readonly newer: boolean;
}

/** Cards to print; the codes exist in this reply alone. */
export interface CardSheet {
  readonly batch: CardBatch;
  readonly cards: readonly { readonly code: string; readonly guid: string }[];
}

/** verification#BackOffice, bound by `portal` alone. `issuer` and `provider` are 1..100 characters, as the portal names them. */
export interface VerificationBackOfficeRpc extends ClocksRpc, EndingRpc, VerificationRollbackRpc {
  /** @returns null when what this issuer vouches for today was rolled back */
  issueTans(request: IssueTansRequest): Promise<{ readonly tans: readonly string[] } | null>;
  /**
   * @param request the order, 64 lowercase hex digits: the same one gives the same teleTAN and books it once. Left out: a new one
   * @returns null when the issuer's quota is used up, or what they vouch for today was rolled back
   */
  issueTeleTan(issuer: string, request?: string): Promise<IssuedTeleTanReply | null>;
  /** @returns what an order gave, while it is valid; null when there is no such order, it has expired or was revoked */
  orderedTeleTan(issuer: string, request: string): Promise<IssuedTeleTanReply | null>;
  /**
   * Ends a teleTAN: it opens nothing any more, and a session that it opened gets no TAN. Whether it had opened one isn't told.
   *
   * @param issuer whose it must be
   * @returns false when there is no such one
   */
  revokeTeleTan(id: string, issuer: string): Promise<boolean>;
  teleTanBook(issuer: string): Promise<TeleTanBook>;
  /** Asks for codes beyond the quota. @param person who the issuer is @param codes 1..60 @returns false when the quota is 0 or isn't used up */
  askBeyondQuota(issuer: string, person: string, codes: number): Promise<boolean>;
  /** @returns what was asked for within the last hour and isn't released */
  quotaRequests(): Promise<readonly QuotaRequest[]>;
  /** @param by the second person, as `askBeyondQuota` has it; never who asked */
  releaseQuota(id: string, by: string): Promise<ReleaseReply>;
  setTeleTanQuota(issuer: string, perHour: number): Promise<void>;
  teleTanQuotas(): Promise<readonly { readonly issuer: string; readonly teleTansPerHour: number }[]>;
  /**
   * @param count 20..10,000
   * @param request the order, as of {@link issueTeleTan}
   * @returns null when the provider's cards of the day are used up
   */
  makeCards(provider: string, label: string, count: number, request?: string): Promise<CardSheet | null>;
  /** @returns the cards of an order again; null when there is no such order, or its batch is withdrawn */
  orderedCards(provider: string, request: string): Promise<CardSheet | null>;
  /** @param provider one provider's batches, or null for all @returns a page of them, newest first */
  cardBatches(provider: string | null, from: BatchCursor | null): Promise<CardBatchPage>;
  /** @param provider whose batch it must be, or null @returns one batch, or null when there is no such one */
  cardBatch(batchId: string, provider: string | null): Promise<CardBatch | null>;
  /** @returns the instant (Unix seconds) from which on it is withdrawn, or null when there is no such batch */
  withdrawBatch(batchId: string, provider: string | null, from: number): Promise<number | null>;
  /** Failed teleTAN guesses; `alarm` when the running or the last hour is over budget. */
  guesses(): Promise<{ readonly thisHour: number; readonly lastHour: number; readonly alarm: boolean }>;
  /** Deletes TANs that are past expiry and grace; what the ledgers' alarms do by themselves, on demand. */
  forgetExpired(): Promise<{ readonly forgotten: number }>;
}

/** origin#BackOffice, bound by `portal` alone. */
export interface OriginBackOfficeRpc
  extends ParameterBackOfficeRpc, AuthoritiesBackOfficeRpc, ClocksRpc, OriginRollbackRpc, RestoreRpc, OriginEndingRpc {
  /** Idempotent steps of the state machine, about a second of them; each is the function that alarm and cron call. */
  advance(): Promise<{ readonly idle: boolean }>;
  status(): Promise<OriginStatus>;
  /** Takes back what came with one batch of a peer; idempotent by the request's id. */
  undoPeerBatch(request: PeerBatchUndo): Promise<PeerBatchUndone>;
}

/** What a laboratory said of one test, as an app may be told (domain/test-result). */
export interface TestResultReply {
  /** Code 0..9; 0 while nothing is known, so that an unknown id and a waiting one look alike. */
  readonly result: number;
  /** Unix seconds of sample collection, or null while pending. */
  readonly sampleCollected: number | null;
  /** Laboratory's id as it stands in the allow-list, or null while pending. */
  readonly labId: string | null;
  /** Unix seconds until which the result is kept (a session lives at least as long), or null while pending. */
  readonly keptUntil: number | null;
  /** UTC day since the Unix epoch on which it became positive; null while it is not. */
  readonly positiveDay: number | null;
  /** Whether its laboratory, when it posted, bound all its tests to dates of birth; false while pending. */
  readonly needsBirthDate: boolean;
}

/** laboratory#Results, bound by `verification` alone. Asking creates nothing. */
export interface ResultsRpc {
  /** @param hashedGuid 64 digits in hex, the first may be x, or a `birthDateName` (domain/test-result.ts); so below */
  resultOf(hashedGuid: string): Promise<TestResultReply>;
  /** A person deletes their test; idempotent. */
  forget(hashedGuid: string): Promise<void>;
}

/** One laboratory of the signed allow-list. */
export interface Laboratory {
  /** 1..64 characters of [a-z0-9-]. */
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the client certificate (DER), lowercase hex; several while one is replaced. */
  readonly certificateFingerprints: readonly string[];
  /** required: it posts each result under the hash with the date of birth too, and who registers without one sees none. */
  readonly birthDate: 'optional' | 'required';
}

/** `reason` is for whoever reads English at a command line; a page says the refusal in its own words. */
export type SetListReply =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string; readonly refusal: ListRefusal };

/** laboratory#BackOffice, bound by `portal` alone. */
export interface LaboratoryBackOfficeRpc extends ClocksRpc, EndingRpc {
  /** @param document signed document of type `laboratories`; refused unless its version is higher than the stored one. */
  setLaboratories(document: string): Promise<SetListReply>;
  laboratories(): Promise<{ readonly version: number; readonly laboratories: readonly Laboratory[] }>;
  /** @param marks of a client certificate, its issuer's and serial number or its public key: it posts nothing any more */
  blockCertificate(marks: readonly string[]): Promise<void>;
}
