/**
 * @module Long work in short slices. A Durable Object does one thing at a time: what takes seconds in one piece holds every
 * upload for as long, and uploads alone, so that a late answer says "real" (docs/decisions/022). So each loop whose length
 * grows with keys, TANs, sessions or days does some thousands of rows, then lets others in.
 */

/** Enough for a request that waits to be begun. */
const PAUSE_MS = 1;

/**
 * Takes slices until there is nothing left, and lets other events in after each.
 *
 * @param slice takes a few milliseconds; its writes are one transaction, and it finds by itself where to go on
 * @param more false once nothing is left; asked after each slice
 * @returns what the last slice returned
 */
export async function inSlices<T>(slice: () => T, more: (outcome: T) => boolean): Promise<T> {
  for (;;) {
    const outcome = slice();
    if (!more(outcome)) return outcome;
    await pause();
  }
}

/** Lets other events in. */
export function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, PAUSE_MS);
  });
}
