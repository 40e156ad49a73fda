/**
 * @module Which set is being paged through: its sorted rows stay in memory from page to page (set-reader.ts), and pages are read one after the other, since
 * they share one place in the set.
 */
import type { FrozenSet, KeyPage } from './contract.ts';
import type { SetReader } from './set-reader.ts';

type Hours = SetReader['hours'];

/** One at a time. */
export class SetPages {
  readonly #open: (hours: Hours, keys: number) => SetReader;
  #reader: { readonly setNo: number; readonly pages: SetReader } | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** @param open a reader of release hours, first and last, which hold so many keys */
  constructor(open: (hours: Hours, keys: number) => SetReader) {
    this.#open = open;
  }

  /**
   * @param setOf reads the set when its turn has come
   * @param after sort bytes of the last row had, or null
   * @param limit rows
   * @returns the next rows in published order
   * @throws Error for a set that holds no keys
   */
  page(setNo: number, setOf: () => FrozenSet | null, after: Uint8Array | null, limit: number): Promise<KeyPage> {
    const page = this.#last.then(() => this.#page(setNo, setOf(), after, limit));
    this.#last = page.catch(() => {});
    return page;
  }

  /** Forgets what is in memory. */
  close(): void {
    this.#reader = null;
  }

  async #page(setNo: number, set: FrozenSet | null, after: Uint8Array | null, limit: number): Promise<KeyPage> {
    if (set === null || set.firstHour === null || set.lastHour === null) throw new Error(`set ${setNo} holds no keys`);
    const hours = [set.firstHour, set.lastHour] as const;
    if (this.#reader?.setNo !== setNo || this.#reader.pages.hours.join() !== hours.join()) {
      this.#reader = { setNo, pages: this.#open(hours, set.keys) };
    }
    const page = await this.#reader.pages.page(after, limit);
    if (page.last) this.#reader = null;
    return page;
  }
}
