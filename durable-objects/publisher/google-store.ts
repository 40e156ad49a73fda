/**
 * @module What the Publisher keeps of Google's view: of each region and day the windows that were made. As in store.ts, each method is one synchronous
 * transaction or part of the caller's. No row holds a key.
 */
import type { ExportedDay } from '../../domain/publication/google-files.ts';

/** A day of a region, and the last midnight at which it was looked at. */
export interface GoogleDay extends ExportedDay {
  /** Days since the Unix epoch. */
  readonly checked: number;
}

type DayRow = { region: string; day: number; checked: number; periods: string };

export class GoogleStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** @returns null for a day of which nothing was made */
  day(region: string, day: number): GoogleDay | null {
    return this.days(region, { first: day, last: day })[0] ?? null;
  }

  /** @returns ascending */
  days(region: string, { first, last }: { readonly first: number; readonly last: number }): GoogleDay[] {
    const sql = 'SELECT * FROM google_day WHERE region = ? AND day BETWEEN ? AND ? ORDER BY day';
    return this.#sql
      .exec<DayRow>(sql, region, first, last)
      .toArray()
      .map(({ day, checked, periods }) => ({
        region,
        day,
        checked,
        periods: JSON.parse(periods) as GoogleDay['periods'],
      }));
  }

  put({ region, day, checked, periods }: GoogleDay): void {
    const sql = 'INSERT OR REPLACE INTO google_day VALUES (?, ?, ?, ?)';
    this.#sql.exec(sql, region, day, checked, JSON.stringify(periods));
  }

  /** @param before day */
  forget(before: number): void {
    this.#sql.exec('DELETE FROM google_day WHERE day < ?', before);
  }
}
