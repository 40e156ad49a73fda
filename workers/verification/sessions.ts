/**
 * @module Sessions as the routes see them: tokens in, keyed hashes out to sixteen objects (docs/architecture.md §7). Each method is
 * repeatable: what it gives out is derived, so a lost reply is asked for again.
 */
import { type KeyType, registrationToken, sessionSeed, sessionTan, tokenHash } from '../../domain/derived-codes.ts';
import type { TestResultReply } from '../../domain/rpc.ts';
import { laboratorySession, type Session } from '../../domain/session.ts';
import { isPositive } from '../../domain/test-result.ts';
import type { IssuedRow, TestSession } from '../../durable-objects/test-session/test-session.ts';
import type { VerificationConfig, VerificationEnv } from './bindings.ts';
import type { Ledger } from './ledger.ts';
import type { RegistrationQuestion } from './question.ts';

/** What a poll is told; null where CWA refuses. */
export type PollReply =
  | {
      readonly kind: 'result';
      readonly result: number;
      readonly sampleCollected: number;
      readonly labId: string | null;
    }
  | { readonly kind: 'birth-date-differs' }
  | null;

/** A code to issue: the words a person types or scans, and the session it opens. */
export interface CodeToIssue {
  readonly keyType: KeyType;
  readonly key: string;
  readonly session: Session;
}

/** Hex digits, one shard each. */
export const SHARD_DIGITS = Array.from('0123456789abcdef');
/** A number that moved while the ledger was asked is asked about again; two devices of one person do that, rarely. */
const TAKE_TAN_ATTEMPTS = 4;

export class Sessions {
  readonly #env: VerificationEnv;
  readonly #config: VerificationConfig;
  readonly #ledger: Ledger;

  constructor(env: VerificationEnv, config: VerificationConfig, ledger: Ledger) {
    this.#env = env;
    this.#config = config;
    this.#ledger = ledger;
  }

  /** `/registrationToken`. @returns the token, or null when none is (any longer) given for this key */
  async register(question: RegistrationQuestion, now: number): Promise<string | null> {
    const { derivationKey } = this.#config;
    const seed = sessionSeed(question.keyType, question.key, derivationKey);
    const token = registrationToken(seed, derivationKey);
    const hash = this.#hash(token);
    const fresh = question.keyType === 'GUID' ? laboratorySession(question.key, question.birthDateKey, now) : null;
    return (await this.#shard(hash).register(hash, seed, fresh)) ? token : null;
  }

  /** `/testresult`. A first answered poll ends the repetition of the token. */
  async poll(token: string): Promise<PollReply> {
    const hash = this.#hash(token);
    const stored = await this.#shard(hash).read(hash);
    if (stored === null) return null;
    const reply = await this.#resultOf(stored.session);
    if (reply === 'birth-date-differs') return { kind: 'birth-date-differs' };
    await this.#shard(hash).polled(hash, reply.keptUntil);
    return {
      kind: 'result',
      result: reply.result,
      sampleCollected: reply.sampleCollected ?? stored.session.registeredAt ?? 0,
      labId: reply.labId,
    };
  }

  /** `/tan`. @returns the session's current TAN, issued in the ledger, or null without a positive result or a TAN left */
  async tan(token: string): Promise<string | null> {
    const hash = this.#hash(token);
    const { derivationKey, tanMacKey } = this.#config;
    for (let attempt = 0; attempt < TAKE_TAN_ATTEMPTS; attempt++) {
      const stored = await this.#shard(hash).read(hash);
      if (stored === null) return null;
      const reply = await this.#resultOf(stored.session);
      if (reply === 'birth-date-differs' || !isPositive(reply.result)) return null;
      const current = sessionTan(stored.seed, stored.session.tanNumber, derivationKey, tanMacKey);
      const status = await this.#ledger.status(current);
      const n = await this.#shard(hash).takeTan(hash, stored.session.tanNumber, status);
      if (n === 'moved') continue;
      if (n === null) return null;
      const tan = sessionTan(stored.seed, n, derivationKey, tanMacKey);
      // A crash before this line leaves a number without a TAN: the next call finds it gone and issues it anew.
      await this.#ledger.record([tan], stored.session.codeBatchId);
      return tan;
    }
    return null;
  }

  /** A person deletes test and token; idempotent. The result goes first, so that a crash leaves it to be asked again. */
  async forget(token: string): Promise<void> {
    const hash = this.#hash(token);
    const stored = await this.#shard(hash).read(hash);
    if (stored === null) return;
    for (const id of [stored.session.hashedGuid, stored.session.hashedGuidWithBirthDate]) {
      if (id !== null) await this.#env.RESULTS.forget(id);
    }
    await this.#shard(hash).forget(hash);
  }

  /** Issues teleTANs or cards; durable when it resolves. */
  async issue(codes: readonly CodeToIssue[]): Promise<void> {
    const rows = codes.map((code): IssuedRow => {
      const seed = sessionSeed(code.keyType, code.key, this.#config.derivationKey);
      return {
        tokenHash: this.#hash(registrationToken(seed, this.#config.derivationKey)),
        seed,
        session: code.session,
      };
    });
    const shards = Map.groupBy(rows, (row) => row.tokenHash.charAt(0));
    await Promise.all([...shards].map(([digit, group]) => this.#named(digit).issue(group)));
  }

  /** @returns how many cards of a batch were opened, over all shards */
  async batchUse(codeBatchId: string): Promise<number> {
    const counts = await Promise.all(SHARD_DIGITS.map((digit) => this.#named(digit).batchUse(codeBatchId)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Ends the cards of a batch: those not opened, and those opened at or after `from` (Unix seconds). */
  async withdrawBatch(codeBatchId: string, from: number): Promise<void> {
    await Promise.all(SHARD_DIGITS.map((digit) => this.#named(digit).withdrawBatch(codeBatchId, from)));
  }

  /** A teleTAN or card is positive by the word of who issued it; a test by its laboratory's. */
  async #resultOf(session: Session): Promise<TestResultReply | 'birth-date-differs'> {
    if (session.hashedGuid === null) {
      return { result: 2, sampleCollected: session.registeredAt, labId: null, keptUntil: null };
    }
    const reply = await this.#env.RESULTS.resultOf(session.hashedGuid);
    if (session.hashedGuidWithBirthDate === null) return reply;
    const withBirthDate = await this.#env.RESULTS.resultOf(session.hashedGuidWithBirthDate);
    return withBirthDate.result === reply.result ? reply : 'birth-date-differs';
  }

  #hash(token: string): string {
    return tokenHash(token, this.#config.tanHashKey);
  }

  #shard(hash: string): DurableObjectStub<TestSession> {
    return this.#named(hash.charAt(0));
  }

  #named(digit: string): DurableObjectStub<TestSession> {
    return this.#env.TEST_SESSION.getByName(`s${digit}`);
  }
}
