/**
 * @module An object's alarm as retention needs it: never lost. The platform retries an alarm that fails six times and then drops it, and
 * a recovery of the object's storage brings back one whose time has passed (docs/spec/platform.md §1.2); an object that armed only where
 * `getAlarm()` is null would then keep what it holds for good. So whoever writes looks whether the alarm is there and still to come, and
 * the cron of each Worker does so for objects that nobody writes to.
 *
 * Durable writes: the alarm itself. A crash before it is written leaves none, or the one that had passed: the next write or cron
 * finds it so.
 */

/** When one that was due is seen, it may be about to run: it is set anew this soon, and then left so long to run. */
const OVERDUE_IN_MS = 1_000;
const OVERDUE_AGAIN_MS = 60_000;

export class KeptAlarm {
  readonly #storage: DurableObjectStorage;
  #mendedAt = Number.NEGATIVE_INFINITY;

  /** @param storage of the object; alarms run on its real time, whatever the object's own clock says */
  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** @param ms from now, real time; less than a second is a second, since an alarm in the past fires at once and would loop */
  async set(ms: number): Promise<void> {
    await this.#storage.setAlarm(Date.now() + Math.max(1000, ms));
  }

  /** Nothing is left to forget. */
  async clear(): Promise<void> {
    await this.#storage.deleteAlarm();
  }

  /**
   * Sees to it that an alarm is to come.
   *
   * @param ms from now, real time, where there is none. One whose time has passed without its having run is due in a second
   */
  async keep(ms: number): Promise<void> {
    const at = await this.#storage.getAlarm();
    if (at === null) {
      await this.set(ms);
      return;
    }
    const now = Date.now();
    // Under load each request may come between the alarm's time and its run: were each to put it off, it would never run.
    if (at > now || now - this.#mendedAt < OVERDUE_AGAIN_MS) return;
    this.#mendedAt = now;
    await this.set(OVERDUE_IN_MS);
  }
}
