/**
 * @module A row that no export can hold never stops an hour (docs/architecture.md §4.2): it is put aside when the set's record is
 * written, before anything is built from it, and counted as an alert. `origin` checks what it takes in, so only a
 * damaged store or a mistake of ours brings one here.
 */
import { WITHDRAWAL_HASH_BYTES } from '../../protocol/withdrawal.ts';
import { cutDay } from '../../domain/embargo.ts';
import { badKeyField } from '../../protocol/export/key-fields.ts';
import {
  ROW_BYTES,
  SORT_BYTES,
  TEK_OFFSET,
  rowProvenance,
  rowStart,
  unpackKey,
} from '../../domain/publication/packed-keys.ts';
import { GROUP_BYTES } from '../../domain/publication/issue-groups.ts';
import type { KeyPage } from '../submission-buffer/contract.ts';

/** Rows of one set that are kept for a look at them; what is beyond is counted alone. */
const MAX_KEPT_ROWS = 20_000;

/** What was put aside of one set. */
export class Quarantine {
  readonly #latestDay: number;
  readonly #retentionDays: number;
  readonly #kept: Uint8Array[] = [];
  #rows = 0;

  /** @param hour that the set is published in @param retentionDays of the chunk policy */
  constructor(hour: number, retentionDays: number) {
    // A key that is released in this hour has ended by the end of its day.
    this.#latestDay = Math.floor(hour / 24) + 1 + retentionDays;
    this.#retentionDays = retentionDays;
  }

  /** How many rows were put aside. */
  get rows(): number {
    return this.#rows;
  }

  /** @returns the first of the rows that were put aside, packed */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#kept.length * ROW_BYTES);
    for (const [i, row] of this.#kept.entries()) bytes.set(row, i * ROW_BYTES);
    return bytes;
  }

  /** @returns the page without the rows that can't be published; the same page when there is none */
  sift(page: KeyPage): KeyPage {
    const bad: number[] = [];
    let isBadRow = false;
    for (let offset = 0; offset < page.rows.length; offset += ROW_BYTES) {
      // Rows come sorted: mostly a row differs from the one before in its key data alone, which is always 16 bytes.
      if (offset === 0 || !sameFields(page.rows, offset)) isBadRow = this.#isBad(page, offset);
      if (isBadRow) bad.push(offset / ROW_BYTES);
    }
    if (bad.length === 0) return page;
    const isBad = new Set(bad);
    const rows = new Uint8Array(page.rows.length - bad.length * ROW_BYTES);
    const openings = new Uint8Array((rows.length / ROW_BYTES) * WITHDRAWAL_HASH_BYTES);
    const groups = new Uint8Array((rows.length / ROW_BYTES) * GROUP_BYTES);
    let n = 0;
    for (let row = 0; row < page.rows.length / ROW_BYTES; row++) {
      const bytes = page.rows.subarray(row * ROW_BYTES, (row + 1) * ROW_BYTES);
      if (isBad.has(row)) {
        this.#rows += 1;
        if (this.#kept.length < MAX_KEPT_ROWS) this.#kept.push(bytes.slice());
        continue;
      }
      rows.set(bytes, n * ROW_BYTES);
      const hash = page.openings.subarray(row * WITHDRAWAL_HASH_BYTES, (row + 1) * WITHDRAWAL_HASH_BYTES);
      openings.set(hash, n * WITHDRAWAL_HASH_BYTES);
      groups.set(page.groups.subarray(row * GROUP_BYTES, (row + 1) * GROUP_BYTES), n * GROUP_BYTES);
      n += 1;
    }
    return { ...page, rows, openings, groups };
  }

  #isBad({ rows, provenances }: KeyPage, offset: number): boolean {
    if (badKeyField(unpackKey(rows, offset)) !== null || provenances[rowProvenance(rows, offset)] === undefined) {
      return true;
    }
    return cutDay(rowStart(rows, offset), rows[offset + 4]!, this.#retentionDays) > this.#latestDay;
  }
}

/** @returns whether the row has the fields and the provenance of the row before it */
function sameFields(rows: Uint8Array, offset: number): boolean {
  for (let i = 0; i < TEK_OFFSET; i++) if (rows[offset + i] !== rows[offset + i - ROW_BYTES]) return false;
  for (let i = SORT_BYTES; i < ROW_BYTES; i++) if (rows[offset + i] !== rows[offset + i - ROW_BYTES]) return false;
  return true;
}
