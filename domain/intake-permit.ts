/**
 * @module What lets `origin` take an upload without trusting `upload`, and without a value that joins a test to its keys
 * (docs/architecture.md §4.4, docs/decisions/023).
 *
 * `upload` commits to two things, each hidden by a nonce: to the id that `origin` will know the upload by, and to what is
 * uploaded. `verification` sees the commitments alone; it keeps the first with the reservation of a TAN, and MACs both: a
 * permit. `origin` is told id, payload and nonces, computes the commitments again and checks the MAC. It takes each id
 * once, and remembers the id alone.
 *
 * One reservation has one id, so any number of permits for it store one payload. It is given up only against a receipt
 * of `origin`'s that the id is dead. So a taken-over `upload` stores one payload for each TAN that passed, and no more.
 */
import { equalBytes, fromHex, toHex, utf8 } from '../protocol/primitives/bytes.ts';
import { hmacSha256, sha256 } from '../protocol/primitives/hash.ts';
import { firstOf, type KeyRing } from '../protocol/primitives/key-ring.ts';
import { asWithdrawalHash } from '../protocol/withdrawal.ts';
import type { Certified } from './rpc-publish.ts';
import type { AcceptedUpload, IntakePermit } from './rpc.ts';

/** 128 bits: as unguessable as a random UUID. */
const HALF = 16;

const ID_LABEL = utf8('exposure-edge/upload-id/v1\0');
const ID_COMMITMENT_LABEL = utf8('exposure-edge/id-commitment/v1\0');
const PAYLOAD_COMMITMENT_LABEL = utf8('exposure-edge/payload-commitment/v1\0');
const PERMIT_LABEL = utf8('exposure-edge/intake-permit/v1\0');
const DEATH_LABEL = utf8('exposure-edge/death-receipt/v1\0');

const NO_HASH = new Uint8Array(HALF);

const HEX_32 = /^[0-9a-f]{32}$/;
const MAC = /^[0-9a-f]{64}$/;

/** How `origin` knows an upload, and what hides it in the commitment. */
export interface OriginId {
  /** 32 lowercase hex digits. */
  readonly uploadId: string;
  /** 32 lowercase hex digits. */
  readonly idNonce: string;
}

/**
 * The id that `origin` sees, from the one that stands in the ledger. Without `uploadIdKey` neither tells the other.
 *
 * @param uploadIdKey 32 bytes, held by `upload` alone
 * @param reservationId of the ledger
 * @returns the same each time
 */
export function originIdOf(uploadIdKey: Uint8Array, reservationId: string): OriginId {
  const bytes = hmacSha256(uploadIdKey, ID_LABEL, utf8(reservationId));
  return { uploadId: toHex(bytes.subarray(0, HALF)), idNonce: toHex(bytes.subarray(HALF)) };
}

/**
 * The id that a reservation was made with, whichever key of the ring made it (docs/rotation.md).
 *
 * @param uploadIdKeys held by `upload` alone
 * @param reservationId of the ledger
 * @param idCommitment of that reservation, as the ledger keeps it
 * @returns the id that the commitment is to; by the current key where it is to none of the ring, and with one key
 */
export function originIdUnder(
  uploadIdKeys: KeyRing,
  reservationId: string,
  idCommitment: string | undefined,
): OriginId {
  const current = originIdOf(uploadIdKeys.current, reservationId);
  if (uploadIdKeys.others.length === 0 || idCommitment === undefined) return current;
  const isIt = (id: OriginId): OriginId | null => (commitToId(id) === idCommitment ? id : null);
  return firstOf(uploadIdKeys, (key) => isIt(originIdOf(key, reservationId))) ?? current;
}

/** @param id as it came by RPC @returns whether both parts have their form, the only one that a commitment is made of */
export function isOriginId({ uploadId, idNonce }: OriginId): boolean {
  return isNonce(uploadId) && isNonce(idNonce);
}

const isNonce = (value: unknown): boolean => typeof value === 'string' && HEX_32.test(value);

/** @param id see {@link OriginId} @returns 64 hex digits that say nothing of the id to whoever lacks the nonce */
export function commitToId({ uploadId, idNonce }: OriginId): string {
  return toHex(sha256(ID_COMMITMENT_LABEL, utf8(`${idNonce}${uploadId}`)));
}

/** Everything that is published or kept of an upload, but its issue id, which `verification` adds. */
export type CommittedPayload = Omit<AcceptedUpload, 'issueId'>;

/**
 * @param payload what `origin` will be told
 * @param nonce 32 hex digits, drawn anew for each attempt, since this commitment is kept nowhere
 * @returns 64 hex digits that say nothing of the payload to whoever lacks the nonce, not even to a guess
 */
export function commitToPayload(payload: CommittedPayload, nonce: string): string {
  return toHex(sha256(PAYLOAD_COMMITMENT_LABEL, utf8(nonce), canonicalPayload(payload)));
}

/** Bytes of a key in the canonical form: 16 of key data, start as uint32, period, level, type, onset as int8, 16 of withdrawal hash or zeros. */
const ENTRY_BYTES = 40;

/** @throws RangeError when a key has not 16 bytes */
function canonicalPayload({ keys, regions, consentToFederation, origin }: CommittedPayload): Uint8Array {
  const tail = utf8(JSON.stringify([consentToFederation, origin, regions]));
  const bytes = new Uint8Array(1 + keys.length * ENTRY_BYTES + tail.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = keys.length;
  for (const [i, key] of keys.entries()) {
    const at = 1 + i * ENTRY_BYTES;
    if (key.keyData.length !== HALF) throw new RangeError(`key data: 16 bytes expected, got ${key.keyData.length}`);
    bytes.set(key.keyData, at);
    view.setUint32(at + 16, key.rollingStartIntervalNumber);
    view.setUint8(at + 20, key.rollingPeriod);
    view.setUint8(at + 21, key.transmissionRiskLevel);
    view.setUint8(at + 22, key.reportType);
    view.setInt8(at + 23, key.daysSinceOnsetOfSymptoms);
    bytes.set(asWithdrawalHash(key.withdrawalHash) ?? NO_HASH, at + 24);
  }
  bytes.set(tail, bytes.length - tail.length);
  return bytes;
}

/** What a permit's MAC is over. */
export interface PermitFacts {
  /** Hour of the permit, since the Unix epoch. */
  readonly hour: number;
  /** 64 hex digits, from the reservation. */
  readonly idCommitment: string;
  /** 64 hex digits, from this attempt. */
  readonly payloadCommitment: string;
  /** Of who vouched for the TAN, so that `upload` can't hide who. */
  readonly issueId: string | null;
  /** What the certificate says that stood in place of a TAN, so that `upload` can't say more; left out or null: it was a TAN. */
  readonly certified?: Certified | null;
}

/** @param permitKey 32 bytes, shared by `verification` and `origin` @returns 64 hex digits */
export function signPermit(permitKey: Uint8Array, facts: PermitFacts): string {
  const { hour, idCommitment, payloadCommitment, issueId, certified = null } = facts;
  const more = certified === null ? [] : [certified.authorityId, certified.reportType, certified.expiresAt];
  const text = JSON.stringify([hour, idCommitment, payloadCommitment, issueId, ...more]);
  return toHex(hmacSha256(permitKey, PERMIT_LABEL, utf8(text)));
}

/**
 * A permit is good in its hour and the next, and one before for a clock that is behind: `origin` remembers ids for a day
 * and more, so no permit outlives the memory of its id.
 */
const PERMIT_HOURS = 1;

/**
 * @param permitKey 32 bytes
 * @param hour the running hour
 * @param id that the upload is to be known by
 * @param upload what is to be stored
 * @param permit from `verification`, with the nonces from `upload`
 * @param certified what `upload` says of the certificate; null: it was a TAN
 * @returns whether `verification` made it for this id and this upload within the hour
 * @throws RangeError when a key has not 16 bytes
 */
export function permits(
  permitKey: Uint8Array,
  hour: number,
  uploadId: string,
  upload: AcceptedUpload,
  permit: IntakePermit,
  certified: Certified | null = null,
): boolean {
  if (!isOriginId({ uploadId, idNonce: permit.idNonce }) || !isNonce(permit.payloadNonce)) return false;
  if (!Number.isInteger(permit.hour) || Math.abs(permit.hour - hour) > PERMIT_HOURS) return false;
  const facts: PermitFacts = {
    hour: permit.hour,
    idCommitment: commitToId({ uploadId, idNonce: permit.idNonce }),
    payloadCommitment: commitToPayload(upload, permit.payloadNonce),
    issueId: upload.issueId,
    certified,
  };
  return sameMac(signPermit(permitKey, facts), permit.mac);
}

/** `origin` says that an id is dead. @param permitKey 32 bytes @param idCommitment 64 hex digits @returns 64 hex digits */
export function deathReceipt(permitKey: Uint8Array, idCommitment: string): string {
  return toHex(hmacSha256(permitKey, DEATH_LABEL, utf8(idCommitment)));
}

/** @param receipt from `origin`, by way of `upload` @returns whether it says that the id of this commitment is dead */
export function provesDeath(permitKey: Uint8Array, idCommitment: string, receipt: string): boolean {
  return sameMac(deathReceipt(permitKey, idCommitment), receipt);
}

/** Compares in constant time. */
function sameMac(expected: string, given: unknown): boolean {
  return typeof given === 'string' && MAC.test(given) && equalBytes(fromHex(expected), fromHex(given));
}
