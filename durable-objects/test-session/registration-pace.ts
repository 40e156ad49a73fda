/**
 * @module How many rows an hour people may make whom no laboratory has vouched for yet (decision 029). Anybody can register a
 * GUID that was never printed; its row stays as long as a result may come. Nothing tells it from a real test that is being
 * analysed, so there is a bound on both together, far above what a country makes; a test whose laboratory has posted
 * anything, a teleTAN and a code card are never asked.
 *
 * Durable writes: the count is written every {@link ROWS_A_SAMPLE} rows and at the first refusal of an hour. A crash, or the
 * object leaving memory, forgets fewer rows than that.
 */

/**
 * A shard's bound. 16 × 50,000 = 800,000 an hour; 2 million tests a day with a tenth of them in one hour are 200,000, and two
 * claims more each where all give a date of birth 600,000. A flood at the bound for the whole life of a row leaves 1,440 h ×
 * 50,000 × 80 bytes = 5.8 GB (80 measured; with dates of birth 65, a session and two claims), and an object holds 10 (docs/spec/platform.md §1.2).
 */
export const UNPOSTED_ROWS_PER_HOUR = 50_000;
const ROWS_A_SAMPLE = 500;
/** Operators look back over so many hours. */
const KEPT_HOURS = 48;

/** A migration of TestSession (session-ops.ts). */
export const PACE_TABLE =
  'CREATE TABLE registration_pace (hour INTEGER PRIMARY KEY, made INTEGER NOT NULL, later INTEGER NOT NULL);';

/** later: beyond the bound; isFirst of its hour in this shard, so that it is logged once. */
export type Pace = { readonly kind: 'go' } | { readonly kind: 'later'; readonly isFirst: boolean };

export class RegistrationPace {
  readonly #sql: SqlStorage;
  #hour = -1;
  #made = 0;
  #later = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Counts one row that is about to be made. @param now Unix seconds @returns whether it may be */
  take(now: number): Pace {
    const hour = Math.floor(now / 3600);
    if (hour !== this.#hour) this.#read(hour);
    if (this.#made < UNPOSTED_ROWS_PER_HOUR) {
      this.#made++;
      if (this.#made % ROWS_A_SAMPLE === 0) this.#write();
      return { kind: 'go' };
    }
    this.#later++;
    const isFirst = this.#later === 1;
    if (isFirst || this.#later % ROWS_A_SAMPLE === 0) this.#write();
    return { kind: 'later', isFirst };
  }

  #read(hour: number): void {
    const row = this.#sql
      .exec<{ made: number; later: number }>('SELECT made, later FROM registration_pace WHERE hour = ?', hour)
      .toArray()[0];
    this.#hour = hour;
    this.#made = row?.made ?? 0;
    this.#later = row?.later ?? 0;
  }

  #write(): void {
    this.#sql.exec('DELETE FROM registration_pace WHERE hour <= ?', this.#hour - KEPT_HOURS);
    this.#sql.exec('INSERT OR REPLACE INTO registration_pace VALUES (?, ?, ?)', this.#hour, this.#made, this.#later);
  }
}
