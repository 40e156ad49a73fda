/**
 * @module Calls that arrive while a commit is on its way to disk share the next one. A commit costs about as much for
 * one call as for fifty (pages written, one fsync; on the platform, one round of replication), so the cost a call falls
 * as the load rises, and a lone call waits for nobody.
 *
 * What a crash leaves: the calls of one commit become durable together or not at all, and the output gate holds each of
 * their replies until they are. A call that throws takes nothing of the others with it: the group is rolled back, and
 * each call is run again alone.
 */

/** What a group does once for all its calls, within their transaction. */
export interface GroupEdges {
  /** Before the first call; also before a group is run again after a rollback, so what the first run left is forgotten here. */
  readonly begin: () => void;
  /** After the last; what it throws undoes the group as a call's error does. */
  readonly end: () => void;
}

interface Call {
  /** Does the work; what it returns tells the caller. */
  readonly run: () => () => void;
  readonly fail: (error: unknown) => void;
}

/** The commits of one Durable Object. */
export class GroupCommit {
  readonly #storage: DurableObjectStorage;
  readonly #edges: GroupEdges | null;
  #waiting: Call[] = [];
  #underWay = false;

  /** @param storage of the object @param edges what each group begins and ends with; null: nothing */
  constructor(storage: DurableObjectStorage, edges: GroupEdges | null = null) {
    this.#storage = storage;
    this.#edges = edges;
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
      const tellings = await this.#storage.transaction(async () => {
        this.#edges?.begin();
        const told = calls.map(({ run }) => run());
        this.#edges?.end();
        return told;
      });
      for (const tell of tellings) tell();
    } catch (error) {
      if (calls.length === 1) calls[0]?.fail(error);
      else for (const call of calls) await this.#together([call]);
    }
  }
}
