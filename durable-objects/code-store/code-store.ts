/**
 * @module The code store: one object that keeps the verification codes of Google's dialect, what they open and who may issue and use them (docs/verification.md). Never a code, a token, a phone number or
 * an API key: keyed hashes of them. One object is enough: a country of 50,000 cases a day issues one code and gives one certificate in two seconds; dummies and forged keys and tokens never reach it.
 *
 * Durable writes: each method is one transaction (issue-ops.ts, claim-ops.ts say what a crash leaves), but for a batch of codes, which is one a slice: a crash leaves the codes of the slices before it,
 * and the same uuids give them again.
 */
import type { Clock } from '../../domain/clock.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import type { ApiKey, ApiKeyKind, CodeStatus, IssuedCodesBook } from '../../domain/rpc-codes.ts';
import { GUARDED_CODE_DIGITS, SHORT_CODE_DIGITS } from '../../domain/verification-codes.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { closesAtEnd, EndableObject, refuseEnded } from '../endable-object.ts';
import { KeptAlarm } from '../kept-alarm.ts';
import { migrate } from '../migrations.ts';
import { inSlices, pause } from '../pace.ts';
import { certificateSource, certify, claimCode } from './claim-ops.ts';
import type {
  CertificateOrder,
  CertificateReply,
  CertificateSource,
  Claim,
  ClaimReply,
  CodeOrder,
  ExpireReply,
  OrderReply,
} from './contract.ts';
import { forgetCodes } from './forget-ops.ts';
import { GuessCount } from './guess-count.ts';
import { cancelCode, codesSince, codeStatus, endIssuesOfCodes, expireCode, issueCode, ownCode } from './issue-ops.ts';
import { addApiKey, apiKeys, holdingKey, revokeApiKey } from './key-ops.ts';
import { codesPerDay, issuedOn } from './quota-ops.ts';
import { SCHEMA } from './schema.ts';
import { markSent, type SendingReply, Sendings, sentAmong } from './sent-ops.ts';

const CLEANUP_EVERY_MS = 3_600_000;
/** Codes of one transaction: 25 ms on a machine that is busy (1,000 in 0.5 s, two cores at a load of 17, 2026-11-26). */
const CODES_A_SLICE = 50;

export class CodeStore<Env = unknown> extends EndableObject<Env> {
  /** Unix seconds; the local edge overrides it with its own clock (docs/architecture.md §11). */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);
  /** Deployed, none but the cron and an operator confirm the clock; the local edge overrides it. */
  protected secondClock: SecondClock | null = null;
  readonly #sql: SqlStorage;
  readonly #guard: ClockGuard;
  readonly #alarm: KeptAlarm;
  readonly #guesses: GuessCount;
  readonly #sendings = new Sendings();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    migrate(ctx.storage, SCHEMA);
    this.#guard = new ClockGuard(ctx.storage);
    this.#alarm = new KeptAlarm(ctx.storage);
    this.#guesses = new GuessCount(this.#sql);
  }

  /** @returns how long a short code is that is issued now, and what time it is here, Unix seconds */
  async terms(): Promise<{ readonly now: number; readonly digits: number }> {
    const now = await this.#now();
    return { now, digits: this.#guesses.isOver(now) ? GUARDED_CODE_DIGITS : SHORT_CODE_DIGITS };
  }

  /** Issues codes. @param issueId by whose word @returns of each order, in their order, what became of it */
  async issue(issuer: string, issueId: string, orders: readonly CodeOrder[]): Promise<OrderReply[]> {
    const replies: OrderReply[] = [];
    for (let from = 0; from < orders.length; from += CODES_A_SLICE) {
      if (from > 0) await pause();
      const by = { issuer, issueId, now: await this.#now() };
      const slice = orders.slice(from, from + CODES_A_SLICE);
      replies.push(...this.#whole(() => slice.map((order) => issueCode(this.#sql, order, by))));
    }
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return replies;
  }

  /** See {@link claimCode}. @returns also whether this was the guess that went beyond the budget */
  async claim(claim: Claim): Promise<{ readonly reply: ClaimReply; readonly warns: boolean }> {
    const now = await this.#now();
    const reply = this.#whole(() => claimCode(this.#sql, claim, now));
    const warns = reply.kind === 'invalid' && this.#guesses.add(now);
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return { reply, warns };
  }

  /** See {@link certify}. */
  async certify(order: CertificateOrder): Promise<CertificateReply> {
    const now = await this.#now();
    return this.#whole(() => certify(this.#sql, order, now));
  }

  /** See {@link certificateSource}. */
  certificateSource(hash: string): CertificateSource {
    return certificateSource(this.#sql, hash);
  }

  /** See {@link ownCode}; of several codes at once. */
  async ownCodes(
    asked: readonly { readonly uuid: string; readonly codes: readonly Uint8Array[] }[],
  ): Promise<number[]> {
    const now = await this.#now();
    return asked.map(({ uuid, codes }) => ownCode(this.#sql, uuid, codes, now));
  }

  /** See {@link codeStatus}. */
  codeStatus(issuer: string, uuid: string): CodeStatus | null {
    return codeStatus(this.#sql, issuer, uuid);
  }

  /** See {@link expireCode}. */
  async expireCode(issuer: string, uuid: string): Promise<ExpireReply> {
    const now = await this.#now();
    return this.#whole(() => expireCode(this.#sql, issuer, uuid, now));
  }

  /** See {@link cancelCode}. */
  cancelCode(issuer: string, uuid: string): void {
    this.#sendings.end(uuid);
    this.#whole(() => cancelCode(this.#sql, issuer, uuid));
  }

  /** See {@link sentAmong}. */
  sentBefore(uuids: readonly string[]): string[] {
    return sentAmong(this.#sql, uuids);
  }

  /** See {@link SendingReply}. */
  async beginSending(uuid: string): Promise<SendingReply> {
    return this.#sendings.begin(this.#sql, uuid, await this.#now());
  }

  /** See {@link markSent}. */
  async markSent(uuid: string): Promise<void> {
    markSent(this.#sql, uuid, await this.#now());
    this.#sendings.end(uuid);
    await this.#alarm.keep(CLEANUP_EVERY_MS);
  }

  /** See {@link endIssuesOfCodes}. */
  async endIssues(issueIds: readonly string[]): Promise<void> {
    const now = await this.#now();
    this.#whole(() => endIssuesOfCodes(this.#sql, issueIds, now));
  }

  /** @returns this issuer's codes of the last day, and the quota */
  async codeBook(issuer: string): Promise<IssuedCodesBook> {
    const now = await this.#now();
    return {
      codes: codesSince(this.#sql, issuer, now - SECONDS_PER_DAY),
      used: issuedOn(this.#sql, issuer, Math.floor(now / SECONDS_PER_DAY)),
      limit: codesPerDay(this.#sql, issuer),
    };
  }

  /** Sets an issuer's codes a day; 0 stops them. */
  setQuota(issuer: string, codesADay: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO code_quota VALUES (?, ?)', issuer, codesADay);
  }

  /** @returns quotas that differ from the default */
  quotas(): { issuer: string; codesPerDay: number }[] {
    return this.#sql
      .exec<{ issuer: string; codes_per_day: number }>('SELECT * FROM code_quota ORDER BY issuer')
      .toArray()
      .map((row) => ({ issuer: row.issuer, codesPerDay: row.codes_per_day }));
  }

  /** See {@link addApiKey}. */
  async addApiKey(id: string, kind: ApiKeyKind, name: string, others: readonly string[] = []): Promise<ApiKey> {
    const key = addApiKey(this.#sql, { id, kind, name, createdAt: await this.#now() }, others);
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return key;
  }

  /** See {@link apiKeys}. */
  apiKeys(): ApiKey[] {
    return apiKeys(this.#sql);
  }

  /** See {@link holdingKey}. */
  holdingKey(id: string, kind: ApiKeyKind, others: readonly string[] = []): ApiKey | null {
    return holdingKey(this.#sql, id, kind, others);
  }

  /** See {@link revokeApiKey}. */
  async revokeApiKey(id: string): Promise<boolean> {
    return revokeApiKey(this.#sql, id, await this.#now());
  }

  /** @returns failed guesses of the running and of the last hour */
  async failedGuesses(): Promise<{ thisHour: number; lastHour: number }> {
    return this.#guesses.counts(await this.#now());
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
      () => forgetCodes(this.#sql, now),
      (more) => more,
    );
    this.#guesses.forget(now);
  }

  async #now(): Promise<number> {
    return Math.floor(await this.clock());
  }

  #whole<T>(work: () => T): T {
    return this.ctx.storage.transactionSync(work);
  }
}

// Nothing is taken in that a certificate would be for: apps hear so at once, and don't try again and again.
closesAtEnd<CodeStore>(CodeStore, {
  stopped: {
    issue: refuseEnded,
    addApiKey: refuseEnded,
    claim: async () => ({ reply: { kind: 'invalid' }, warns: false }),
    certify: async () => ({ kind: 'expired' }),
  },
  purged: { certificateSource: () => null, endIssues: async () => undefined },
});
