/**
 * @module The staff room: one object of the portal's own, with staff sessions, the audit log and the certificates of
 * professionals that were revoked (docs/architecture.md §7). One object is enough: a few thousand staff make some actions a second.
 * It knows no patient, no code and no key.
 *
 * Durable writes: an action is written into the log before it is done. A crash in between leaves an entry for something
 * that did not happen; nothing ever happens without an entry.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import type { ClockStatus } from '../../domain/rpc.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { migrate } from '../migrations.ts';
import {
  appendAudit,
  type AuditEntry,
  type AuditRecord,
  type AuditSearch,
  firstBrokenLink,
  searchAudit,
} from './audit-ops.ts';
import { SCHEMA } from './schema.ts';
import {
  countAction,
  endSession,
  forgetSessions,
  openSession,
  revokeSessions,
  runningSessions,
  type SessionClaim,
  type SessionReply,
  setLanguage,
  type StaffSession,
} from './session-ops.ts';

const CLEANUP_EVERY_MS = 3_600_000;

export class StaffRoom<Env = unknown> extends DurableObject<Env> {
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

  /** See {@link openSession}. */
  async open(claim: SessionClaim): Promise<SessionReply> {
    const now = await this.#now();
    const reply = this.ctx.storage.transactionSync(() => openSession(this.#sql, claim, now));
    if ((await this.ctx.storage.getAlarm()) === null) {
      await this.ctx.storage.setAlarm(Date.now() + CLEANUP_EVERY_MS);
    }
    return reply;
  }

  /** See {@link countAction}. */
  async countAction(idHash: string): Promise<boolean> {
    return countAction(this.#sql, idHash, await this.#now());
  }

  /** Ends one session: its owner signs out. */
  async end(idHash: string): Promise<void> {
    endSession(this.#sql, idHash, await this.#now());
  }

  /** Ends all sessions of a person. @returns how many were running */
  async revoke(subject: string): Promise<number> {
    return revokeSessions(this.#sql, subject, await this.#now());
  }

  /** @returns the running sessions */
  async sessions(): Promise<StaffSession[]> {
    return runningSessions(this.#sql, await this.#now());
  }

  /** Keeps the language a person chose. */
  setLanguage(idHash: string, language: string): void {
    setLanguage(this.#sql, idHash, language);
  }

  /** Appends to the audit log. */
  async record(record: AuditRecord): Promise<void> {
    appendAudit(this.#sql, record, await this.#now());
  }

  /** See {@link searchAudit}. */
  search(search: AuditSearch): AuditEntry[] {
    return searchAudit(this.#sql, search);
  }

  /** @returns the id of the first entry that was tampered with, or null */
  brokenLink(): number | null {
    return firstBrokenLink(this.#sql);
  }

  /** @param fingerprint SHA-256 of a professional's certificate, lowercase hex: from now on it opens nothing */
  async revokeCertificate(fingerprint: string): Promise<void> {
    this.#sql.exec('INSERT OR IGNORE INTO revoked_certificate VALUES (?, ?)', fingerprint, await this.#now());
  }

  /** @returns whether a certificate was revoked */
  isRevoked(fingerprint: string): boolean {
    return this.#sql.exec('SELECT 1 FROM revoked_certificate WHERE fingerprint = ?', fingerprint).toArray().length > 0;
  }

  /** @returns revoked certificates, the last first */
  revokedCertificates(): { fingerprint: string; at: number }[] {
    return this.#sql
      .exec<{ fingerprint: string; at: number }>('SELECT fingerprint, at FROM revoked_certificate ORDER BY at DESC')
      .toArray();
  }

  /** @param object this object's name @param at Unix seconds that another clock says, or null to tell only */
  async clockStatus(object: string, at: number | null): Promise<ClockStatus> {
    const now = await this.clock();
    if (at !== null) this.#guard.confirm(now, at);
    return this.#guard.status(object, now);
  }

  /** Cleanup. Armed again first, so a failure in between only repeats it an hour later. */
  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + CLEANUP_EVERY_MS);
    forgetSessions(this.#sql, await this.#guard.believe(await this.#now(), this.secondClock));
  }

  async #now(): Promise<number> {
    return Math.floor(await this.clock());
  }
}
