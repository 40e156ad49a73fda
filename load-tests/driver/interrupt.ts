/**
 * @module Ctrl-C leaves nothing behind: what a run has started says how it ends, and the end of the process, however it comes, ends
 * all of it, the latest first. nginx and k6 outlive a parent that just dies. Synchronous, since miniflare ends the process itself
 * at SIGINT as soon as it has ended workerd.
 */

type End = () => void;

const running = new Set<End>();
let listening = false;

function endAll(): void {
  for (const end of [...running].toReversed()) end();
  running.clear();
}

/**
 * Has something ended if the process ends before it.
 *
 * @param end stops it without waiting: sends a signal, removes a folder
 * @returns takes it off the list, when it has ended by itself
 */
export function endAtInterrupt(end: End): () => void {
  if (!listening) {
    listening = true;
    process.once('exit', endAll);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  }
  running.add(end);
  return () => void running.delete(end);
}
