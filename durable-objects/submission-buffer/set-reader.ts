/**
 * @module Reading a frozen set in published order. Its rows lie encrypted, in an order of no meaning; they are opened and sorted in
 * slices and kept in memory while the publisher pages through them, so the order is a function of the set alone. A set of
 * more than `PART_ROWS` is sorted in parts, by the interval at which keys start, each from another pass over the rows.
 *
 * Nothing is written. A crash loses the memory, and the next page is read after building it anew.
 */
import { WITHDRAWAL_HASH_BYTES } from '../../protocol/withdrawal.ts';
import { pause } from '../pace.ts';
import { ROW_BYTES, SORT_BYTES, packProvenance, rowStart } from '../../domain/publication/packed-keys.ts';
import { GROUP_BYTES } from '../../domain/publication/issue-groups.ts';
import type { BufferConfig } from './config.ts';
import type { FrozenSet, KeyPage } from './contract.ts';
import { readSet } from './freeze-ops.ts';
import type { Ciphers } from './hour-keys.ts';
import { release, Scratch } from './memory.ts';
import { numberLabels, type SetLabels } from './row-labels.ts';
import { FIELDS_OFFSET, LABEL_OFFSET, STORED_ROW_BYTES, WITHDRAWAL_OFFSET, readLabel } from './row-cipher.ts';
import { MergedRuns, sortRecords, type RecordShape } from './sorted-runs.ts';
import { readWaiting, waitingHours } from './waiting-rows.ts';

/** 50,000 rows are 1.4 MB, far below the 32 MiB of one RPC answer, and bound the memory of a page. */
const MAX_PAGE_ROWS = 50_000;
/** 34 MB in memory: an hour of a million keys is read in two parts. */
const PART_ROWS = 700_000;
/** A packed row (domain/publication/packed-keys.ts), then the number of its group of issue ids + 1, then its withdrawal hash. */
const GROUP_OFFSET = ROW_BYTES;
const OPENED_BY_OFFSET = GROUP_OFFSET + GROUP_BYTES;
const SHAPE: RecordShape = { bytes: OPENED_BY_OFFSET + WITHDRAWAL_HASH_BYTES, sortBytes: SORT_BYTES };
const PACKED = new Scratch();

/** A row whose label nobody opens: without a provenance the publisher puts it aside. */
const NO_LABEL = { provenance: 0xffff_ffff, group: 0 };

/** Keys that start at `from` or later and before `to`, in intervals. */
interface Part {
  readonly from: number;
  readonly to: number;
}

/** Pages of the set that is being read: one after the other, since they share one place in it. */
export class SetPages {
  readonly #sql: SqlStorage;
  readonly #ciphers: Ciphers;
  #reader: { readonly setNo: number; readonly pages: SetReader } | null = null;
  #paging: Promise<unknown> = Promise.resolve();

  constructor(sql: SqlStorage, ciphers: Ciphers) {
    this.#sql = sql;
    this.#ciphers = ciphers;
  }

  /** @returns the next page of a set, in published order @throws Error when it holds no keys */
  page(config: BufferConfig, setNo: number, after: Uint8Array | null, limit: number): Promise<KeyPage> {
    const page = this.#paging.then(() => this.#page(config, setNo, after, limit));
    this.#paging = page.catch(() => {});
    return page;
  }

  /** The set goes. */
  forget(): void {
    this.#reader = null;
  }

  async #page(config: BufferConfig, setNo: number, after: Uint8Array | null, limit: number): Promise<KeyPage> {
    const set = readSet(this.#sql, setNo);
    if (set === null || set.firstHour === null || set.lastHour === null) throw new Error(`set ${setNo} holds no keys`);
    const hours = [set.firstHour, set.lastHour] as const;
    if (this.#reader?.setNo !== setNo || this.#reader.pages.hours.join() !== hours.join()) {
      this.#reader = { setNo, pages: new SetReader(this.#sql, config, this.#ciphers, set, hours) };
    }
    const page = await this.#reader.pages.page(after, limit);
    if (page.last) this.#reader = null;
    return page;
  }
}

/** Pages through one set. */
class SetReader {
  /** Hours of the set, first and last: a set that was given up comes again under its number, with more of them. */
  readonly hours: readonly [number, number];
  readonly #sql: SqlStorage;
  readonly #ciphers: Ciphers;
  readonly #labels: SetLabels;
  readonly #keys: number;
  readonly #feeds: readonly string[];
  #parts: readonly Part[] | null = null;
  #part = 0;
  #runs: MergedRuns | null = null;
  /** The row that the runs stand after, and null at the beginning. */
  #after: Uint8Array | null = null;

  /** @param set its `keys` are about right: they decide in how many passes it is read */
  constructor(
    sql: SqlStorage,
    config: BufferConfig,
    ciphers: Ciphers,
    { keys, feeds }: Pick<FrozenSet, 'keys' | 'feeds'>,
    hours: readonly [number, number],
  ) {
    this.#sql = sql;
    this.#ciphers = ciphers;
    this.hours = hours;
    this.#keys = keys;
    this.#feeds = feeds;
    this.#labels = numberLabels(sql, config, ciphers, waitingHours(sql, ...hours));
  }

  /**
   * @param after sort bytes of the last row had, or null
   * @param limit rows
   * @returns the next rows in published order
   */
  async page(after: Uint8Array | null, limit: number): Promise<KeyPage> {
    this.#parts ??= await this.#split();
    if (this.#runs === null || !same(after, this.#after)) await this.#seek(after);
    const wanted = Math.min(Math.max(1, limit), MAX_PAGE_ROWS);
    const rows = new Uint8Array(wanted * ROW_BYTES);
    const openings = new Uint8Array(wanted * WITHDRAWAL_HASH_BYTES);
    const groups = new Uint8Array(wanted * GROUP_BYTES);
    let n = 0;
    while (n < wanted && this.#runs !== null) {
      const from = n;
      n += this.#runs.take(wanted - n, (records, offset, at) => {
        rows.set(records.subarray(offset, offset + ROW_BYTES), (from + at) * ROW_BYTES);
        const hash = offset + OPENED_BY_OFFSET;
        openings.set(records.subarray(hash, hash + WITHDRAWAL_HASH_BYTES), (from + at) * WITHDRAWAL_HASH_BYTES);
        groups[(from + at) * GROUP_BYTES] = records[offset + GROUP_OFFSET]!;
        groups[(from + at) * GROUP_BYTES + 1] = records[offset + GROUP_OFFSET + 1]!;
      });
      if (this.#runs.done) await this.#nextPart();
    }
    const had = rows.subarray(0, n * ROW_BYTES);
    this.#after = n === 0 ? after : had.slice(-ROW_BYTES, had.length - ROW_BYTES + SORT_BYTES);
    return {
      rows: n === wanted ? rows : had.slice(),
      openings: n === wanted ? openings : openings.slice(0, n * WITHDRAWAL_HASH_BYTES),
      provenances: this.#labels.provenances,
      feeds: this.#feeds,
      issueGroups: this.#labels.issueGroups,
      groups: groups.subarray(0, n * GROUP_BYTES).slice(),
      last: this.#runs === null,
    };
  }

  async #seek(after: Uint8Array | null): Promise<void> {
    const start = after === null ? 0 : rowStart(after, 0);
    this.#part = this.#parts!.findIndex(({ to }) => start < to);
    await this.#open(after);
    while (this.#runs?.done === true) await this.#nextPart();
  }

  async #nextPart(): Promise<void> {
    this.#part += 1;
    await this.#open(null);
  }

  /** Opens and sorts the rows of the running part; after the last one there are none. */
  async #open(after: Uint8Array | null): Promise<void> {
    this.#runs = null; // first, so that two parts are never in memory at once
    const part = this.#parts![this.#part];
    if (part === undefined) return;
    const runs = new MergedRuns(SHAPE);
    await this.#eachSlice((hour, rows) => runs.add(sortRecords(SHAPE, this.#pack(hour, rows, part))));
    runs.seek(after);
    this.#runs = runs;
  }

  /** @returns rows of the part, in memory that the next call uses again */
  #pack(hour: number, rows: Uint8Array, part: Part): Uint8Array {
    const records = PACKED.take((rows.length / STORED_ROW_BYTES) * SHAPE.bytes);
    let at = 0;
    for (let row = 0; row < rows.length; row += STORED_ROW_BYTES) {
      const start = rowStart(rows, row + FIELDS_OFFSET);
      if (start < part.from || start >= part.to) continue;
      const numbers = this.#labels.numbers(hour, readLabel(rows, row + LABEL_OFFSET)) ?? NO_LABEL;
      records.set(rows.subarray(row + FIELDS_OFFSET, row + FIELDS_OFFSET + SORT_BYTES), at);
      packProvenance(records, at, numbers.provenance);
      records[at + GROUP_OFFSET] = numbers.group >>> 8;
      records[at + GROUP_OFFSET + 1] = numbers.group;
      const hash = row + WITHDRAWAL_OFFSET;
      records.set(rows.subarray(hash, hash + WITHDRAWAL_HASH_BYTES), at + OPENED_BY_OFFSET);
      at += SHAPE.bytes;
    }
    return records.subarray(0, at);
  }

  /** @returns parts that hold `PART_ROWS` each at most, unless more keys start in one interval */
  async #split(): Promise<readonly Part[]> {
    if (this.#keys <= PART_ROWS) return [{ from: 0, to: Infinity }];
    const starts = new Map<number, number>();
    await this.#eachSlice((_hour, rows) => {
      for (let row = FIELDS_OFFSET; row < rows.length; row += STORED_ROW_BYTES) {
        const start = rowStart(rows, row);
        starts.set(start, (starts.get(start) ?? 0) + 1);
      }
    });
    return splitStarts(starts, PART_ROWS);
  }

  async #eachSlice(visit: (hour: number, rows: Uint8Array) => void): Promise<void> {
    for (const hour of waitingHours(this.#sql, ...this.hours)) {
      for (let after: Uint8Array | null = null; ;) {
        const slice = readWaiting(this.#sql, this.#ciphers, hour, after);
        if (slice.last === null) break;
        visit(hour, slice.rows);
        release(slice.memory);
        after = slice.last;
        await pause();
      }
    }
  }
}

/**
 * @param starts keys by the interval at which they start
 * @param most keys of a part, unless more start in one interval
 * @returns parts that follow each other and leave nothing out; one at least
 */
export function splitStarts(starts: ReadonlyMap<number, number>, most: number): Part[] {
  const parts: Part[] = [];
  let from = 0;
  let held = 0;
  for (const [start, keys] of [...starts].toSorted(([a], [b]) => a - b)) {
    if (held > 0 && held + keys > most) {
      parts.push({ from, to: start });
      from = start;
      held = 0;
    }
    held += keys;
  }
  return [...parts, { from, to: Infinity }];
}

function same(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  for (let i = 0; i < SORT_BYTES; i++) if (a[i] !== b[i]) return false;
  return true;
}
