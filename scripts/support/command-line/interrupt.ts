/**
 * @module Ctrl-C leaves nothing behind: what a command has started says how it ends, and the end of the process, however it
 * comes, ends all of it, the latest first. nginx, k6 and a detached victim outlive a parent that just dies. Synchronous,
 * since Miniflare ends the process itself as soon as it has ended workerd.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeFolder } from '../../../local-edge/remove-folder.ts';

type End = () => void;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** What a shell reports of a program that Ctrl-C has ended; SIGTERM counts the same. */
const INTERRUPTED = 130;

const running = new Set<End>();
let listening = false;

function endAll(): void {
  for (const end of [...running].toReversed()) {
    try {
      end();
    } catch (error) {
      // What fails to end must not keep the others from it.
      process.stderr.write(`${String(error)}\n`);
    }
  }
  running.clear();
}

const exit = (): never => process.exit(INTERRUPTED);

/** From now on SIGINT and SIGTERM end the process with 130, and every end of the process runs the clean-ups. */
export function listenForInterrupt(): void {
  if (listening) return;
  listening = true;
  process.once('exit', endAll);
  for (const signal of SIGNALS) process.once(signal, exit);
}

/**
 * Has something ended if the process ends before it.
 *
 * @param end stops it without waiting: sends a signal, removes a folder
 * @returns takes it off the list, when it has ended by itself
 */
export function endAtInterrupt(end: End): () => void {
  listenForInterrupt();
  running.add(end);
  return () => void running.delete(end);
}

/**
 * Makes a folder that doesn't outlive the command.
 *
 * @param name its name begins with `exposure-edge-` and this
 * @returns where it is, and what removes it
 */
export function temporaryFolder(name: string): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), `exposure-edge-${name}-`));
  const removeNow = (): void => removeFolder(path);
  const forget = endAtInterrupt(removeNow);
  return {
    path,
    remove() {
      forget();
      removeNow();
    },
  };
}

/**
 * For a command that runs until Ctrl-C, which is no interruption there but its end. To be called once everything runs:
 * Miniflare has listeners of its own by then, which would end the process before objects and workerd are closed.
 *
 * @returns resolves at the first SIGINT or SIGTERM; a second one ends the process at once
 */
export function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of SIGNALS) {
      process.removeAllListeners(signal);
      process.once(signal, () => {
        process.once(signal, exit);
        resolve();
      });
    }
  });
}
