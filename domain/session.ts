/**
 * @module A test session as a pure state machine: registered once, polled, given a TAN a day, two unless follow-up days are configured (docs/architecture.md §7,
 * docs/spec/cwa.md §3.1 with the defects of §6 removed). Times are Unix seconds; storage is elsewhere.
 */
import { SECONDS_PER_DAY } from '../protocol/gaen/intervals.ts';
import { longestAnswerOfTan } from './tan.ts';
import { RESULT_FORGOTTEN_AFTER_SECONDS } from './test-result.ts';

/** `/registrationToken` repeats its answer this long, or until the first poll: a lost reply costs nobody the test. */
export const REGISTRATION_REPEAT_SECONDS = 600;
/** TANs that expired unused are replaced, but so many times at most. */
const REPLACED_TANS_AT_MOST = 8;
/** TANs every session may use: one for the upload, one for the key of the day of the test. */
export const TANS_WITHOUT_FOLLOW_UPS = 2;
/** A new one must be asked for within this time of the first; each follow-up day adds a day. */
export const TANS_WITHIN_SECONDS = 48 * 3600;
/** A session lives at least as long as the result it may have to show, and as the TAN it gave ({@link nextTan}). */
export const SESSION_LIFETIME_SECONDS = RESULT_FORGOTTEN_AFTER_SECONDS;
/**
 * So long after it was registered something of a session may be asked for by its name, and the keys that named it are wanted (docs/rotation.md): a test's result may be posted as late as its session waits, is shown as long
 * again, and that it is over is known as long again. A code card's is over before: 90 days until it is used, and {@link SESSION_LIFETIME_SECONDS}.
 */
export const SESSION_KNOWN_SECONDS = 3 * SESSION_LIFETIME_SECONDS;

/** Who vouches for the person: a laboratory's result, a hotline's teleTAN, a provider's code card, or another region by a credential. */
type Authorisation = 'laboratory' | 'teletan' | 'card' | 'credential';

export interface Session {
  /**
   * issued: a teleTAN or card nobody has used yet. deleted: withdrawn by the person or with its batch; answers like unknown.
   * void: as deleted, of a session that never proved its date of birth: its test is open to whoever proves it (decision 024).
   */
  readonly state: 'issued' | 'registered' | 'deleted' | 'void';
  readonly authorisation: Authorisation;
  /** Set for `laboratory` alone: what the laboratory is asked by. */
  readonly hashedGuid: string | null;
  /** Its `birthDateName` (domain/test-result.ts); of a session that is older than names, the hash itself. */
  readonly hashedGuidWithBirthDate: string | null;
  /** The batch of a code card. */
  readonly codeBatchId: string | null;
  /** Of a teleTAN since it was issued, of a credential since it was used (domain/issue.ts); what a test's or a card's is follows from who vouched when. */
  readonly issueId: string | null;
  readonly registeredAt: number | null;
  readonly polled: boolean;
  /** Number of the TAN that is current. */
  readonly tanNumber: number;
  /**
   * Numbers of this session that were used, for its life: the ledger forgets a TAN sooner. One that it forgot without having
   * said what became of it counts as used.
   */
  readonly tansCommitted: number;
  readonly firstTanAt: number | null;
  /** Until then a current TAN that the ledger doesn't know is still being issued; null before the first. */
  readonly tanExpiresAt: number | null;
  /** Its laboratory rows are being deleted: that they are its own was found before the first went. */
  readonly isForgetting: boolean;
  readonly expiresAt: number;
}

/** What a deployment grants; the same for all its sessions. */
export interface TanRules {
  /** > 0 */
  readonly lifetimeSeconds: number;
  /** Days after the one of the test whose keys may be shared too, each with a TAN of its own; 0 unless configured. */
  readonly followUpDays: number;
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
  if (existing.state === 'deleted' || existing.state === 'void' || now >= existing.expiresAt) {
    return { session: existing, granted: false };
  }
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
    issueId: null,
    registeredAt: now,
    polled: false,
    tanNumber: 0,
    tansCommitted: 0,
    firstTanAt: null,
    tanExpiresAt: null,
    isForgetting: false,
    expiresAt: now + SESSION_LIFETIME_SECONDS,
  };
}

/**
 * @param by the issue id of a teleTAN, or the batch of a card
 * @returns a session that waits for its teleTAN or card to be used until `expiresAt`
 */
export function issuedSession(authorisation: 'teletan' | 'card', by: string | null, expiresAt: number): Session {
  return {
    ...laboratorySession('', null, 0),
    state: 'issued',
    authorisation,
    hashedGuid: null,
    codeBatchId: authorisation === 'card' ? by : null,
    issueId: authorisation === 'teletan' ? by : null,
    registeredAt: null,
    expiresAt,
  };
}

/**
 * @param issueId of the region that tested, today
 * @param now Unix seconds
 * @returns the session that a credential opens: of no test here. It outlives the credential, so that one opens no second
 */
export function credentialSession(issueId: string, now: number): Session {
  return { ...laboratorySession('', null, now), authorisation: 'credential', hashedGuid: null, issueId };
}

/** @returns true while the session answers polls and TAN requests */
export function isLive(session: Session | null, now: number): session is Session {
  return session !== null && session.state === 'registered' && now < session.expiresAt;
}

/** A poll: the token is in the person's hands now, so registration is no longer repeated. */
export function polled(session: Session): Session {
  return session.polled ? session : { ...session, polled: true };
}

/** @param resultKeptUntil Unix seconds or null @returns the session, which lives as long as the result it may have to show */
export function keptFor(session: Session, resultKeptUntil: number | null): Session {
  const expiresAt = Math.max(session.expiresAt, resultKeptUntil ?? 0);
  return expiresAt === session.expiresAt ? session : { ...session, expiresAt };
}

/**
 * The end of a session: nothing in it leads to a test any more. A test's is known for as long as any result could be had with it: one
 * may be posted first as late as the session would have waited, and stays as long again.
 */
export function ended(session: Session, state: 'deleted' | 'void'): Session {
  const isTest = session.authorisation === 'laboratory';
  const expiresAt = session.expiresAt + (isTest ? RESULT_FORGOTTEN_AFTER_SECONDS : 0);
  return { ...session, state, hashedGuid: null, hashedGuidWithBirthDate: null, expiresAt };
}

/**
 * What the ledger knows of the current TAN. live: it can be used, or an upload holds it. expired: its life ended, or it was
 * withdrawn with its batch, and nobody used it. gone: not known: being issued, or forgotten.
 */
export type TanStatus = 'live' | 'committed' | 'expired' | 'gone';

/**
 * `/tan` after a positive result: which TAN the session is given. A number that is being issued, or whose TAN lives, is the
 * same number again, so that asking many times at once gives one TAN. The n-th TAN after the first is given from the n-th
 * UTC day after the first's on: it is for the key of a day that has ended by then. One that lives is repeated for its life: a
 * phone that lost the answer, and was off for days, has no other.
 *
 * @param status of the TAN with the session's current number
 * @param now Unix seconds
 * @returns the session with the number to derive, or null when there is none (yet, or any more)
 */
export function nextTan(session: Session, status: TanStatus, now: number, rules: TanRules): Session | null {
  const { firstTanAt, tanExpiresAt } = session;
  if (firstTanAt === null) {
    return withTan({ ...session, polled: true, firstTanAt: now }, now, rules);
  }
  if (status === 'live' || (status === 'gone' && now < (tanExpiresAt ?? 0))) return session;
  if (now >= firstTanAt + TANS_WITHIN_SECONDS + rules.followUpDays * SECONDS_PER_DAY) return null;
  const tansCommitted = status === 'expired' ? session.tansCommitted : session.tansCommitted + 1;
  const mostTans = TANS_WITHOUT_FOLLOW_UPS + rules.followUpDays;
  if (tansCommitted >= mostTans || session.tanNumber >= mostTans - 1 + REPLACED_TANS_AT_MOST) return null;
  if (dayOf(now) < dayOf(firstTanAt) + tansCommitted) return null;
  return withTan({ ...session, tansCommitted, tanNumber: session.tanNumber + 1 }, now, rules);
}

/** @returns the session with a current TAN that is issued now, and alive as long as that answers */
function withTan(session: Session, now: number, { lifetimeSeconds }: TanRules): Session {
  const expiresAt = Math.max(session.expiresAt, now + longestAnswerOfTan(lifetimeSeconds));
  return { ...session, tanExpiresAt: now + lifetimeSeconds, expiresAt };
}

function dayOf(unixSeconds: number): number {
  return Math.floor(unixSeconds / SECONDS_PER_DAY);
}
