/**
 * @module The laboratory Worker's object: shell over result-store-ops (storage, alarm, RPC). Results are sharded 16 ways
 * by the first hex digit after the optional x; the list of laboratories lives in the shard `list`.
 *
 * Durable writes: `put` is a transaction a slice (a crash leaves the slices before it; the laboratory repeats the
 * same request, and an equal row changes nothing). `forget` and each pass of the clean-up are one transaction too: a row goes with the
 * mark that it is over, or stays and goes the next time. `setList` is one row replaced in one transaction, `block` a
 * row a mark: a crash leaves some of them, and each blocks by itself. Migrations are one transaction, all or nothing.
 */
import type { Clock } from '../../domain/clock.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import type { PostedResult } from '../../domain/test-result.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { closesAtEnd, EndableObject, refuseEnded } from '../endable-object.ts';
import { KeptAlarm } from '../kept-alarm.ts';
import { migrate } from '../migrations.ts';
import { inSlices } from '../pace.ts';
import {
  SCHEMA,
  forgetOldResults,
  forgetResult,
  foreignRows,
  nextForgetAt,
  type Poster,
  putResults,
  readResult,
  type StoredResult,
} from './result-store-ops.ts';

const CLEANUP_EVERY_MS = 3_600_000;
/**
 * Rows stored or looked at in one go. 5,000 new ones, which a laboratory that chooses its ids can bring to one shard, took 0.3 s (median
 * of 12, two cores with a load of 11), and three such requests would have held a phone's poll beyond its deadline; so many take 15 ms.
 */
const SLICE_ROWS = 250;

/** Takes slices of a list, and lets others in after each. @param take of the slice and its place; false ends it */
async function eachSlice<T>(all: readonly T[], take: (slice: readonly T[], at: number) => boolean): Promise<void> {
  let at = 0;
  await inSlices(
    () => {
      const goesOn = take(all.slice(at, at + SLICE_ROWS), at);
      at += SLICE_ROWS;
      return goesOn && at < all.length;
    },
    (goesOn) => goesOn,
  );
}

export class ResultStore<Env = unknown> extends EndableObject<Env> {
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

  /** @returns positions of rows that another laboratory owns; reads only */
  async foreign(labId: string, ids: readonly string[]): Promise<number[]> {
    const found: number[] = [];
    await eachSlice(ids, (slice, at) => {
      for (const i of foreignRows(this.#sql, labId, slice)) found.push(at + i);
      return true;
    });
    return found;
  }

  /**
   * Stores rows of one laboratory, whose caller has asked {@link foreign} before.
   *
   * @returns positions of foreign rows: of the first slice that has one of them, which came in between; it and what follows is not stored
   */
  async put(poster: Poster, rows: readonly PostedResult[]): Promise<number[]> {
    const now = Math.floor(await this.clock());
    let foreign: number[] = [];
    await eachSlice(rows, (slice, at) => {
      const found = this.ctx.storage.transactionSync(() => putResults(this.#sql, poster, slice, now));
      foreign = found.map((i) => at + i);
      return found.length === 0;
    });
    await this.#keepAlarm();
    return foreign;
  }

  /** @returns the row of a hashed GUID, or null; asking creates nothing */
  result(hashedGuid: string): StoredResult | null {
    return readResult(this.#sql, hashedGuid);
  }

  /** A person deletes their test, which no copy of the laboratory's row brings back; idempotent. */
  async forget(hashedGuid: string): Promise<void> {
    const now = Math.floor(await this.clock());
    this.ctx.storage.transactionSync(() => forgetResult(this.#sql, hashedGuid, now));
    await this.#keepAlarm();
  }

  /** @returns the stored signed list, version 0 and an empty document before the first */
  list(): { version: number; document: string } {
    const row = this.#sql
      .exec<{ version: number; document: string }>('SELECT version, document FROM laboratory_list')
      .toArray()[0];
    return row ?? { version: 0, document: '' };
  }

  /** @param marks of a client certificate @returns the signed list, whether the certificate is blocked, and whether no result is taken any more */
  listFor(marks: readonly string[]): { version: number; document: string; blocked: boolean; ended: boolean } {
    const isBlocked = (mark: string): boolean =>
      this.#sql.exec('SELECT 1 FROM blocked_certificate WHERE mark = ?', mark).toArray().length > 0;
    const ended = this.ending.phase !== 'open';
    return { ...this.list(), blocked: marks.some((mark) => isBlocked(mark)), ended };
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
      await this.#keepAlarm();
    }
    return this.#guard.status(object, now);
  }

  /** Cleanup. Armed again first, so a failure in between only repeats it an hour later. */
  override async alarm(): Promise<void> {
    await this.#alarm.set(CLEANUP_EVERY_MS);
    const now = Math.floor(await this.#guard.believe(await this.clock(), this.secondClock));
    const next = this.ctx.storage.transactionSync(() => forgetOldResults(this.#sql, now));
    if (next === null) await this.#alarm.clear();
    else await this.#alarm.set(Math.min((next - now) * 1000, CLEANUP_EVERY_MS));
  }

  /** An object that holds nothing needs none. */
  async #keepAlarm(): Promise<void> {
    if (nextForgetAt(this.#sql) !== null) await this.#alarm.keep(CLEANUP_EVERY_MS);
  }
}

closesAtEnd<ResultStore>(ResultStore, {
  stopped: { put: refuseEnded },
  purged: {
    result: () => null,
    forget: async () => {},
    listFor: () => ({ version: 0, document: '', blocked: false, ended: true }),
  },
});
