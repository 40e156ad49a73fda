/**
 * @module The life of one TAN as a pure state machine (docs/architecture.md §4.4): issued → reserved → committed, with release
 * and expiry. Storage, clock and random ids are handed in; each function maps (row, question) to (answer, next row).
 */
import type { TanStatus } from './session.ts';
import { GRACE_AFTER_EXPIRY_SECONDS } from './tan.ts';

/** A lease, and nothing else in the ledger, is finer than the hour; it ends with a full minute. */
const SECONDS_PER_MINUTE = 60;

interface Issued {
  readonly issueId: string | null;
  /** Unix seconds; from here on no new digest may take the TAN. */
  readonly expiresAt: number;
}

/** What holds a TAN. */
interface Reservation {
  /** Tells the same keys from others; 32 bytes in lowercase hex. */
  readonly digest: string;
  /** UUID; `upload` alone can tell by which id `origin` knows the same upload. */
  readonly reservationId: string;
  /** Commits to that id (domain/intake-permit.ts); 32 bytes in lowercase hex. */
  readonly idCommitment: string;
}

/** One TAN as the ledger keeps it. The TAN itself is never in it. */
export type TanRow =
  | (Issued & { readonly state: 'issued' })
  | (Issued &
      Reservation & {
        readonly state: 'reserved';
        /** Unix seconds, a full minute; until then another digest is told to try later. */
        readonly leaseEnd: number;
      })
  // A committed row forgets its digest, its commitment and when it came: nothing is left that could be found among published keys.
  // A TAN's forgets the reservation too, which would lead to an upload.
  | (Issued & {
      readonly state: 'committed';
      /** Of a certificate's upload, so that a replay, until the row is forgotten, is answered as the first time; null for TANs. */
      readonly reservationId: string | null;
    });

/** What `reserve` needs besides the row: how the reservation is to be, should it be a new one. */
export interface ReserveQuestion extends Reservation {
  /** Of the same keys, as an earlier attempt may have named them: under another key of a ring (docs/rotation.md). */
  readonly otherDigests?: readonly string[];
  /** Unix seconds. */
  readonly now: number;
  readonly leaseSeconds: number;
}

/** See `ReserveReply` of domain/rpc.ts; what a permit is made of stands in place of the permit. */
type ReservationReply =
  | {
      readonly kind: 'reserved';
      readonly reservationId: string;
      readonly idCommitment: string;
      readonly issueId: string | null;
    }
  | { readonly kind: 'busy' }
  | { readonly kind: 'held'; readonly reservationId: string; readonly idCommitment: string }
  | { readonly kind: 'committed'; readonly reservationId: string | null }
  | { readonly kind: 'unknown' };

/** The answer, and the row to write, or null when nothing changes. */
export interface ReserveStep {
  readonly reply: ReservationReply;
  readonly write: TanRow | null;
}

/** @param row a TAN's row @returns Unix seconds from which on the row must be gone */
export function forgetAt(row: Pick<TanRow, 'expiresAt'>): number {
  return row.expiresAt + GRACE_AFTER_EXPIRY_SECONDS;
}

/**
 * A digest asks for the TAN. The digest that holds it always gets the same reservation, however often it asks.
 *
 * @param row the TAN's row, or null when there is none
 * @param question see {@link ReserveQuestion}
 * @returns see {@link ReserveStep}
 */
export function reserve(row: TanRow | null, question: ReserveQuestion): ReserveStep {
  const { digest, reservationId, idCommitment, now } = question;
  if (row === null || now >= forgetAt(row)) return { reply: { kind: 'unknown' }, write: null };
  const leaseEnd = Math.ceil((now + question.leaseSeconds) / SECONDS_PER_MINUTE) * SECONDS_PER_MINUTE;
  const expired = now >= row.expiresAt;
  switch (row.state) {
    case 'committed':
      return { reply: { kind: 'committed', reservationId: row.reservationId }, write: null };
    case 'issued':
      return expired
        ? { reply: { kind: 'unknown' }, write: null }
        : held(row, { digest, reservationId, idCommitment }, leaseEnd);
    case 'reserved':
      if (row.digest === digest || question.otherDigests?.includes(row.digest) === true)
        return held(row, row, leaseEnd);
      // Nobody new may have it once it is expired, so there is no point in asking what became of the old upload.
      if (expired) return { reply: { kind: 'unknown' }, write: null };
      return {
        reply:
          now < row.leaseEnd
            ? { kind: 'busy' }
            : { kind: 'held', reservationId: row.reservationId, idCommitment: row.idCommitment },
        write: null,
      };
  }
}

function held(row: TanRow, reservation: Reservation, leaseEnd: number): ReserveStep {
  const { issueId, expiresAt } = row;
  const { digest, reservationId, idCommitment } = reservation;
  return {
    reply: { kind: 'reserved', reservationId, idCommitment, issueId },
    write: { state: 'reserved', digest, reservationId, idCommitment, leaseEnd, issueId, expiresAt },
  };
}

/**
 * The upload is durable: the TAN is used from now on. Says nothing to a row that another upload holds, or that is
 * committed already, so it may be repeated.
 *
 * @param row the TAN's row, or null
 * @param reservationId of the upload that was stored
 * @param isCertificate whose row leads to its upload from now on
 * @returns the row to write, or null when nothing changes
 */
export function commit(row: TanRow | null, reservationId: string, isCertificate = false): TanRow | null {
  if (row?.state !== 'reserved' || row.reservationId !== reservationId) return null;
  const { issueId, expiresAt } = row;
  return { state: 'committed', reservationId: isCertificate ? reservationId : null, issueId, expiresAt };
}

/**
 * The upload stored nothing and never will: the TAN is free again. Acts only while that very upload holds it.
 *
 * @param row the TAN's row, or null
 * @param reservationId of the upload that is given up
 * @param proven says of the reservation's commitment whether the upload's id is dead at `origin`
 * @returns the row to write, or null when nothing changes
 */
export function release(
  row: TanRow | null,
  reservationId: string,
  proven: (idCommitment: string) => boolean,
): TanRow | null {
  if (row?.state !== 'reserved' || row.reservationId !== reservationId || !proven(row.idCommitment)) return null;
  return { state: 'issued', issueId: row.issueId, expiresAt: row.expiresAt };
}

/**
 * What a session is told of its TAN. A reserved one lives past its expiry, as long as its own digest may still commit it.
 *
 * @param row the TAN's row, or null
 * @param now Unix seconds
 */
export function tanStatus(row: TanRow | null, now: number): TanStatus {
  if (row === null || now >= forgetAt(row)) return row?.state === 'committed' ? 'committed' : 'gone';
  if (row.state !== 'issued') return row.state === 'committed' ? 'committed' : 'live';
  return now < row.expiresAt ? 'live' : 'expired';
}
