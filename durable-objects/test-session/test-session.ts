/**
 * @module Test sessions of one shard (docs/architecture.md §7): shell over session-ops, claim-ops and domain/session. Sixteen
 * shards by the first hex digit of the token's hash, so that millions can be live.
 *
 * Durable writes: each method reads, decides and writes without an await in between, so it is one transaction. A crash
 * before it leaves the old rows, after it the reply can be asked for again (all codes are derived). A registration with a date
 * of birth writes in three shards; what a crash between them leaves is in workers/verification/registration.ts.
 */
import type { Clock } from '../../domain/clock.ts';
import { type Grant, grantFor } from '../../domain/credential.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import {
  ended,
  isLive,
  keptFor,
  nextTan,
  polled,
  register,
  type Session,
  type TanRules,
  type TanStatus,
} from '../../domain/session.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { closesAtEnd, EndableObject, refuseEnded } from '../endable-object.ts';
import { KeptAlarm } from '../kept-alarm.ts';
import { migrate } from '../migrations.ts';
import { countGuess, readClaim, takeLock, writeClaim } from './claim-ops.ts';
import { forgetGrant, type GrantedSession, grantedSessions, readGrant, writeGrant } from './credential-ops.ts';
import { RegistrationPace } from './registration-pace.ts';
import type { ClaimReply, IssuedRow, Making, RegisterReply, TakenTan } from './replies.ts';
import { SCHEMA } from './schema.ts';
import {
  batchUses,
  isEmpty,
  issueSessions,
  readSession,
  revokeSession,
  type StoredSession,
  sweep,
  SWEPT,
  endCards,
  type EndingCards,
  voidSession,
  writeSession,
} from './session-ops.ts';

/** A row lives so long past its end at most; no answer depends on it. */
const SWEEP_EVERY_MS = 6 * 3_600_000;

export class TestSession<Env = unknown> extends EndableObject<Env> {
  /** Unix seconds; the local edge overrides it with its own clock (docs/architecture.md §11). */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);
  /** Deployed, none but the cron and an operator confirm the clock; the local edge overrides it. */
  protected secondClock: SecondClock | null = null;
  readonly #sql: SqlStorage;
  readonly #pace: RegistrationPace;
  readonly #guard: ClockGuard;
  readonly #alarm: KeptAlarm;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    migrate(ctx.storage, SCHEMA);
    this.#pace = new RegistrationPace(this.#sql);
    this.#guard = new ClockGuard(ctx.storage);
    this.#alarm = new KeptAlarm(ctx.storage);
  }

  /** Issues teleTANs or cards; the same rows again change nothing. @throws RangeError above the batch limit */
  async issue(rows: readonly IssuedRow[]): Promise<void> {
    this.ctx.storage.transactionSync(() => issueSessions(this.#sql, rows));
    await this.#alarm.keep(SWEEP_EVERY_MS);
  }

  /**
   * `/registrationToken`.
   *
   * @param fresh what to store when there is no row: a laboratory test, or what a credential opens; null where only an issued code opens
   */
  async register(tokenHash: string, fresh: Session | null, making: Making): Promise<RegisterReply> {
    const now = await this.clock();
    const existing = readSession(this.#sql, tokenHash);
    const claim = readClaim(this.#sql, tokenHash, now);
    if (existing === null && claim !== null && claim.owner !== null && claim.owner !== tokenHash) {
      if (claim.owner !== making.replaces) return { kind: 'taken', by: claim.owner };
    }
    const answer = register(existing?.session ?? null, fresh, now);
    if (answer === null) return { kind: 'unknown' };
    if (existing === null && !making.isPosted) {
      const pace = this.#pace.take(now);
      if (pace.kind === 'later') return pace;
    }
    // A test that was somebody else's until now: the claim's row goes over with the session.
    if (existing === null && claim !== null && claim.owner !== null) {
      writeClaim(this.#sql, tokenHash, { ...claim, owner: tokenHash });
    }
    if (answer.granted && answer.session !== existing?.session) {
      writeSession(this.#sql, tokenHash, existing?.seed ?? making.seed ?? null, answer.session);
      await this.#alarm.keep(SWEEP_EVERY_MS);
    }
    return { kind: answer.granted ? 'granted' : 'refused' };
  }

  /** See {@link countGuess}; counted before it is compared, so that many at once are no more than many after each other. @returns whether it may be compared */
  async guessBirthDate(id: string, owner: string): Promise<boolean> {
    const counted = countGuess(this.#sql, id, owner, await this.clock());
    if (counted === 'new') await this.#alarm.keep(SWEEP_EVERY_MS);
    return counted !== 'full';
  }

  /**
   * Claims a test, or a date of birth of one; again by its owner, prolongs the claim.
   *
   * @param id hash of the token that the test has without a date of birth, or of the hash with it
   * @param owner hash of the token of the session that it is to belong to
   * @param until Unix seconds
   */
  async claim(id: string, owner: string, until: number, { replaces, isPosted }: Making): Promise<ClaimReply> {
    const now = await this.clock();
    const session = readSession(this.#sql, id)?.session ?? null;
    if (session?.authorisation === 'card') return { kind: 'card' };
    const claim = readClaim(this.#sql, id, now);
    const holder = claim?.owner ?? (session !== null && now < session.expiresAt ? id : null);
    if (holder === id && owner === id) return { kind: 'held' };
    if (holder !== null && holder !== owner && holder !== replaces) return { kind: 'taken', by: holder };
    if (claim === null && !isPosted) {
      const pace = this.#pace.take(now);
      if (pace.kind === 'later') return pace;
    }
    const expiresAt = Math.max(claim?.expiresAt ?? 0, until);
    if (holder !== owner || expiresAt !== claim?.expiresAt) {
      writeClaim(this.#sql, id, { owner, guesses: claim?.guesses ?? [], expiresAt });
      await this.#alarm.keep(SWEEP_EVERY_MS);
    }
    return { kind: holder === owner ? 'held' : 'new' };
  }

  /** See {@link takeLock}; {@link unclaim} ends it. */
  async lock(id: string, owner: string): Promise<boolean> {
    const isHeld = takeLock(this.#sql, id, owner, await this.clock());
    await this.#alarm.keep(SWEEP_EVERY_MS);
    return isHeld;
  }

  /** Gives a claim up, if it is still `owner`'s; what was guessed stays counted. */
  async unclaim(id: string, owner: string): Promise<void> {
    const claim = readClaim(this.#sql, id, await this.clock());
    if (claim?.owner === owner) writeClaim(this.#sql, id, { ...claim, owner: null });
  }

  /** Ends a session whose date of birth was found wrong, so that it gives its test up. @param until see {@link voidSession} @returns whether it is void */
  async makeVoid(tokenHash: string, until: number): Promise<boolean> {
    const isVoid = voidSession(this.#sql, tokenHash, until);
    await this.#alarm.keep(SWEEP_EVERY_MS);
    return isVoid;
  }

  /** @returns whether a name says anything: a session in whatever state, a claim, or guesses that were counted */
  async isKnown(name: string): Promise<boolean> {
    return readSession(this.#sql, name) !== null || readClaim(this.#sql, name, await this.clock()) !== null;
  }

  /** @returns the session of a token in whatever state, or null */
  peek(tokenHash: string): Session | null {
    return readSession(this.#sql, tokenHash)?.session ?? null;
  }

  /** @returns the live session of a token, or null; whoever has a token needs no repetition of it */
  async open(tokenHash: string): Promise<StoredSession | null> {
    await this.#change(tokenHash, polled);
    return this.read(tokenHash);
  }

  /** @returns the live session of a token, or null */
  async read(tokenHash: string): Promise<StoredSession | null> {
    const now = await this.clock();
    const row = readSession(this.#sql, tokenHash);
    return row !== null && isLive(row.session, now) ? row : null;
  }

  /** Keeps a session as long as its result. @param resultKeptUntil Unix seconds */
  async keep(tokenHash: string, resultKeptUntil: number): Promise<void> {
    await this.#change(tokenHash, (session) => keptFor(session, resultKeptUntil));
  }

  /**
   * `/tan` after a positive result.
   *
   * @param tanNumber the number the caller asked the ledger about; when it has moved on meanwhile, ask again
   * @returns the number of the TAN to give, 'moved' to ask again, or null when there is none left
   */
  async takeTan(
    tokenHash: string,
    tanNumber: number,
    status: TanStatus,
    rules: TanRules,
  ): Promise<TakenTan | 'moved' | null> {
    const now = await this.clock();
    const row = readSession(this.#sql, tokenHash);
    if (row === null || !isLive(row.session, now) || readGrant(this.#sql, tokenHash) !== null) return null;
    if (row.session.tanNumber !== tanNumber) return 'moved';
    const next = nextTan(row.session, status, now, rules);
    if (next === null) return null;
    if (next !== row.session) writeSession(this.#sql, tokenHash, row.seed, next);
    return { n: next.tanNumber, expiresAt: next.tanExpiresAt ?? now + rules.lifetimeSeconds };
  }

  /** Gives a credential in place of TANs: what was given before, or `wanted` (domain/credential.ts). */
  async grant(tokenHash: string, wanted: Grant): Promise<Grant | null> {
    const now = await this.clock();
    const grant = grantFor(this.peek(tokenHash), readGrant(this.#sql, tokenHash), wanted, now);
    if (grant === wanted) {
      writeGrant(this.#sql, tokenHash, wanted);
      await this.#alarm.keep(SWEEP_EVERY_MS);
    }
    return grant;
  }

  /** @returns what a session gave, or null */
  granted(tokenHash: string): Grant | null {
    return readGrant(this.#sql, tokenHash);
  }

  /** See {@link grantedSessions}. */
  async grantedSessions(after: string, limit: number): Promise<GrantedSession[]> {
    return grantedSessions(this.#sql, after, await this.clock(), limit);
  }

  /** Notes that the laboratory's rows are this session's own, before the first is deleted. */
  async beginForgetting(tokenHash: string): Promise<void> {
    await this.#change(tokenHash, (session) => ({ ...session, isForgetting: true }));
  }

  /** The person deletes their test. The row stays as ended until it expires, so that the QR code opens nothing again. @param state void: it never proved its date of birth */
  async forget(tokenHash: string, state: 'deleted' | 'void'): Promise<void> {
    await this.#change(tokenHash, (session) => ended(session, state));
    forgetGrant(this.#sql, tokenHash);
  }

  /** See {@link revokeSession}. */
  revoke(tokenHash: string): StoredSession | null {
    return revokeSession(this.#sql, tokenHash);
  }

  /** Withdraws a batch of cards from an instant on. @returns rows changed in this shard */
  endCards(codeBatchId: string, cards: EndingCards): number {
    return this.ctx.storage.transactionSync(() => endCards(this.#sql, codeBatchId, cards));
  }

  /** See {@link batchUses}. */
  batchUses(codeBatchIds: readonly string[]): number[] {
    return batchUses(this.#sql, codeBatchIds);
  }

  /** What a cron asks, so that whoever asks with a time is the alarm's watchdog too. @param object this object's name @param at Unix seconds that another clock says, or null to tell only */
  async clockStatus(object: string, at: number | null): Promise<ClockStatus> {
    const now = await this.clock();
    if (at !== null) {
      this.#guard.confirm(now, at);
      if (!this.#isEmpty()) await this.#alarm.keep(SWEEP_EVERY_MS);
    }
    return this.#guard.status(object, now);
  }

  /** Cleanup, a slice after the other. Armed again first: what a failure in between leaves, the next pass forgets. */
  override async alarm(): Promise<void> {
    await this.#alarm.set(SWEEP_EVERY_MS);
    const now = await this.#guard.believe(await this.clock(), this.secondClock);
    for (const table of SWEPT) await sweep(this.#sql, table, now);
    if (this.#isEmpty()) await this.#alarm.clear();
  }

  #isEmpty(): boolean {
    return SWEPT.every((table) => isEmpty(this.#sql, table));
  }

  async #change(tokenHash: string, change: (session: Session) => Session): Promise<void> {
    const now = await this.clock();
    const row = readSession(this.#sql, tokenHash);
    if (row === null || !isLive(row.session, now)) return;
    const next = change(row.session);
    if (next !== row.session) writeSession(this.#sql, tokenHash, row.seed, next);
  }
}

// Who waits for a result is told it until the end; nobody gets a token or a TAN.
closesAtEnd<TestSession>(TestSession, {
  stopped: {
    issue: refuseEnded,
    register: async () => ({ kind: 'unknown' }),
    takeTan: async () => null,
    grant: async () => null,
  },
  purged: { open: async () => null, read: async () => null, peek: () => null },
});
