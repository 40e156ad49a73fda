/**
 * @module How far an object believes its clock (docs/architecture.md §11, docs/decisions/027). What can't be undone, publishing and deleting,
 * goes by the believed time: never more than `BELIEVED_AHEAD_SECONDS` past the last instant that a second source of time
 * confirmed. The second source is Cloudflare's own schedule (each cron hands over the instant it was scheduled for), the
 * operator, and in `origin` R2, which stamps what is put. A clock that goes back is believed at once: less is due then.
 *
 * Durable writes: one row, the last confirmed instant, and whether the object waits. A crash before it leaves the earlier
 * instant, which believes less; asking again writes it.
 */
import type { ClockStatus } from '../domain/clock-status.ts';
import { SECONDS_PER_HOUR } from '../protocol/gaen/intervals.ts';
import { isPurged } from './end-marker.ts';

/**
 * The embargo leaves two hours between a key's end and its publication (docs/architecture.md §5.2): a clock that runs ahead by no more can't
 * publish a key that a phone may still be using. A cron comes every five minutes, so that only an outage makes a longer step;
 * since the instant is kept to the hour, it is one to two hours that are believed.
 */
export const BELIEVED_AHEAD_SECONDS = 2 * SECONDS_PER_HOUR;
/** After a second source that didn't help, it is asked no sooner: an object that waits must not ask at each upload. */
const ASK_AGAIN_SECONDS = 30;

/** Asks another clock than the object's own. @returns Unix seconds @throws when it isn't reached */
export type SecondClock = () => Promise<number>;

type GuardRow = { confirmed: number | null; held: number; times_held: number };

export class ClockGuard {
  readonly #sql: SqlStorage;
  #row: GuardRow;
  /** The object's clock when a second source was last asked in vain. */
  #askedInVain = Number.NEGATIVE_INFINITY;
  /** The second source while it is being asked: calls that come together ask it once. */
  #asking: Promise<number | null> | null = null;

  /** @param storage of the object; the guard's table is the same in each, and made here */
  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#row = { confirmed: null, held: 0, times_held: 0 };
    if (isPurged(this.#sql)) return;
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS clock_guard (one INTEGER PRIMARY KEY CHECK (one = 1), confirmed INTEGER,
       held INTEGER NOT NULL, times_held INTEGER NOT NULL)`,
    );
    const row = this.#sql.exec<GuardRow>('SELECT confirmed, held, times_held FROM clock_guard').toArray()[0];
    if (row !== undefined) this.#row = row;
  }

  /** True while the clock is further ahead than anything has confirmed. */
  get held(): boolean {
    return this.#row.held === 1;
  }

  /**
   * @param now the object's clock, Unix seconds
   * @param second asked when `now` is past the bound; null: only a cron or an operator can confirm
   * @returns Unix seconds to act by: `now`, or less when nothing confirms it
   */
  async believe(now: number, second: SecondClock | null): Promise<number> {
    if (this.#isBelieved(now)) return this.#release(now);
    if (second !== null && Math.abs(now - this.#askedInVain) >= ASK_AGAIN_SECONDS) {
      this.#asking ??= second()
        .catch(() => null)
        .finally(() => (this.#asking = null));
      const at = await this.#asking;
      if (at !== null) this.confirm(now, at);
      if (this.#isBelieved(now)) return this.#release(now);
      this.#askedInVain = now;
    }
    // An object that has never acted has nothing to lose yet, and nothing to compare with.
    if (this.#row.confirmed === null) {
      this.confirm(now, now);
      return now;
    }
    if (!this.held) this.#write({ ...this.#row, held: 1, times_held: this.#row.times_held + 1 });
    return this.#row.confirmed + BELIEVED_AHEAD_SECONDS;
  }

  /**
   * A second source says what time it is.
   *
   * @param now the object's clock, Unix seconds
   * @param at what the other clock says; of two clocks the earlier one is confirmed
   */
  confirm(now: number, at: number): void {
    // Kept to the hour: in the buffer it may be an upload that asks, and no upload's time is kept finer.
    const confirmed = Math.floor(Math.min(now, at) / SECONDS_PER_HOUR) * SECONDS_PER_HOUR;
    const held = now > confirmed + BELIEVED_AHEAD_SECONDS;
    const times_held = this.#row.times_held + (held && !this.held ? 1 : 0);
    this.#write({ confirmed, held: held ? 1 : 0, times_held });
  }

  /** @param object its name for an operator @param now the object's clock, Unix seconds */
  status(object: string, now: number): ClockStatus {
    return { object, now: Math.floor(now), confirmed: this.#row.confirmed, held: this.held };
  }

  /** @returns the counter of the alert, in the form of an object's other counters; none before the first */
  counters(): Record<string, number> {
    return this.#row.times_held === 0 ? {} : { alert_clock_held: this.#row.times_held };
  }

  #isBelieved(now: number): boolean {
    return this.#row.confirmed !== null && now <= this.#row.confirmed + BELIEVED_AHEAD_SECONDS;
  }

  /** The clock went back, or time has caught up. */
  #release(now: number): number {
    if (this.held) this.#write({ ...this.#row, held: 0 });
    return now;
  }

  #write(row: GuardRow): void {
    this.#row = row;
    this.#sql.exec('INSERT OR REPLACE INTO clock_guard VALUES (1, ?, ?, ?)', row.confirmed, row.held, row.times_held);
  }
}

/** Where the second source puts its empty object, in the private bucket. */
const TIME_KEY = 'clock';

/** @param bucket of the object @returns R2's clock: when it says that it took an empty object */
export function r2Clock(bucket: R2Bucket): SecondClock {
  return async () => {
    const taken = await bucket.put(TIME_KEY, new Uint8Array(0));
    if (taken === null) throw new Error('R2 took nothing');
    // Nor does the bucket keep when it was asked.
    await bucket.delete(TIME_KEY);
    return Math.floor(taken.uploaded.getTime() / 1000);
  };
}
