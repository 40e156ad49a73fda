/**
 * @module Memory that files are made in, from file to file and from step to step: at a midnight 14 days are built anew
 * in each region, and what each of them would leave to the garbage collector is more than the isolate may hold.
 */
import { newScratch, type Scratch } from '../../protocol/export/scratch.ts';
import { ROW_BYTES } from './packed-keys.ts';
import type { TakenRows } from './taken.ts';

/** Rows read at once from a part at most: 560 KB, a whole part as record-writer.ts cuts them. */
const MAX_WINDOW_ROWS = 20_000;
/** All windows of a merge together: of each record, the runs of about two leaving days are open at once. */
const WINDOWS_BYTES = 12 * 2 ** 20;
const OPEN_RUNS_A_RECORD = 2;

/** @param records that a merge reads, ≥ 1 @returns rows of one window: a day of 24 hours has 24 times as many as an hour */
export function windowRows(records: number): number {
  return Math.min(MAX_WINDOW_ROWS, Math.floor(WINDOWS_BYTES / (records * OPEN_RUNS_A_RECORD * ROW_BYTES)));
}

/** Windows that records are read into: as many as runs are open at once, not as many as there are parts. */
class Windows {
  #spare: Uint8Array[] = [];

  /** @returns that many rows with any content */
  take(rows: number): Uint8Array {
    const bytes = rows * ROW_BYTES;
    // A merge over another number of records: the windows of the last are of no use.
    if (this.#spare[0]?.length !== bytes) this.#spare = [];
    return this.#spare.pop() ?? new Uint8Array(bytes);
  }

  /** @param rows any part of a window, which is dead for the caller from now on */
  giveBack(rows: Uint8Array): void {
    this.#spare.push(new Uint8Array(rows.buffer));
  }
}

/** One file at a time is built in it. */
export interface Workspace {
  /** export.bin */
  readonly file: Scratch;
  /** Its deflate stream, then its ZIP. */
  readonly packed: Scratch;
  readonly windows: Windows;
  /** Objects of rows that were taken back, by name: each is read by every record that it is about, and never changes. */
  readonly taken: Map<string, readonly TakenRows[]>;
}

/** @returns an empty one; it grows to the largest file */
export function newWorkspace(): Workspace {
  return { file: newScratch(), packed: newScratch(), windows: new Windows(), taken: new Map() };
}
