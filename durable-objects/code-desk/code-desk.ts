/**
 * @module The code desk: one object that keeps the books of teleTANs, card batches and failed guesses (docs/architecture.md §7).
 * One object is enough: staff issue a few codes a second at most; phones touch it only when a teleTAN with a right check
 * character fails.
 *
 * Durable writes: a booking comes before the codes exist. A crash in between has used up quota, or leaves a batch whose
 * cards nobody was given; no code is ever live without its booking.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import type { BatchCursor, ClockStatus } from '../../domain/rpc.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { KeptAlarm } from '../kept-alarm.ts';
import { migrate } from '../migrations.ts';
import { inSlices } from '../pace.ts';
import {
  type Batch,
  batchOf,
  type BatchPage,
  batchPage,
  bookBatch,
  bookTeleTan,
  countFailedGuesses,
  failedGuesses,
  forgetOldEntries,
  type IssuedTeleTan,
  markWithdrawn,
  quotaOf,
  SCHEMA,
  teleTansOf,
  withdrawnFrom,
} from './desk-ops.ts';

const CLEANUP_EVERY_MS = 3_600_000;

export class CodeDesk<Env = unknown> extends DurableObject<Env> {
  /** Unix seconds; the local edge overrides it with its own clock (docs/architecture.md §11). */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);
  /** Deployed, none but the cron and an operator confirm the clock; the local edge overrides it. */
  protected secondClock: SecondClock | null = null;
  readonly #sql: SqlStorage;
  readonly #guard: ClockGuard;
  readonly #alarm: KeptAlarm;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    migrate(ctx.storage, SCHEMA);
    this.#guard = new ClockGuard(ctx.storage);
    this.#alarm = new KeptAlarm(ctx.storage);
  }

  /** Books one teleTAN. @param hint its first characters @returns the entry, or null when the quota is used up */
  async bookTeleTan(issuer: string, hint: string, lifetimeSeconds: number): Promise<IssuedTeleTan | null> {
    const now = Math.floor(await this.clock());
    const entry = { hint, issuedAt: now, expiresAt: now + lifetimeSeconds };
    const booked = this.ctx.storage.transactionSync(() => bookTeleTan(this.#sql, issuer, entry));
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return booked ? entry : null;
  }

  /** @returns this issuer's teleTANs of the last day, newest first, and the quota */
  async teleTansOf(issuer: string): Promise<{ entries: IssuedTeleTan[]; used: number; limit: number }> {
    const now = Math.floor(await this.clock());
    return { entries: teleTansOf(this.#sql, issuer, now - 86_400), ...quotaOf(this.#sql, issuer, now) };
  }

  /** Sets an issuer's teleTANs an hour; 0 stops them. */
  setQuota(issuer: string, teleTansPerHour: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO quota VALUES (?, ?)', issuer, teleTansPerHour);
  }

  /** @returns quotas that differ from the default */
  quotas(): { issuer: string; teleTansPerHour: number }[] {
    return this.#sql
      .exec<{ issuer: string; teletans_per_hour: number }>('SELECT * FROM quota ORDER BY issuer')
      .toArray()
      .map((row) => ({ issuer: row.issuer, teleTansPerHour: row.teletans_per_hour }));
  }

  /** Books a batch of cards. @returns the batch, or null when the provider's cards of the day are used up */
  async bookBatch(provider: string, label: string, size: number, lifetimeSeconds: number): Promise<Batch | null> {
    const now = Math.floor(await this.clock());
    const batch: Batch = {
      batchId: crypto.randomUUID(),
      provider,
      label,
      size,
      createdAt: now,
      expiresAt: now + lifetimeSeconds,
      withdrawnFrom: null,
    };
    const booked = this.ctx.storage.transactionSync(() => bookBatch(this.#sql, batch));
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return booked ? batch : null;
  }

  /** See {@link batchPage}. */
  batchPage(provider: string | null, from: BatchCursor | null): BatchPage {
    return batchPage(this.#sql, provider, from);
  }

  /** See {@link batchOf}. */
  batch(batchId: string, provider: string | null): Batch | null {
    return batchOf(this.#sql, batchId, provider);
  }

  /** @returns Unix seconds from which on a batch is withdrawn, or null */
  withdrawnFrom(batchId: string): number | null {
    return withdrawnFrom(this.#sql, batchId);
  }

  /** @param provider whose batch it must be, or null for a health authority @returns the date that holds, or null */
  markWithdrawn(batchId: string, provider: string | null, from: number): number | null {
    return markWithdrawn(this.#sql, batchId, provider, from);
  }

  /** TeleTANs with a right check character opened nothing. @param guesses that one sample stands for @returns those of this hour */
  async countFailedGuesses(guesses: number): Promise<number> {
    const count = countFailedGuesses(this.#sql, Math.floor((await this.clock()) / 3600), guesses);
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return count;
  }

  /** @returns failed guesses of the running and of the last hour */
  async failedGuesses(): Promise<{ thisHour: number; lastHour: number }> {
    const hour = Math.floor((await this.clock()) / 3600);
    return { thisHour: failedGuesses(this.#sql, hour), lastHour: failedGuesses(this.#sql, hour - 1) };
  }

  /**
   * What a cron asks, so that whoever asks with a time is the alarm's watchdog too.
   *
   * @param object this object's name
   * @param at Unix seconds that another clock says, or null to tell only
   */
  async clockStatus(object: string, at: number | null): Promise<ClockStatus> {
    const now = await this.clock();
    if (at !== null) {
      this.#guard.confirm(now, at);
      await this.#alarm.keep(CLEANUP_EVERY_MS);
    }
    return this.#guard.status(object, now);
  }

  /** Cleanup. Armed again first, so a failure in between only repeats it an hour later. */
  override async alarm(): Promise<void> {
    await this.#alarm.set(CLEANUP_EVERY_MS);
    const now = Math.floor(await this.#guard.believe(await this.clock(), this.secondClock));
    await inSlices(
      () => forgetOldEntries(this.#sql, now),
      (more) => more,
    );
  }
}
