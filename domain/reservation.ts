/**
 * @module The life of one TAN as a pure state machine (docs/architecture.md §4.4): issued → reserved → committed, with release
 * and expiry. Storage, clock and random ids are handed in; each function maps (row, question) to (answer, next row).
 */
import type { ReserveReply } from './rpc.ts';
import type { TanStatus } from './session.ts';

/** A used or reserved TAN answers its own digest for so long after its expiry; then it is forgotten (docs/architecture.md §4.4). */
export const GRACE_AFTER_EXPIRY_SECONDS = 2 * 3600;

interface Issued {
  readonly codeBatchId: string | null;
  /** Unix seconds; from here on no new digest may take the TAN. */
  readonly expiresAt: number;
}

/** One TAN as the ledger keeps it. The TAN itself is never in it. */
export type TanRow =
  | (Issued & { readonly state: 'issued' })
  | (Issued & {
      readonly state: 'reserved';
      readonly digest: string;
      readonly uploadId: string;
      /** Unix seconds; until then another digest is told to try later. */
      readonly leaseEnd: number;
    })
  // A committed row forgets upload id and lease: nothing is left that joins a TAN to an upload, or tells when it came.
  | (Issued & { readonly state: 'committed'; readonly digest: string });

/** What `reserve` needs besides the row. */
export interface ReserveQuestion {
  /** 32 bytes in lowercase hex. */
  readonly digest: string;
  /** Unix seconds. */
  readonly now: number;
  readonly leaseSeconds: number;
  /** Called only when a new reservation is made. */
  readonly newUploadId: () => string;
}

/** The answer, and the row to write, or null when nothing changes. */
export interface ReserveStep {
  readonly reply: ReserveReply;
  readonly write: TanRow | null;
}

/** @param row a TAN's row @returns Unix seconds from which on the row must be gone */
export function forgetAt(row: Pick<TanRow, 'expiresAt'>): number {
  return row.expiresAt + GRACE_AFTER_EXPIRY_SECONDS;
}

/**
 * A digest asks for the TAN. The digest that holds it always gets the same upload id, however often it asks.
 *
 * @param row the TAN's row, or null when there is none
 * @param question see {@link ReserveQuestion}
 * @returns see {@link ReserveStep}
 */
export function reserve(row: TanRow | null, question: ReserveQuestion): ReserveStep {
  const { digest, now, leaseSeconds } = question;
  if (row === null || now >= forgetAt(row)) return { reply: { kind: 'unknown' }, write: null };
  const expired = now >= row.expiresAt;
  switch (row.state) {
    case 'committed':
      return { reply: { kind: row.digest === digest ? 'committed' : 'used' }, write: null };
    case 'issued':
      return expired
        ? { reply: { kind: 'unknown' }, write: null }
        : held(row, digest, question.newUploadId(), now + leaseSeconds);
    case 'reserved':
      if (row.digest === digest) return held(row, digest, row.uploadId, now + leaseSeconds);
      // Nobody new may have it once it is expired, so there is no point in asking what became of the old upload.
      if (expired) return { reply: { kind: 'unknown' }, write: null };
      return {
        reply: now < row.leaseEnd ? { kind: 'busy' } : { kind: 'held', uploadId: row.uploadId },
        write: null,
      };
  }
}

function held(row: TanRow, digest: string, uploadId: string, leaseEnd: number): ReserveStep {
  const { codeBatchId, expiresAt } = row;
  return {
    reply: { kind: 'reserved', uploadId, codeBatchId },
    write: { state: 'reserved', digest, uploadId, leaseEnd, codeBatchId, expiresAt },
  };
}

/**
 * The upload is durable: the TAN is used from now on. Says nothing to a row that another upload holds, or that is
 * committed already, so it may be repeated.
 *
 * @param row the TAN's row, or null
 * @param uploadId the upload that was stored
 * @returns the row to write, or null when nothing changes
 */
export function commit(row: TanRow | null, uploadId: string): TanRow | null {
  if (row?.state !== 'reserved' || row.uploadId !== uploadId) return null;
  return { state: 'committed', digest: row.digest, codeBatchId: row.codeBatchId, expiresAt: row.expiresAt };
}

/**
 * The upload stored nothing and never will: the TAN is free again. Acts only while that very upload holds it.
 *
 * @param row the TAN's row, or null
 * @param uploadId the upload that is given up
 * @returns the row to write, or null when nothing changes
 */
export function release(row: TanRow | null, uploadId: string): TanRow | null {
  if (row?.state !== 'reserved' || row.uploadId !== uploadId) return null;
  return { state: 'issued', codeBatchId: row.codeBatchId, expiresAt: row.expiresAt };
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
