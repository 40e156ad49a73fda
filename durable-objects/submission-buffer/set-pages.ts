/**
 * @module Pages of the set that is being read, one after the other: they share one place in it. Nothing is written; lost with the isolate, the place is found
 * again from the last row had.
 */
import type { KeyPage } from './contract.ts';
import { readSet } from './freeze-ops.ts';
import type { Ciphers } from './hour-keys.ts';
import { SetReader } from './set-reader.ts';

export class SetPages {
  readonly #sql: SqlStorage;
  readonly #keys: Ciphers;
  #reader: { readonly setNo: number; readonly pages: SetReader } | null = null;
  #paging: Promise<unknown> = Promise.resolve();

  constructor(sql: SqlStorage, keys: Ciphers) {
    this.#sql = sql;
    this.#keys = keys;
  }

  /** The set's rows go. */
  forget(): void {
    this.#reader = null;
  }

  /** @param after the sort bytes of the last row had, null for the first page @throws Error for a set that holds no keys */
  page(setNo: number, after: Uint8Array | null, limit: number): Promise<KeyPage> {
    const page = this.#paging.then(() => this.#page(setNo, after, limit));
    this.#paging = page.catch(() => {});
    return page;
  }

  async #page(setNo: number, after: Uint8Array | null, limit: number): Promise<KeyPage> {
    const set = readSet(this.#sql, setNo);
    if (set === null || set.firstHour === null || set.lastHour === null) throw new Error(`set ${setNo} holds no keys`);
    const hours = [set.firstHour, set.lastHour] as const;
    if (this.#reader?.setNo !== setNo || this.#reader.pages.hours.join() !== hours.join()) {
      this.#reader = { setNo, pages: new SetReader(this.#sql, this.#keys, hours, set.keys) };
    }
    const page = await this.#reader.pages.page(after, limit);
    if (page.last) this.#reader = null;
    return page;
  }
}
