/**
 * @module The issued TANs, in one object (docs/decisions/012): a shell around domain/reservation.ts that keeps rows and
 * an alarm. A TAN itself never gets here, only its keyed hash (docs/architecture.md §4.4).
 */
import { DurableObject } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import { commit, release, reserve, type TanRow } from '../../domain/reservation.ts';
import type { ClockStatus, ReserveReply } from '../../domain/rpc.ts';
import type { TanStatus } from '../../domain/session.ts';
import { GroupCommit } from '../group-commit.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { migrate } from '../migrations.ts';
import { MIGRATIONS, forgetTans, nextForgetAt, readTan, withdrawTans, writeTan } from './tan-rows.ts';

/** While a clean-up runs, the alarm that would repeat it if it failed. */
const RETRY_MS = 60_000;
/** Alarms run on real time and one in the past fires at once: never less than this ahead (docs/architecture.md §11). */
const SHORTEST_ALARM_MS = 1_000;
/** `setAlarm` takes dates up to the year 275760; a clock of another century must not exceed that. */
const LONGEST_ALARM_MS = 30 * 86_400_000;

/** What {@link TanLedger.issue} takes. */
export interface IssueBatch {
  /** Keyed hashes of new TANs, hex. */
  readonly hashes: readonly string[];
  readonly codeBatchId: string | null;
  readonly lifetimeSeconds: number;
}

/** Durable Object class; one object, named `ledger`. */
export class TanLedger extends DurableObject {
  /** Unix seconds; the local edge overrides it. */
  protected clock: Clock = () => Date.now() / 1000;
  /** Deployed, none but the cron and an operator confirm the clock; the local edge overrides it. */
  protected secondClock: SecondClock | null = null;
  readonly #sql: SqlStorage;
  readonly #guard: ClockGuard;
  readonly #commits: GroupCommit;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#commits = new GroupCommit(ctx.storage);
    migrate(ctx.storage, MIGRATIONS);
    this.#guard = new ClockGuard(ctx.storage);
  }

  /** Records new TANs. @param batch see {@link IssueBatch}; a hash that is there already keeps its row */
  async issue(batch: IssueBatch): Promise<void> {
    const expiresAt = (await this.clock()) + batch.lifetimeSeconds;
    this.ctx.storage.transactionSync(() => {
      for (const hash of batch.hashes) {
        if (readTan(this.#sql, hash) !== null) continue;
        writeTan(this.#sql, hash, { state: 'issued', codeBatchId: batch.codeBatchId, expiresAt });
      }
    });
    if ((await this.ctx.storage.getAlarm()) === null) await this.#arm();
  }

  /** See `RedeemRpc.reserve`. @param hash keyed hash of the TAN @param digest hex @param leaseSeconds > 0 */
  async reserve(hash: string, digest: string, leaseSeconds: number): Promise<ReserveReply> {
    const now = await this.clock();
    return this.#commits.run(() => {
      const question = { digest, now, leaseSeconds, newUploadId: () => crypto.randomUUID() };
      const { reply, write } = reserve(readTan(this.#sql, hash), question);
      if (write !== null) writeTan(this.#sql, hash, write);
      return reply;
    });
  }

  /** See `RedeemRpc.commit`. @param hash keyed hash of the TAN @param uploadId the upload that was stored */
  async commit(hash: string, uploadId: string): Promise<void> {
    await this.#change(hash, (row) => commit(row, uploadId));
  }

  /** See `RedeemRpc.release`. @param hash keyed hash of the TAN @param uploadId the upload that is given up */
  async release(hash: string, uploadId: string): Promise<void> {
    await this.#change(hash, (row) => release(row, uploadId));
  }

  /** @param hash keyed hash of the TAN @returns what became of it; gone when it is unknown, expired or forgotten */
  async status(hash: string): Promise<TanStatus> {
    const now = await this.clock();
    const row = readTan(this.#sql, hash);
    if (row?.state === 'committed') return 'committed';
    return row !== null && now < row.expiresAt ? 'live' : 'gone';
  }

  /** Ends the TANs of a withdrawn batch that are not committed; a reserved one is refused at its next `reserve`. */
  withdrawBatch(codeBatchId: string): void {
    withdrawTans(this.#sql, codeBatchId);
  }

  /** Deletes what has to be gone by the believed time. @returns how many TANs were forgotten */
  async forgetExpired(): Promise<number> {
    return forgetTans(this.#sql, await this.#guard.believe(await this.clock(), this.secondClock));
  }

  /** @param object this object's name @param at Unix seconds that another clock says, or null to tell only */
  async clockStatus(object: string, at: number | null): Promise<ClockStatus> {
    const now = await this.clock();
    if (at !== null) this.#guard.confirm(now, at);
    return this.#guard.status(object, now);
  }

  /** Re-arms first, so that a clean-up that throws is repeated whatever the platform's retry budget says. */
  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
    await this.forgetExpired();
    await this.#arm();
  }

  #change(hash: string, step: (row: TanRow | null) => TanRow | null): Promise<void> {
    return this.#commits.run(() => {
      const next = step(readTan(this.#sql, hash));
      if (next !== null) writeTan(this.#sql, hash, next);
    });
  }

  async #arm(): Promise<void> {
    const due = nextForgetAt(this.#sql);
    if (due === null) return this.ctx.storage.deleteAlarm();
    const leftMs = (due - (await this.clock())) * 1000;
    // What is due by a clock that nothing confirms stays due: it is looked at once in a while.
    const shortestMs = this.#guard.held ? RETRY_MS : SHORTEST_ALARM_MS;
    const waitMs = Math.min(LONGEST_ALARM_MS, Math.max(shortestMs, leftMs));
    return this.ctx.storage.setAlarm(Date.now() + waitMs);
  }
}
