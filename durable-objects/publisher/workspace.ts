/**
 * @module Memory that the Publisher works in from file to file and from step to step: at a midnight 14 days are built anew
 * in each region, and what each of them would leave to the garbage collector is more than the isolate may hold.
 */
import { newScratch, type Scratch } from '../../protocol/scratch.ts';
import { ROW_BYTES } from '../packed-keys.ts';

/** Rows read at once from a part: 560 KB, a whole part as record-writer.ts cuts them. */
export const WINDOW_ROWS = 20_000;

/** Windows that records are read into: as many as runs are open at once, not as many as there are parts. */
export class Windows {
  readonly #spare: Uint8Array[] = [];

  /** @returns `WINDOW_ROWS` rows with any content */
  take(): Uint8Array {
    return this.#spare.pop() ?? new Uint8Array(WINDOW_ROWS * ROW_BYTES);
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
}

/** @returns an empty one; it grows to the largest file */
export function newWorkspace(): Workspace {
  return { file: newScratch(), packed: newScratch(), windows: new Windows() };
}
