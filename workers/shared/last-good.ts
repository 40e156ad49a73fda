/**
 * @module The last good answer of a neighbour, for so long, in an isolate's memory: asked anew when it is old, kept when the neighbour doesn't answer.
 * Requests don't wait for one another's question, since workerd ties an answer to the request that asked: two at once ask
 * twice, and the higher version stays, whichever comes last.
 */

/** So long an answer is taken without asking again. */
export const KEPT_SECONDS = 60;

/** So long nobody else may ask out of turn: strangers can make a Worker want to. */
export const AGAIN_MS = 2_000;

/** An answer whose version only grows. */
interface Versioned {
  readonly version: number;
}

export class LastGood<T extends Versioned> {
  readonly #isOlder: (one: T, other: T) => boolean;
  #held: { readonly value: T; readonly askedAt: number } | null = null;
  #againAtMs = Number.NEGATIVE_INFINITY;

  /** @param isOlder whether one answer was given before another; left out: by their version */
  constructor(isOlder: (one: T, other: T) => boolean = (one, other) => one.version < other.version) {
    this.#isOlder = isOlder;
  }

  /**
   * @param ask the neighbour
   * @param now Unix seconds; a clock that goes back makes every answer old
   * @returns an answer at most {@link KEPT_SECONDS} old, or the last good one when the neighbour throws
   * @throws what the neighbour throws, when there is no good answer yet
   */
  async get(ask: () => Promise<T>, now: number): Promise<T> {
    const held = this.#held;
    if (held !== null && now >= held.askedAt && now < held.askedAt + KEPT_SECONDS) return held.value;
    return this.renewed(ask, now);
  }

  /** As {@link get}, but always asks. */
  async renewed(ask: () => Promise<T>, now: number): Promise<T> {
    let answer: T;
    try {
      // A copy: an RPC's result comes with a disposer, and would hold the call open as long as it is kept.
      answer = { ...(await ask()) };
    } catch (error) {
      if (this.#held === null) throw error;
      answer = this.#held.value;
    }
    const held = this.#held;
    const value = held !== null && this.#isOlder(answer, held.value) ? held.value : answer;
    this.#held = { value, askedAt: now };
    return value;
  }

  /**
   * As {@link renewed}, out of turn: for what the held answer says no to, and a newer one may not.
   *
   * @param nowMs real time, milliseconds: within {@link AGAIN_MS} of the last such question the held answer is given instead
   */
  async again(ask: () => Promise<T>, now: number, nowMs: number): Promise<T> {
    if (this.#held !== null && nowMs < this.#againAtMs + AGAIN_MS) return this.#held.value;
    this.#againAtMs = nowMs;
    return this.renewed(ask, now);
  }
}
