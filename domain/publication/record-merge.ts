/**
 * @module Reads private records back in published order: a merge of sorted runs, one per record and leaving day. A run
 * is opened only when the merge reaches the earliest start its keys can have, so few are in memory at once.
 */
import { INTERVALS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { ROW_BYTES, compareRows, rowProvenance, rowStart, type Provenance } from './packed-keys.ts';
import { namedRows, type TakenRule } from './named-rows.ts';
import { partKey, publishingRegions, rowsByDay, type RecordPart, type SetRecord } from './record.ts';
import { reviseRow } from './revision.ts';
import { windowRows, type Workspace } from './workspace.ts';

/** Hours of a UTC day. */
const HOURS_A_DAY = 24;

/** With what records are read. */
export interface MergePorts {
  /**
   * Reads a part of an object of the private bucket into memory that is used again.
   *
   * @param range bytes
   * @param memory handed over; the caller's own view of it is dead afterwards
   * @returns the part, at the start of the same memory; null when there is no such object or it ends before
   */
  readonly read: (
    name: string,
    range: { readonly offset: number; readonly length: number },
    memory: Uint8Array,
  ) => Promise<Uint8Array | null>;
  /** @returns a whole object of the private bucket; null when there is none */
  readonly readWhole: (name: string) => Promise<Uint8Array | null>;
  /** Which publishes every key. */
  readonly unionRegion: string;
  readonly retentionDays: number;
  readonly workspace: Pick<Workspace, 'windows' | 'taken'>;
}

/** Rows of one record and leaving day. */
export interface RunSource {
  readonly record: SetRecord;
  readonly day: number;
  /** Rows of the day, counted over its parts: from (inclusive) to (exclusive). */
  readonly from: number;
  readonly to: number;
  readonly taken: TakenRule;
  /** Which rows are visited, in place of those that the merge's region publishes. */
  readonly accepts?: (about: Provenance, record: SetRecord) => boolean;
}

/** @returns all rows of a record that don't leave at `cut` or earlier, and weren't taken back up to the hour `through` */
export function wholeRecord(record: SetRecord, cut: number, through: number): RunSource[] {
  return sourcesOf(record, cut, { kind: 'without', through });
}

/** @returns the rows of a record that were taken back with `hour`, or of which something was said anew, and don't leave at `cut` or earlier */
export function takenRecord(record: SetRecord, cut: number, hour: number): RunSource[] {
  const days = new Set(
    record.parts.filter(({ taken }) => taken?.some((one) => one.hour === hour)).map(({ day }) => day),
  );
  const to = record.parts.flatMap(({ taken = [] }) => taken).find((one) => one.hour === hour)?.to;
  const rule: TakenRule =
    to === undefined ? { kind: 'only', hour } : { kind: 'revised', hour, to, through: lastHourOf(cut) };
  return sourcesOf(record, cut, rule).filter(({ day }) => days.has(day));
}

/** @param cut midnight of a cut @returns the last hour of the day before it: what was taken back up to then is named by no list of the cut that says something else of it */
export const lastHourOf = (cut: number): number => cut * HOURS_A_DAY - 1;

function sourcesOf(record: SetRecord, cut: number, taken: TakenRule): RunSource[] {
  return [...rowsByDay(record)]
    .filter(([day]) => day > cut)
    .map(([day, rows]) => ({ record, day, from: 0, to: rows, taken }));
}

/** Called for each row; `rows` is only valid during the call. */
export type RowVisitor = (rows: Uint8Array, offset: number, source: RunSource, at: number) => void;

class Run {
  readonly source: RunSource;
  /** No key of the run starts before this interval. */
  readonly earliestStart: number;
  readonly accepts: readonly boolean[];
  readonly #ports: MergePorts;
  readonly #parts: readonly RecordPart[];
  /** Row numbers, within the day, that the source's rule is about; null: none, and every row is shown. */
  #named: Uint32Array | null = null;
  #namedAt = 0;
  #opened = false;
  rows: Uint8Array = new Uint8Array(0);
  offset = 0;
  /** Row number, within the day, of the row at `offset`. */
  at: number;

  constructor(ports: MergePorts, region: string, source: RunSource) {
    const { unionRegion, retentionDays } = ports;
    this.#ports = ports;
    this.source = source;
    this.at = source.from;
    this.earliestStart = (source.day - retentionDays - 2) * INTERVALS_PER_DAY;
    this.#parts = source.record.parts.filter(({ day }) => day === source.day);
    const accepts: boolean[] = [];
    for (const [id, provenance] of Object.entries(source.record.provenances)) {
      accepts[Number(id)] =
        source.accepts?.(provenance, source.record) ?? publishingRegions([region], unionRegion, provenance).length > 0;
    }
    this.accepts = accepts;
  }

  get needsRows(): boolean {
    return this.offset === this.rows.length && this.at < this.source.to;
  }

  get done(): boolean {
    return this.at >= this.source.to;
  }

  /** @returns whether the row at `at` is visited; rows come in order */
  isShown(): boolean {
    const named = this.#named;
    if (named === null) return true;
    while (this.#namedAt < named.length && named[this.#namedAt]! < this.at) this.#namedAt += 1;
    return (named[this.#namedAt] === this.at) === (this.source.taken.kind !== 'without');
  }

  /** @param limit rows that a window holds */
  async refill(limit: number): Promise<void> {
    const { windows } = this.#ports.workspace;
    if (!this.#opened) this.#named = await namedRows(this.#ports, this.source, this.#parts);
    this.#opened = true;
    const own = this.rows.length === 0 ? windows.take(limit) : new Uint8Array(this.rows.buffer);
    let before = 0;
    for (const part of this.#parts) {
      if (this.at < before + part.rows) {
        const first = this.at - before;
        const count = Math.min(part.rows - first, this.source.to - this.at, limit);
        const key = partKey(this.source.record.hour, part);
        const bytes = await this.#ports.read(key, { offset: first * ROW_BYTES, length: count * ROW_BYTES }, own);
        if (bytes === null) throw new Error(`the private record lacks ${key}`);
        this.rows = bytes;
        this.offset = 0;
        return;
      }
      before += part.rows;
    }
    throw new Error(`the record of hour ${this.source.record.hour} has no row ${this.at} of day ${this.source.day}`);
  }
}

/** A resumable merge over the rows that one region publishes. */
export class RecordMerge {
  #waiting: Run[];
  #active: Run[] = [];
  readonly #windows: Workspace['windows'];
  readonly #windowRows: number;

  constructor(ports: MergePorts, region: string, sources: readonly RunSource[]) {
    this.#windows = ports.workspace.windows;
    this.#windowRows = windowRows(Math.max(1, new Set(sources.map(({ record }) => record.hour)).size));
    this.#waiting = sources
      .filter(({ from, to }) => from < to)
      .map((source) => new Run(ports, region, source))
      .toSorted((a, b) => a.earliestStart - b.earliestStart || a.source.record.hour - b.source.record.hour);
  }

  /**
   * @param limit rows of the region to visit at most
   * @returns rows visited; fewer than `limit` only at the end
   */
  async take(limit: number, visit: RowVisitor): Promise<number> {
    let taken = 0;
    while (taken < limit) {
      await this.#fill();
      if (this.#active.length === 0) break;
      taken = this.#drain(taken, limit, visit);
    }
    return taken;
  }

  /** Gives the windows to the next merge; this one is over. */
  close(): void {
    for (const run of this.#active) this.#windows.giveBack(run.rows);
    this.#active = [];
    this.#waiting = [];
  }

  /**
   * Opens and refills runs until the least row is known, all that can be at once: the 24 hours of a day are hundreds of
   * small objects, and one after the other they would cost a round trip each.
   */
  async #fill(): Promise<void> {
    for (const run of this.#active) if (run.done) this.#windows.giveBack(run.rows);
    this.#active = this.#active.filter((run) => !run.done);
    await this.#refill(this.#active.filter((run) => run.needsRows));
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined) return;
      const least = Math.min(...this.#active.map((run) => rowStart(run.rows, run.offset)));
      if (next.earliestStart > least) return;
      // With nothing open yet, whatever may hold the first row and no more: each takes a window.
      const upTo = least === Infinity ? next.earliestStart : least;
      const opening = this.#waiting.filter(({ earliestStart }) => earliestStart <= upTo);
      this.#waiting = this.#waiting.slice(opening.length);
      await this.#refill(opening);
      this.#active.push(...opening);
    }
  }

  async #refill(runs: readonly Run[]): Promise<void> {
    await Promise.all(runs.map((run) => run.refill(this.#windowRows)));
  }

  /** Visits rows until one run needs a refill, another must be opened or the limit is reached. No await: it is the hot loop. */
  #drain(start: number, limit: number, visit: RowVisitor): number {
    let taken = start;
    const heap = this.#active;
    for (let i = (heap.length >>> 1) - 1; i >= 0; i--) siftDown(heap, i);
    const opens = this.#waiting[0]?.earliestStart ?? Infinity;
    while (taken < limit) {
      const run = heap[0]!;
      if (rowStart(run.rows, run.offset) >= opens) break;
      if (run.accepts[rowProvenance(run.rows, run.offset)] === true && run.isShown()) {
        const { taken: rule } = run.source;
        // In the run's own window: the row is visited now, and never again.
        if (rule.kind === 'revised') reviseRow(run.rows, run.offset, rule.to);
        visit(run.rows, run.offset, run.source, run.at);
        taken += 1;
      }
      run.offset += ROW_BYTES;
      run.at += 1;
      if (run.done || run.needsRows) break;
      siftDown(heap, 0);
    }
    return taken;
  }
}

/** Restores the order of a heap, the run with the least row on top: a day of 24 hours has some 48 runs open. */
function siftDown(heap: Run[], from: number): void {
  const run = heap[from]!;
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
    if (!isBefore(heap[child]!, run)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = run;
}

function isBefore(a: Run, b: Run): boolean {
  return compareRows(a.rows, a.offset, b.rows, b.offset) < 0;
}
