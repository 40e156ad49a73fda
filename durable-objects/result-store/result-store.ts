/**
 * @module The laboratory Worker's object: shell over result-store-ops (storage, alarm, RPC). Results are sharded 16 ways
 * by the first hex digit after the optional x; the list of laboratories lives in the shard `list`.
 *
 * Durable writes: `put` is one transaction (a crash leaves all rows of the shard or none; the laboratory repeats the
 * same request, which changes nothing but the age). `setList` is one row replaced in one transaction, `block` a
 * row a mark: a crash leaves some of them, and each blocks by itself.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import type { ClockStatus } from '../../domain/rpc.ts';
import type { PostedResult } from '../../domain/test-result.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { migrate } from '../migrations.ts';
import {
  SCHEMA,
  forgetOldResults,
  foreignRows,
  type Poster,
  putResults,
  readResult,
  type StoredResult,
} from './result-store-ops.ts';

const CLEANUP_RETRY_SECONDS = 3_600;

export class ResultStore<Env = unknown> extends DurableObject<Env> {
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

  /** @returns positions of rows that another laboratory owns; reads only */
  foreign(labId: string, ids: readonly string[]): number[] {
    return foreignRows(this.#sql, labId, ids);
  }

  /** Stores rows of one laboratory, all or none; returns positions of foreign rows when none was stored. */
  async put(poster: Poster, rows: readonly PostedResult[]): Promise<number[]> {
    const now = await this.clock();
    const foreign = this.ctx.storage.transactionSync(() => putResults(this.#sql, poster, rows, now));
    if (foreign.length === 0 && (await this.ctx.storage.getAlarm()) === null) await this.#arm(CLEANUP_RETRY_SECONDS);
    return foreign;
  }

  /** @returns the row of a hashed GUID, or null; asking creates nothing */
  result(hashedGuid: string): StoredResult | null {
    return readResult(this.#sql, hashedGuid);
  }

  /** A person deletes their test; idempotent. */
  forget(hashedGuid: string): void {
    this.#sql.exec('DELETE FROM result WHERE hashed_guid = ?', hashedGuid);
  }

  /** @returns the stored signed list, version 0 and an empty document before the first */
  list(): { version: number; document: string } {
    const row = this.#sql
      .exec<{ version: number; document: string }>('SELECT version, document FROM laboratory_list')
      .toArray()[0];
    return row ?? { version: 0, document: '' };
  }

  /** @param marks of a client certificate @returns the signed list, and whether the certificate is blocked */
  listFor(marks: readonly string[]): { version: number; document: string; blocked: boolean } {
    const isBlocked = (mark: string): boolean =>
      this.#sql.exec('SELECT 1 FROM blocked_certificate WHERE mark = ?', mark).toArray().length > 0;
    return { ...this.list(), blocked: marks.some((mark) => isBlocked(mark)) };
  }

  /** Blocks a client certificate by any of its marks, until the signed list no longer has it and after. Idempotent. */
  block(marks: readonly string[]): void {
    for (const mark of marks) this.#sql.exec('INSERT OR IGNORE INTO blocked_certificate VALUES (?)', mark);
  }

  /** Replaces the signed list when its version is higher. @returns whether it was taken */
  setList(version: number, document: string): boolean {
    return this.ctx.storage.transactionSync(() => {
      if (version <= this.list().version) return false;
      this.#sql.exec('DELETE FROM laboratory_list');
      this.#sql.exec('INSERT INTO laboratory_list VALUES (?, ?)', version, document);
      return true;
    });
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
    const next = forgetOldResults(this.#sql, now);
    if (next === null) await this.ctx.storage.deleteAlarm();
    else await this.#arm(Math.max(1, Math.min(next - now, CLEANUP_RETRY_SECONDS)));
  }

  /** Alarms run on real time whatever our clock says (docs/architecture.md §11). */
  async #arm(seconds: number): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + Math.max(1, seconds) * 1000);
  }
}
