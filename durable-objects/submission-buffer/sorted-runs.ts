/**
 * @module Sorting in slices: what each slice brought is sorted by itself, and the runs are merged as they are read, so no
 * piece of the work is longer than a slice. Records are fixed rows of bytes, compared by their first bytes.
 */

import { release } from './memory.ts';

/** How records lie in memory. */
export interface RecordShape {
  /** Bytes of a record. */
  readonly bytes: number;
  /** Bytes from its start that it is ordered by. */
  readonly sortBytes: number;
}

/** @returns negative, 0 or positive */
export function compareRecords(
  shape: RecordShape,
  a: Uint8Array,
  aOffset: number,
  b: Uint8Array,
  bOffset: number,
): number {
  for (let i = 0; i < shape.sortBytes; i++) {
    const difference = a[aOffset + i]! - b[bOffset + i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @param records in any order; their memory is dead afterwards @returns the same, sorted, in memory of their own */
export function sortRecords(shape: RecordShape, records: Uint8Array): Uint8Array {
  const count = records.length / shape.bytes;
  const order = new Uint32Array(count);
  // Numbers are compared first: of two records some 48 bits nearly always differ, and a loop over bytes is slow.
  const lead = new Float64Array(count);
  for (let n = 0; n < count; n++) {
    order[n] = n;
    let value = 0;
    for (let i = 0; i < 6; i++) value = value * 256 + records[n * shape.bytes + i]!;
    lead[n] = value;
  }
  order.sort(
    (a, b) => lead[a]! - lead[b]! || compareRecords(shape, records, a * shape.bytes, records, b * shape.bytes),
  );
  const sorted = new Uint8Array(records.length);
  for (let n = 0; n < count; n++) {
    const from = order[n]! * shape.bytes;
    sorted.set(records.subarray(from, from + shape.bytes), n * shape.bytes);
  }
  release(records);
  return sorted;
}

interface Run {
  readonly records: Uint8Array;
  offset: number;
}

/** Sorted runs, read as one, once. */
export class MergedRuns {
  readonly #shape: RecordShape;
  readonly #runs: Run[] = [];
  #heap: Run[] = [];

  constructor(shape: RecordShape) {
    this.#shape = shape;
  }

  /** Adds a run before {@link seek}. @param records in memory of its own, as `sortRecords` gives them */
  add(records: Uint8Array): void {
    if (records.length > 0) this.#runs.push({ records, offset: 0 });
  }

  /** Once, when all runs are there. @param after the last record had: its sort bytes suffice; null for the beginning */
  seek(after: Uint8Array | null): void {
    for (const run of this.#runs) run.offset = after === null ? 0 : this.#firstAfter(run.records, after);
    this.#heap = this.#runs.splice(0).filter((run) => run.offset < run.records.length);
    for (let i = (this.#heap.length >>> 1) - 1; i >= 0; i--) this.#siftDown(i);
  }

  /** True when no record follows. */
  get done(): boolean {
    return this.#heap.length === 0;
  }

  /** @param visit called for each record in order @returns how many there were, fewer than `limit` only at the end */
  take(limit: number, visit: (records: Uint8Array, offset: number, n: number) => void): number {
    let n = 0;
    for (; n < limit && this.#heap.length > 0; n++) {
      const run = this.#heap[0]!;
      visit(run.records, run.offset, n);
      run.offset += this.#shape.bytes;
      if (run.offset === run.records.length) {
        release(run.records);
        const last = this.#heap.pop()!;
        if (this.#heap.length === 0 || last === run) continue;
        this.#heap[0] = last;
      }
      this.#siftDown(0);
    }
    return n;
  }

  #firstAfter(records: Uint8Array, after: Uint8Array): number {
    let low = 0;
    let high = records.length / this.#shape.bytes;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareRecords(this.#shape, records, middle * this.#shape.bytes, after, 0) > 0) high = middle;
      else low = middle + 1;
    }
    return low * this.#shape.bytes;
  }

  #siftDown(from: number): void {
    const heap = this.#heap;
    const run = heap[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!this.#isBefore(heap[child]!, run)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = run;
  }

  #isBefore(a: Run, b: Run): boolean {
    return compareRecords(this.#shape, a.records, a.offset, b.records, b.offset) < 0;
  }
}
