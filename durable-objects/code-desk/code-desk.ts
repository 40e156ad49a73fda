/**
 * @module The code desk: one object that keeps the books of teleTANs, card batches and failed guesses (docs/architecture.md §7).
 * One object is enough: staff issue a few codes a second at most; phones touch it only when a teleTAN with a right check
 * character fails.
 *
 * Durable writes: a booking comes before the codes exist. A crash in between has used up quota, or leaves a batch whose
 * cards nobody was given; no code is ever live without its booking. The same order again finds its booking and goes on. A
 * revocation is marked before the session ends (workers/verification/desk.ts).
 */
import type { Clock } from '../../domain/clock.ts';
import type { QuotaRequest, ReleaseReply, TeleTanBook, TeleTanEntry } from '../../domain/code-books.ts';
import type { IssueKind, IssueSource } from '../../domain/issue.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import type { BatchCursor } from '../../domain/rpc.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { closesAtEnd, EndableObject, refuseEnded } from '../endable-object.ts';
import { KeptAlarm } from '../kept-alarm.ts';
import { migrate } from '../migrations.ts';
import { inSlices } from '../pace.ts';
import {
  batchesOf,
  type BookedIssue,
  endIssues,
  forgetIssues,
  issueOf,
  issuesOf,
  isIssueOver,
  type IssueSelection,
  sourcesOf,
} from './issue-ops.ts';
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
  markRevoked,
  markWithdrawn,
  orderedBatch,
  orderedTeleTan,
  quotaOf,
  SCHEMA,
  type TeleTanOrder,
  teleTansOf,
  withdrawnFrom,
} from './desk-ops.ts';
import { orderedSession } from './order-ops.ts';
import { askedBy, askForCodes, releaseCodes, waiting } from './release-ops.ts';

const CLEANUP_EVERY_MS = 3_600_000;
const dayOf = (at: number): number => Math.floor(at / SECONDS_PER_DAY);
const randomBytes = (n: number): Uint8Array => crypto.getRandomValues(new Uint8Array(n));

/** A booked teleTAN, and the issue id that its session carries. */
export interface BookedTeleTan extends TeleTanEntry {
  readonly issueId: string;
}

export class CodeDesk<Env = unknown> extends EndableObject<Env> {
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

  /** Books one teleTAN, an order once. @returns the entry, or null when the quota is used up or the issuer's day has ended */
  async bookTeleTan(
    order: Omit<TeleTanOrder, 'issuedAt' | 'expiresAt'>,
    lifetimeSeconds: number,
  ): Promise<BookedTeleTan | null> {
    const issuedAt = Math.floor(await this.clock());
    const whole = { ...order, issuedAt, expiresAt: issuedAt + lifetimeSeconds };
    const booked = this.ctx.storage.transactionSync(() => {
      const about = { kind: 'hotline', source: order.issuer, day: dayOf(issuedAt) } as const;
      // Who has ended for today is told before a booking.
      if (issueOf(this.#sql, about, dayOf(issuedAt), randomBytes) === null) return null;
      const entry = bookTeleTan(this.#sql, whole);
      if (entry === null) return null;
      const issueId = issueOf(this.#sql, { ...about, day: dayOf(entry.issuedAt) }, dayOf(issuedAt), randomBytes);
      return issueId === null ? null : { ...entry, issueId };
    });
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return booked;
  }

  /** @returns the entry of an order of this issuer while its code is valid, or null */
  async validTeleTan(issuer: string, orderId: string): Promise<TeleTanEntry | null> {
    const entry = orderedTeleTan(this.#sql, issuer, orderId);
    const isValid = entry !== null && entry.revokedAt === null && (await this.clock()) < entry.expiresAt;
    return isValid ? entry : null;
  }

  /** See {@link orderedSession}. */
  sessionOf(issuer: string, orderId: string): string | null {
    return orderedSession(this.#sql, issuer, orderId);
  }

  /** See {@link markRevoked}. */
  async markRevoked(orderId: string, issuer: string): Promise<string | null> {
    return markRevoked(this.#sql, orderId, issuer, Math.floor(await this.clock()));
  }

  /** @returns this issuer's teleTANs of the last day, newest first, the quota and what was asked beyond it */
  async teleTansOf(issuer: string): Promise<TeleTanBook> {
    const now = Math.floor(await this.clock());
    const { used, limit } = quotaOf(this.#sql, issuer, now);
    const entries = teleTansOf(this.#sql, issuer, now - 86_400);
    return { entries, used, limit, asked: askedBy(this.#sql, issuer, now), mayAsk: limit > 0 };
  }

  /** Asks for codes beyond the quota, once it is used up. @returns false when it isn't, or is 0 */
  async askBeyondQuota(issuer: string, person: string, codes: number): Promise<boolean> {
    const askedAt = Math.floor(await this.clock());
    const { used, limit } = quotaOf(this.#sql, issuer, askedAt);
    if (limit === 0 || used < limit) return false;
    const id = crypto.randomUUID().replaceAll('-', '');
    this.ctx.storage.transactionSync(() => askForCodes(this.#sql, { id, issuer, person, codes, askedAt }));
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return true;
  }

  /** See {@link waiting}. */
  async quotaRequests(): Promise<QuotaRequest[]> {
    return waiting(this.#sql, Math.floor(await this.clock()));
  }

  /** See {@link releaseCodes}. */
  async releaseQuota(id: string, by: string): Promise<ReleaseReply> {
    return releaseCodes(this.#sql, id, by, Math.floor(await this.clock()));
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

  /** Books a batch of cards, an order once. @returns the batch, or null when the provider's cards of the day are used up */
  async bookBatch(
    cards: Pick<Batch, 'provider' | 'label' | 'size'>,
    orderId: string,
    lifetimeSeconds: number,
  ): Promise<Batch | null> {
    const now = Math.floor(await this.clock());
    const batch: Batch = {
      batchId: crypto.randomUUID(),
      ...cards,
      createdAt: now,
      expiresAt: now + lifetimeSeconds,
      withdrawnFrom: null,
    };
    const booked = this.ctx.storage.transactionSync(() => {
      const before = orderedBatch(this.#sql, cards.provider, orderId);
      return before ?? (bookBatch(this.#sql, batch, orderId) ? batch : null);
    });
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return booked;
  }

  /** See {@link orderedBatch}. */
  orderedBatch(provider: string, orderId: string): Batch | null {
    return orderedBatch(this.#sql, provider, orderId);
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

  /** See {@link issueOf}. */
  async issueOf(about: IssueSource): Promise<string | null> {
    const today = dayOf(await this.clock());
    const issueId = this.ctx.storage.transactionSync(() => issueOf(this.#sql, about, today, randomBytes));
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return issueId;
  }

  /** As {@link issueOf}, of the running day. */
  async issueOfToday(kind: IssueKind, source: string): Promise<string | null> {
    return this.issueOf({ kind, source, day: dayOf(await this.clock()) });
  }

  /** See {@link isIssueOver}. */
  isIssueOver(issueId: string): boolean {
    return isIssueOver(this.#sql, issueId);
  }

  /** See {@link batchesOf}. */
  batchesOf(provider: string): string[] {
    return batchesOf(this.#sql, provider);
  }

  /** See {@link issuesOf}. */
  issuesOf(selection: IssueSelection): BookedIssue[] {
    return issuesOf(this.#sql, selection);
  }

  /** See {@link sourcesOf}. */
  sourcesOf(issueIds: readonly string[]): BookedIssue[] {
    return sourcesOf(this.#sql, issueIds);
  }

  /** See {@link endIssues}. */
  endIssues(selection: IssueSelection): void {
    this.ctx.storage.transactionSync(() => endIssues(this.#sql, selection));
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
      () => [forgetOldEntries(this.#sql, now), forgetIssues(this.#sql, dayOf(now))].includes(true),
      (more) => more,
    );
  }
}

closesAtEnd<CodeDesk>(CodeDesk, {
  stopped: { bookTeleTan: refuseEnded, bookBatch: refuseEnded, askBeyondQuota: refuseEnded },
  purged: { countFailedGuesses: async () => 0 },
});
