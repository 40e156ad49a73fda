/**
 * @module What the Publisher keeps of keys that are taken back: requests, and how far the hour that does them has come. As in store.ts, each method is one
 * synchronous transaction or part of the caller's. No row holds a key, nor which rows they are.
 */

/** A request that was asked for (take-back.ts). */
export interface AskedRequest {
  readonly id: string;
  readonly askedHour: number;
  /** With which it is done; null while no hour has taken it up. */
  readonly hour: number | null;
  readonly done: boolean;
}

type RequestRow = { id: string; asked_hour: number; hour: number | null; done: number };

export class TakingStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** @returns null for one that nobody made */
  request(id: string): AskedRequest | null {
    return this.#requests('WHERE id = ?', id)[0] ?? null;
  }

  /** @returns those that aren't done, in an order that only their ids decide */
  openRequests(): AskedRequest[] {
    return this.#requests('WHERE done = 0 ORDER BY id');
  }

  putRequest({ id, askedHour, hour, done }: AskedRequest): void {
    this.#sql.exec('INSERT OR REPLACE INTO take_back VALUES (?, ?, ?, ?)', id, askedHour, hour, done ? 1 : 0);
  }

  /** Forgets those that are done and were asked for before an hour. */
  forgetRequests(before: number): void {
    this.#sql.exec('DELETE FROM take_back WHERE done = 1 AND asked_hour < ?', before);
  }

  #requests(where: string, ...values: unknown[]): AskedRequest[] {
    const rows = this.#sql.exec<RequestRow>(`SELECT * FROM take_back ${where}`, ...values).toArray();
    return rows.map((row) => ({ id: row.id, askedHour: row.asked_hour, hour: row.hour, done: row.done === 1 }));
  }
}
