/**
 * @module The pages of the set that is being recorded: one reader in memory, whose place in the set all calls share.
 */
import type { KeyPage } from './contract.ts';
import { readSet } from './freeze-ops.ts';
import type { Ciphers } from './hour-keys.ts';
import { SetReader } from './set-reader.ts';

export class SetPages {
  readonly #sql: SqlStorage;
  readonly #ciphers: Ciphers;
  #reader: { readonly setNo: number; readonly pages: SetReader } | null = null;
  /** Pages are read one after the other: they share one place in the set. */
  #paging: Promise<unknown> = Promise.resolve();

  constructor(sql: SqlStorage, ciphers: Ciphers) {
    this.#sql = sql;
    this.#ciphers = ciphers;
  }

  /** @param after sort bytes of the last row had, or null @throws Error for a set without keys */
  page(setNo: number, after: Uint8Array | null, limit: number): Promise<KeyPage> {
    const page = this.#paging.then(() => this.#page(setNo, after, limit));
    this.#paging = page.catch(() => {});
    return page;
  }

  /** Frees the memory. */
  close(): void {
    this.#reader = null;
  }

  async #page(setNo: number, after: Uint8Array | null, limit: number): Promise<KeyPage> {
    const set = readSet(this.#sql, setNo);
    if (set === null || set.firstHour === null || set.lastHour === null) throw new Error(`set ${setNo} holds no keys`);
    const hours = [set.firstHour, set.lastHour] as const;
    if (this.#reader?.setNo !== setNo || this.#reader.pages.hours.join() !== hours.join()) {
      this.#reader = { setNo, pages: new SetReader(this.#sql, this.#ciphers, hours, set.keys) };
    }
    const page = await this.#reader.pages.page(after, limit);
    if (page.last) this.#reader = null;
    return page;
  }
}
