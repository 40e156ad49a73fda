/**
 * @module Calls that arrive while a commit is on its way to disk share the next one. A commit costs about as much for
 * one call as for fifty (pages written, one fsync; on the platform, one round of replication), so the cost a call falls
 * as the load rises, and a lone call waits for nobody.
 *
 * What a crash leaves: the calls of one commit become durable together or not at all, and the output gate holds each of
 * their replies until they are. A call that throws takes nothing of the others with it: the group is rolled back, and
 * each call is run again alone.
 */

interface Call {
  /** Does the work; what it returns tells the caller. */
  readonly run: () => () => void;
  readonly fail: (error: unknown) => void;
}

/** The commits of one Durable Object. */
export class GroupCommit {
  readonly #storage: DurableObjectStorage;
  #waiting: Call[] = [];
  #underWay = false;

  /** @param storage of the object */
  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /**
   * Runs work that reads and writes, in a transaction that it may share with the work of other calls.
   *
   * @param work synchronous; all or nothing; it may run twice, after a rollback, and then its first run has not happened
   * @returns what the work returned
   * @throws what the work threw
   */
  run<T>(work: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const run = () => {
      const result = work();
      return () => resolve(result);
    };
    this.#waiting.push({ run, fail: reject });
    if (!this.#underWay) void this.#commit();
    return promise;
  }

  async #commit(): Promise<void> {
    this.#underWay = true;
    try {
      while (this.#waiting.length > 0) {
        const calls = this.#waiting.splice(0);
        await this.#together(calls);
        await this.#storage.sync();
      }
    } catch (error) {
      // The storage is broken, and the platform resets the object: nobody is left waiting for it.
      for (const { fail } of this.#waiting.splice(0)) fail(error);
    } finally {
      this.#underWay = false;
    }
  }

  async #together(calls: readonly Call[]): Promise<void> {
    try {
      // `transaction`, not `transactionSync`: that one is a savepoint within a transaction, and SQLite then copies every
      // page it touches to a temporary file first, a tenth of an upload's CPU.
      const tellings = await this.#storage.transaction(async () => calls.map(({ run }) => run()));
      for (const tell of tellings) tell();
    } catch (error) {
      if (calls.length === 1) calls[0]?.fail(error);
      else for (const call of calls) await this.#together([call]);
    }
  }
}
