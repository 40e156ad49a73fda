/**
 * @module Failed guesses of codes, as a count an hour; no address, and nobody is refused for them (decision 066). Beyond the budget new codes are longer, and operators are warned.
 *
 * Durable writes: the count, each {@link GUESSES_A_WRITE} guesses and at the first of an hour. A crash, or the object leaving memory, forgets fewer than that.
 */

/** People mistype: one in twenty of 2,000 codes a day is a hundred a day. 1,000 guesses an hour find one of 100 live codes of 10⁸ once in a thousand hours. */
export const FAILED_CODE_BUDGET = 1_000;
/** A flood of guesses must not be one of durable writes. */
const GUESSES_A_WRITE = 32;
const KEPT_HOURS = 48;

export class GuessCount {
  readonly #sql: SqlStorage;
  #hour = -1;
  #count = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** @param now Unix seconds @returns whether this one went beyond the budget of the hour, once */
  add(now: number): boolean {
    this.#turnTo(now);
    this.#count++;
    if (this.#count === 1 || this.#count % GUESSES_A_WRITE === 0) {
      this.#sql.exec('INSERT OR REPLACE INTO failed_code VALUES (?, ?)', this.#hour, this.#count);
    }
    return this.#count === FAILED_CODE_BUDGET + 1;
  }

  /** @param now Unix seconds @returns those of the running and of the last hour */
  counts(now: number): { thisHour: number; lastHour: number } {
    this.#turnTo(now);
    return { thisHour: this.#count, lastHour: this.#stored(this.#hour - 1) };
  }

  /** @returns whether codes that are issued now should be longer */
  isOver(now: number): boolean {
    const { thisHour, lastHour } = this.counts(now);
    return Math.max(thisHour, lastHour) > FAILED_CODE_BUDGET;
  }

  /** Forgets counts of hours long past. @param now Unix seconds, believed */
  forget(now: number): void {
    this.#sql.exec('DELETE FROM failed_code WHERE hour < ?', Math.floor(now / 3600) - KEPT_HOURS);
  }

  #turnTo(now: number): void {
    const hour = Math.floor(now / 3600);
    if (hour === this.#hour) return;
    this.#hour = hour;
    this.#count = this.#stored(hour);
  }

  #stored(hour: number): number {
    return (
      this.#sql.exec<{ count: number }>('SELECT count FROM failed_code WHERE hour = ?', hour).toArray()[0]?.count ?? 0
    );
  }
}
