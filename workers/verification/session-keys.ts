/**
 * @module The two keys that a session is named by, while one of them is being changed (docs/rotation.md): DERIVATION_KEY makes seed, token and TANs, TAN_HASH_KEY the name under which it is kept. With one key each, which is
 * mostly so, there is one pair and nothing here asks anybody.
 *
 * A test, a card, a credential opens one session, whichever pair named it: whoever finds a trace under a pair goes on with that pair. Where there is none, the first row is made under a lock, since the Workers of two phases
 * make different ones at the same instant, in different shards. Durable writes: the lock is a claim of a random owner (durable-objects/test-session/claim-ops.ts), under a name that no session has; it goes when the row is
 * there. A crash leaves it for two minutes: until then the same question is told to come later, which phones do; its row goes with the next sweep.
 */
import { registrationToken, sessionSeed, tokenHash } from '../../domain/derived-codes.ts';
import type { StoredSession } from '../../durable-objects/test-session/session-ops.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { VerificationConfig } from './bindings.ts';
import type { RegistrationQuestion } from './question.ts';
import type { Shards } from './shards.ts';

/** A pair. */
export interface SessionKeys {
  readonly derivationKey: Uint8Array;
  readonly hashKey: Uint8Array;
}

/** A session's names under a pair. */
export interface Named {
  readonly seed: Uint8Array;
  /** What is given out. */
  readonly token: string;
  /** What the session is kept by: keyed hash of the token. */
  readonly hash: string;
}

/** How one finds what a question has led to under a pair. */
export interface Traces {
  /** Names in the shards, those that decide before those that only stand in the way. */
  readonly names: (keys: SessionKeys) => readonly string[];
  /** What nobody else may make the first row of meanwhile. */
  readonly locks: readonly string[];
}

/** Who asks the same at the same time waits for so many times so long. */
const LOCK_TRIES = 20;
const LOCK_WAIT_MS = 25;
const OWNER_BYTES = 16;

/** @returns the names of a session that a seed leads to */
export function namedBy(seed: Uint8Array, { derivationKey, hashKey }: SessionKeys): Named {
  const token = registrationToken(seed, derivationKey);
  return { seed, token, hash: tokenHash(token, hashKey) };
}

/** @returns the names of the session that a question opens */
export function namedFor({ keyType, key, birthDateKey }: RegistrationQuestion, keys: SessionKeys): Named {
  return namedBy(sessionSeed(keyType, key, birthDateKey, keys.derivationKey), keys);
}

/** @returns what a session's token and TANs are derived from. Of a test it isn't stored: it follows from the hashes that the laboratory is asked by */
export function seedOf({ seed, session }: StoredSession, derivationKey: Uint8Array): Uint8Array {
  if (seed !== null) return seed;
  const { hashedGuid, hashedGuidWithBirthDate } = session;
  if (hashedGuid === null) throw new Error('a session with neither seed nor test');
  return sessionSeed('GUID', hashedGuid, hashedGuidWithBirthDate, derivationKey);
}

export class KeyPairs {
  /** The pair that makes. */
  readonly current: SessionKeys;
  /** All pairs, that one first. */
  readonly all: readonly SessionKeys[];
  readonly #shards: Shards;
  readonly #hashKeys: readonly Uint8Array[];

  constructor({ derivationKeys, tanHashKeys }: VerificationConfig, shards: Shards) {
    this.current = { derivationKey: derivationKeys.current, hashKey: tanHashKeys.current };
    this.all = derivationKeys.all.flatMap((derivationKey) =>
      tanHashKeys.all.map((hashKey) => ({ derivationKey, hashKey })),
    );
    this.#shards = shards;
    this.#hashKeys = tanHashKeys.all;
  }

  /**
   * @param hash name of a session that lives
   * @returns the pair that named it, or null: its key is gone from the ring, so it may be known to whoever it leaked to, and counts no more
   */
  of(hash: string, stored: StoredSession): SessionKeys | null {
    return this.all.find((keys) => namedBy(seedOf(stored, keys.derivationKey), keys).hash === hash) ?? null;
  }

  /** @param names of what is looked for, under a pair @returns the pair under which there is any; a name that stands before another decides */
  async known(names: Traces['names']): Promise<SessionKeys | null> {
    const asked = this.all.map((keys) => ({ keys, ids: names(keys) }));
    const found = await Promise.all(
      asked.map(({ ids }) => Promise.all(ids.map((id) => this.#shards.of(id).isKnown(id)))),
    );
    for (let rank = 0; rank < (asked[0]?.ids.length ?? 0); rank++) {
      const at = found.findIndex((known) => known[rank] === true);
      if (at >= 0) return asked[at]?.keys ?? null;
    }
    return null;
  }

  /**
   * Does what may make the first row of a question, under one pair.
   *
   * @param traces see {@link Traces}
   * @param work with the pair under which there is a trace, else with the one that makes
   * @returns what `work` returns, or null: somebody else is at it
   */
  async once<T>(traces: Traces, work: (keys: SessionKeys) => Promise<T>): Promise<T | null> {
    if (this.all.length === 1) return work(this.current);
    const known = await this.known(traces.names);
    if (known !== null) return work(known);
    const owner = toHex(crypto.getRandomValues(new Uint8Array(OWNER_BYTES)));
    const locks = traces.locks.map((text) => this.#lockOf(text));
    const held: string[] = [];
    try {
      for (const lock of locks) {
        if (!(await this.#locked(lock, owner))) return null;
        held.push(lock);
      }
      return await work((await this.known(traces.names)) ?? this.current);
    } finally {
      await Promise.allSettled(held.map((lock) => this.#shards.of(lock).unclaim(lock, owner)));
    }
  }

  /** The same for the Workers of two phases, whose rings hold the same keys in another order. */
  #lockOf(text: string): string {
    return this.#hashKeys.map((key) => tokenHash(`lock\0${text}`, key)).toSorted()[0] ?? '';
  }

  async #locked(lock: string, owner: string): Promise<boolean> {
    for (let tried = 0; tried < LOCK_TRIES; tried++) {
      if (tried > 0) await scheduler.wait(LOCK_WAIT_MS);
      if (await this.#shards.of(lock).lock(lock, owner)) return true;
    }
    return false;
  }
}
