/**
 * @module A test session as a pure state machine: registered once, polled, given up to two TANs (docs/architecture.md §7,
 * docs/spec/cwa.md §3.1 with the defects of §6 removed). Times are Unix seconds; storage is elsewhere.
 */
import { RESULT_FORGOTTEN_AFTER_SECONDS } from './test-result.ts';

/** `/registrationToken` repeats its answer this long, or until the first poll: a lost reply costs nobody the test. */
export const REGISTRATION_REPEAT_SECONDS = 600;
/** TANs a session may use: one for the upload, one for the key of the day of the test. */
export const MAX_TANS = 2;
/** The second TAN must be asked for within this time of the first. */
export const SECOND_TAN_WITHIN_SECONDS = 48 * 3600;
/** TANs that expired unused are replaced, but not for ever. */
const LAST_TAN_NUMBER = 9;
/** A session lives at least as long as the result it may have to show. */
export const SESSION_LIFETIME_SECONDS = RESULT_FORGOTTEN_AFTER_SECONDS;

/** Who vouches for the person: a laboratory's result, a hotline's teleTAN, or a provider's code card. */
type Authorisation = 'laboratory' | 'teletan' | 'card';

export interface Session {
  /** issued: a teleTAN or card nobody has used yet. deleted: withdrawn by the person or with its batch; answers like unknown. */
  readonly state: 'issued' | 'registered' | 'deleted';
  readonly authorisation: Authorisation;
  /** Set for `laboratory` alone: what the laboratory is asked by. */
  readonly hashedGuid: string | null;
  readonly hashedGuidWithBirthDate: string | null;
  readonly codeBatchId: string | null;
  readonly registeredAt: number | null;
  readonly polled: boolean;
  /** Number of the TAN that is current. */
  readonly tanNumber: number;
  readonly tansCommitted: number;
  readonly firstTanAt: number | null;
  readonly expiresAt: number;
}

type Answer = { readonly session: Session; readonly granted: boolean };

/**
 * `/registrationToken` for a session that may exist.
 *
 * @param existing the stored session, or null
 * @param fresh what to store when there is none: a laboratory test (null for a teleTAN, which must have been issued)
 */
export function register(existing: Session | null, fresh: Session | null, now: number): Answer | null {
  if (existing === null) return fresh === null ? null : { session: fresh, granted: true };
  if (existing.state === 'deleted' || now >= existing.expiresAt) return { session: existing, granted: false };
  if (existing.state === 'issued') {
    const session: Session = {
      ...existing,
      state: 'registered',
      registeredAt: now,
      expiresAt: Math.max(existing.expiresAt, now + SESSION_LIFETIME_SECONDS),
    };
    return { session, granted: true };
  }
  const repeatable = !existing.polled && now < (existing.registeredAt ?? 0) + REGISTRATION_REPEAT_SECONDS;
  return { session: existing, granted: repeatable };
}

/** @returns the session of a laboratory test, registered now */
export function laboratorySession(hashedGuid: string, withBirthDate: string | null, now: number): Session {
  return {
    state: 'registered',
    authorisation: 'laboratory',
    hashedGuid,
    hashedGuidWithBirthDate: withBirthDate,
    codeBatchId: null,
    registeredAt: now,
    polled: false,
    tanNumber: 0,
    tansCommitted: 0,
    firstTanAt: null,
    expiresAt: now + SESSION_LIFETIME_SECONDS,
  };
}

/** @returns a session that waits for its teleTAN or card to be used until `expiresAt` */
export function issuedSession(
  authorisation: 'teletan' | 'card',
  codeBatchId: string | null,
  expiresAt: number,
): Session {
  return {
    ...laboratorySession('', null, 0),
    state: 'issued',
    authorisation,
    hashedGuid: null,
    codeBatchId,
    registeredAt: null,
    expiresAt,
  };
}

/** @returns true while the session answers polls and TAN requests */
export function isLive(session: Session | null, now: number): session is Session {
  return session !== null && session.state === 'registered' && now < session.expiresAt;
}

/** A poll: the token is in the person's hands now, so registration is no longer repeated; the result may live longer. */
export function polled(session: Session, resultKeptUntil: number | null): Session {
  return { ...session, polled: true, expiresAt: Math.max(session.expiresAt, resultKeptUntil ?? 0) };
}

/**
 * What the ledger knows of the current TAN. gone: never issued, or expired; a commit that the ledger has forgotten (26 h)
 * counts as none, which is harmless: known keys are stored and counted once (docs/architecture.md §4.5).
 */
export type TanStatus = 'live' | 'committed' | 'gone';

/**
 * `/tan` after a positive result: which TAN the session is given.
 *
 * @param status of the TAN with the session's current number
 * @returns the session with the number to derive, or null when it has had all its TANs
 */
export function nextTan(session: Session, status: TanStatus, now: number): Session | null {
  if (session.firstTanAt !== null && now >= session.firstTanAt + SECOND_TAN_WITHIN_SECONDS) return null;
  const asked: Session = { ...session, polled: true, firstTanAt: session.firstTanAt ?? now };
  if (status === 'live') return asked;
  const committed = status === 'committed' ? session.tansCommitted + 1 : session.tansCommitted;
  if (committed >= MAX_TANS || session.tanNumber >= LAST_TAN_NUMBER) return null;
  const isFirst = session.firstTanAt === null && status === 'gone';
  return { ...asked, tansCommitted: committed, tanNumber: isFirst ? session.tanNumber : session.tanNumber + 1 };
}
