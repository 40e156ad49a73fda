/**
 * @module Regions whose last step failed: how often in a row, and for how many wakes they rest. In memory alone: after a restart all are tried anew.
 */

/** The longest rest, in wakes. */
const LONGEST_REST = 15;

export class FailingRegions {
  readonly #failures = new Map<string, { readonly times: number; readonly rest: number }>();

  /** A region that goes on failing rests for 1, 3, 7, at most 15 wakes: a file that is built in vain costs seconds. */
  note(region: string, failed: boolean): void {
    const times = failed ? (this.#failures.get(region)?.times ?? 0) + 1 : 0;
    if (failed) this.#failures.set(region, { times, rest: Math.min(2 ** times - 1, LONGEST_REST) });
    else this.#failures.delete(region);
  }

  /** Nobody rests any longer: somebody wants it tried now. */
  wakeAll(): void {
    for (const [region, { times }] of this.#failures) this.#failures.set(region, { times, rest: 0 });
  }

  /** A wake has come. */
  countWake(): void {
    for (const [region, { times, rest }] of this.#failures) this.#failures.set(region, { times, rest: rest - 1 });
  }

  has(region: string): boolean {
    return this.#failures.has(region);
  }

  all(): ReadonlySet<string> {
    return new Set(this.#failures.keys());
  }

  resting(): ReadonlySet<string> {
    return new Set([...this.#failures].filter(([, { rest }]) => rest > 0).map(([region]) => region));
  }
}
