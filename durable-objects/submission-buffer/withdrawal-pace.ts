/**
 * @module How many withdrawals the buffer looks into. Anybody may send one, without a TAN, and each costs a look-up in every hour that waits, in the object that
 * uploads need too. What comes beyond is told to try later, as all are then, so a flood holds withdrawals up and no upload. In memory alone: who restarts
 * begins anew.
 */

/** A second in the long run: 1.7 million a day, where each person who shared keys would withdraw them once. */
const A_SECOND = 20;
/** At once: what collects while nobody asks. */
const AT_ONCE = 100;

/** Lets so many through. */
export class WithdrawalPace {
  #left = AT_ONCE;
  #at = -Infinity;

  /** @param nowMs real milliseconds @returns whether one more is looked into */
  allows(nowMs: number): boolean {
    const elapsed = Math.max(0, nowMs - this.#at) / 1000;
    this.#left = Math.min(AT_ONCE, this.#left + elapsed * A_SECOND);
    this.#at = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
