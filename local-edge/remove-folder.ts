/**
 * @module Removes a folder into which somebody may still be writing: at Ctrl-C nginx and workerd have been signalled and are not
 * gone yet. Synchronous, for the end of a process. One call of `rmSync` with retries left folders of interrupted load tests.
 */
import { existsSync, rmSync } from 'node:fs';

const PATIENCE_MS = 5_000;
const PAUSE_MS = 20;

/** Stops this thread. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}

/**
 * @param path a folder, or nothing
 * @throws Error when it is still there after five seconds
 */
export function removeFolder(path: string): void {
  const until = Date.now() + PATIENCE_MS;
  while (existsSync(path)) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch (error) {
      // A file came while its folder was being emptied.
      if (Date.now() > until) throw error;
    }
    // Gone, and still so a moment later: a program under way may have made it again.
    pause();
  }
}
