/**
 * @module Test sessions of one shard (docs/architecture.md §7): shell over session-ops and domain/session. Sixteen shards by the
 * first hex digit of the token's hash, so that millions can be live.
 *
 * Durable writes: each method is one read, one pure decision and one row written, without an await in between, so one
 * transaction. A crash before it leaves the old row, after it the reply can be asked for again (all codes are derived).
 */
import { DurableObject } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import type { ClockStatus } from '../../domain/rpc.ts';
import { isLive, nextTan, polled, register, type Session, type TanStatus } from '../../domain/session.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { migrate } from '../migrations.ts';
import {
  batchUse,
  forgetExpired,
  ISSUE_BATCH_ROWS,
  readSession,
  SCHEMA,
  type StoredSession,
  withdrawBatch,
  writeSession,
} from './session-ops.ts';

const CLEANUP_RETRY_SECONDS = 3_600;

/** One row to issue: a teleTAN or a card. */
export interface IssuedRow extends StoredSession {
  readonly tokenHash: string;
}

export class TestSession<Env = unknown> extends DurableObject<Env> {
  /** Unix seconds; the local edge overrides it with its own clock (docs/architecture.md §11). */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);
  /** Deployed, none but the cron and an operator confirm the clock; the local edge overrides it. */
  protected secondClock: SecondClock | null = null;
  readonly #sql: SqlStorage;
  readonly #guard: ClockGuard;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    migrate(ctx.storage, SCHEMA);
    this.#guard = new ClockGuard(ctx.storage);
  }

  /** Issues teleTANs or cards; the same rows again change nothing. @throws RangeError above the batch limit */
  async issue(rows: readonly IssuedRow[]): Promise<void> {
    if (rows.length > ISSUE_BATCH_ROWS) throw new RangeError(`rows: at most ${ISSUE_BATCH_ROWS} a call`);
    this.ctx.storage.transactionSync(() => {
      for (const row of rows) {
        if (readSession(this.#sql, row.tokenHash) === null) {
          writeSession(this.#sql, row.tokenHash, row.seed, row.session);
        }
      }
    });
    await this.#armIfIdle();
  }

  /**
   * `/registrationToken`.
   *
   * @param fresh what to store when there is no row: a laboratory test; null where only an issued code opens
   * @returns whether the token is (still) given out
   */
  async register(tokenHash: string, seed: Uint8Array, fresh: Session | null): Promise<boolean> {
    const now = await this.clock();
    const existing = readSession(this.#sql, tokenHash);
    const answer = register(existing?.session ?? null, fresh, now);
    if (answer === null) return false;
    if (answer.granted && answer.session !== existing?.session) {
      writeSession(this.#sql, tokenHash, seed, answer.session);
      await this.#armIfIdle();
    }
    return answer.granted;
  }

  /** @returns the live session of a token, or null */
  async read(tokenHash: string): Promise<StoredSession | null> {
    const now = await this.clock();
    const row = readSession(this.#sql, tokenHash);
    return row !== null && isLive(row.session, now) ? row : null;
  }

  /** A poll was answered; `resultKeptUntil` in Unix seconds or null. */
  async polled(tokenHash: string, resultKeptUntil: number | null): Promise<void> {
    await this.#change(tokenHash, (session) => polled(session, resultKeptUntil));
  }

  /**
   * `/tan` after a positive result.
   *
   * @param tanNumber the number the caller asked the ledger about; when it has moved on meanwhile, ask again
   * @returns the number of the TAN to give, 'moved' to ask again, or null when there is none left
   */
  async takeTan(tokenHash: string, tanNumber: number, status: TanStatus): Promise<number | 'moved' | null> {
    const now = await this.clock();
    const row = readSession(this.#sql, tokenHash);
    if (row === null || !isLive(row.session, now)) return null;
    if (row.session.tanNumber !== tanNumber) return 'moved';
    const next = nextTan(row.session, status, now);
    if (next === null) return null;
    writeSession(this.#sql, tokenHash, row.seed, next);
    return next.tanNumber;
  }

  /** The person deletes their test. The row stays as deleted until it expires, so that the QR code opens nothing again. */
  async forget(tokenHash: string): Promise<void> {
    await this.#change(tokenHash, (session) => ({
      ...session,
      state: 'deleted',
      hashedGuid: null,
      hashedGuidWithBirthDate: null,
    }));
  }

  /** Withdraws a batch of cards from an instant on. @returns rows changed in this shard */
  withdrawBatch(codeBatchId: string, from: number): number {
    return this.ctx.storage.transactionSync(() => withdrawBatch(this.#sql, codeBatchId, from));
  }

  /** @returns cards of the batch in this shard that were opened */
  batchUse(codeBatchId: string): number {
    return batchUse(this.#sql, codeBatchId);
  }

  /** @param object this object's name @param at Unix seconds that another clock says, or null to tell only */
  async clockStatus(object: string, at: number | null): Promise<ClockStatus> {
    const now = await this.clock();
    if (at !== null) this.#guard.confirm(now, at);
    return this.#guard.status(object, now);
  }

  /** Cleanup. Armed again first, so a failure in between only repeats it an hour later. */
  override async alarm(): Promise<void> {
    await this.#arm(CLEANUP_RETRY_SECONDS);
    const now = await this.#guard.believe(await this.clock(), this.secondClock);
    const next = forgetExpired(this.#sql, now);
    if (next === null) await this.ctx.storage.deleteAlarm();
    else await this.#arm(Math.min(next - now, CLEANUP_RETRY_SECONDS));
  }

  async #change(tokenHash: string, change: (session: Session) => Session): Promise<void> {
    const now = await this.clock();
    const row = readSession(this.#sql, tokenHash);
    if (row !== null && isLive(row.session, now)) writeSession(this.#sql, tokenHash, row.seed, change(row.session));
  }

  async #armIfIdle(): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null) await this.#arm(CLEANUP_RETRY_SECONDS);
  }

  /** Alarms run on real time whatever our clock says (docs/architecture.md §11). */
  async #arm(seconds: number): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + Math.max(1, seconds) * 1000);
  }
}
