/**
 * @module Which of TestSession's sixteen shards holds what: by the first hex digit of a keyed hash, so they fill evenly.
 */
import type { TestSession } from '../../durable-objects/test-session/test-session.ts';

/** Hex digits, one shard each. */
const DIGITS = Array.from('0123456789abcdef');

export class Shards {
  readonly #namespace: DurableObjectNamespace<TestSession>;

  constructor(namespace: DurableObjectNamespace<TestSession>) {
    this.#namespace = namespace;
  }

  /** @param hash keyed hash in hex, or its first digit @returns a stub, which belongs to the request that made it */
  of(hash: string): DurableObjectStub<TestSession> {
    return this.#namespace.getByName(`s${hash.charAt(0)}`);
  }

  /** @returns all of them */
  all(): DurableObjectStub<TestSession>[] {
    return DIGITS.map((digit) => this.of(digit));
  }
}
