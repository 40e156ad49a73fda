/**
 * @module Sessions as the routes see them: tokens in, keyed hashes out to sixteen objects (docs/architecture.md §7). Each method is
 * repeatable: what it gives out is derived, so a lost reply is asked for again.
 */
import { type KeyType, sessionTan, tokenHash } from '../../domain/derived-codes.ts';
import type { Session, TanStatus } from '../../domain/session.ts';
import { isPositive } from '../../domain/test-result.ts';
import type { IssuedRow } from '../../durable-objects/test-session/replies.ts';
import type { EndingCards, StoredSession } from '../../durable-objects/test-session/session-ops.ts';
import { askLaboratory } from './answered.ts';
import type { VerificationConfig, VerificationEnv } from './bindings.ts';
import type { Issues } from './issues.ts';
import type { Ledger, Spellings } from './ledger.ts';
import type { RegistrationQuestion } from './question.ts';
import { claimIds, Registration, type RegistrationReply } from './registration.ts';
import { KeyPairs, namedFor, type SessionKeys, seedOf } from './session-keys.ts';
import { Shards } from './shards.ts';

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

/** A session whose result is positive. */
export interface PositiveSession {
  /** Its name: a keyed hash of its token. */
  readonly hash: string;
  readonly session: Session;
  readonly seed: Uint8Array;
  /** The pair of keys that named it. */
  readonly keys: SessionKeys;
  /** Of who vouched, or null: a teleTAN of before there were any. */
  readonly issueId: string | null;
  /** Unix seconds, as the laboratory says; null for a code. */
  readonly sampleCollected: number | null;
}

/** A number that moved while the ledger was asked is asked about again; two devices of one person do that, rarely. */
const TAKE_TAN_ATTEMPTS = 4;

export class Sessions {
  readonly #env: VerificationEnv;
  readonly #config: VerificationConfig;
  readonly #ledger: Ledger;
  readonly #issues: Issues;
  readonly #shards: Shards;
  readonly #registration: Registration;
  /** Of keys that sessions are named by. */
  readonly pairs: KeyPairs;

  constructor(env: VerificationEnv, config: VerificationConfig, ledger: Ledger, issues: Issues) {
    this.#env = env;
    this.#config = config;
    this.#ledger = ledger;
    this.#issues = issues;
    this.#shards = new Shards(env.TEST_SESSION);
    this.pairs = new KeyPairs(config, this.#shards);
    this.#registration = new Registration(env, this.pairs);
  }

  /** `/registrationToken`. */
  async register(question: RegistrationQuestion, now: number): Promise<RegistrationReply> {
    return this.#registration.register(question, now);
  }

  /** `/testresult`. A first poll ends the repetition of the token. */
  async poll(token: string): Promise<PollReply> {
    const found = await this.#find(token, 'open');
    if (found === null) return null;
    const { hash, stored, keys } = found;
    const { session } = stored;
    const { reply, verdict } = await askLaboratory(this.#env.RESULTS, session);
    if (verdict === 'differs') return { kind: 'birth-date-differs' };
    await this.#keep(hash, session, keys, reply.keptUntil);
    return {
      kind: 'result',
      result: reply.result,
      sampleCollected: reply.sampleCollected ?? session.registeredAt ?? 0,
      labId: reply.labId,
    };
  }

  /** @returns what vouches for a session with a positive result, which lives as long as that from here on, or null */
  async positive(token: string): Promise<PositiveSession | null> {
    const found = await this.#find(token, 'open');
    if (found === null) return null;
    const { hash, stored, keys } = found;
    const { session } = stored;
    const seed = seedOf(stored, keys.derivationKey);
    const { reply, verdict } = await askLaboratory(this.#env.RESULTS, session);
    if (verdict !== 'right' || !isPositive(reply.result)) return null;
    const vouched = await this.#issues.of(session, reply);
    if (vouched.kind === 'over') return null;
    await this.#keep(hash, session, keys, reply.keptUntil);
    const sampleCollected = session.authorisation === 'laboratory' ? reply.sampleCollected : null;
    return { hash, session, seed, keys, issueId: vouched.issueId, sampleCollected };
  }

  /** @returns whether a session is still live and its source hasn't ended: asked once more after something was given */
  async stays({ hash, issueId }: PositiveSession): Promise<boolean> {
    return (await this.#shards.of(hash).read(hash)) !== null && !(await this.#issues.isOver(issueId));
  }

  /** `/tan`. @returns the session's current TAN, issued in the ledger, or null without a positive result or a TAN left */
  async tan(token: string): Promise<string | null> {
    const { tanLifetimeSeconds, followUpDays } = this.#config;
    const rules = { lifetimeSeconds: tanLifetimeSeconds, followUpDays };
    for (let attempt = 0; attempt < TAKE_TAN_ATTEMPTS; attempt++) {
      const positive = await this.positive(token);
      if (positive === null) return null;
      const { hash, session } = positive;
      const current = { n: session.tanNumber, expiresAt: session.tanExpiresAt };
      const status = await this.#statusOf(positive, current);
      const taken = await this.#shards.of(hash).takeTan(hash, current.n, status, rules);
      if (taken === 'moved') continue;
      if (taken === null) return null;
      const spelled = this.#spelled(positive, { n: taken.n, expiresAt: taken.expiresAt });
      // A crash before this line leaves a number without a TAN: the next call finds it being issued, and issues it.
      const tan = await this.#ledger.record(spelled, positive.issueId);
      if (await this.stays(positive)) return tan;
      // Withdrawn, deleted or rolled back meanwhile. A crash before this line leaves a TAN that nobody was given.
      await this.#ledger.withdraw(spelled);
      return null;
    }
    return null;
  }

  /** @returns the session of a token, as `open` or `read` answer, its name under whichever key, and the pair that named it; or null */
  async #find(
    token: string,
    how: 'open' | 'read',
  ): Promise<{ hash: string; stored: StoredSession; keys: SessionKeys } | null> {
    for (const key of this.#config.tanHashKeys.all) {
      const hash = tokenHash(token, key);
      const stored = await this.#shards.of(hash)[how](hash);
      if (stored === null) continue;
      const keys = this.pairs.of(hash, stored);
      return keys === null ? null : { hash, stored, keys };
    }
    return null;
  }

  /** The session's n-th TAN, as each MAC key spells it. */
  #spelled(
    { seed, keys }: Pick<PositiveSession, 'seed' | 'keys'>,
    which: { readonly n: number; readonly expiresAt: number },
  ): Spellings {
    const { current, others } = this.#config.tanMacKeys;
    const by = (macKey: Uint8Array): string => sessionTan(seed, which, keys.derivationKey, macKey);
    return [by(current), ...others.map(by)];
  }

  /** What the ledger knows of the session's current TAN; gone where none was taken yet. */
  async #statusOf(
    named: Pick<PositiveSession, 'seed' | 'keys'>,
    { n, expiresAt }: { n: number; expiresAt: number | null },
  ): Promise<TanStatus> {
    return expiresAt === null ? 'gone' : this.#ledger.status(this.#spelled(named, { n, expiresAt }));
  }

  /**
   * A person deletes test and token; idempotent. Only a session that is right about the date of birth deletes what the
   * laboratory posted, and it is noted before the first row goes, so that a crash leaves it to be asked again.
   */
  async forget(token: string): Promise<void> {
    const found = await this.#find(token, 'read');
    if (found === null) return;
    const { hash, stored, keys } = found;
    const { session } = stored;
    const isOwn = session.isForgetting || (await askLaboratory(this.#env.RESULTS, session)).verdict === 'right';
    if (isOwn && session.hashedGuid !== null) {
      await this.#shards.of(hash).beginForgetting(hash);
      for (const id of [session.hashedGuidWithBirthDate, session.hashedGuid]) {
        if (id !== null) await this.#env.RESULTS.forget(id);
      }
    }
    const ids = claimIds(session, keys);
    if (ids !== null) await this.#shards.of(ids.birthDate).unclaim(ids.birthDate, hash);
    await this.#shards.of(hash).forget(hash, isOwn ? 'deleted' : 'void');
  }

  /** Issues teleTANs or cards; durable when it resolves. @param keys that their sessions are named by */
  async issue(codes: readonly CodeToIssue[], keys = this.pairs.current): Promise<void> {
    const rows = codes.map(({ keyType, key, session }): IssuedRow => {
      const { seed, hash } = namedFor({ keyType, key, birthDateKey: null }, keys);
      return { tokenHash: hash, seed, session };
    });
    const shards = Map.groupBy(rows, (row) => row.tokenHash.charAt(0));
    await Promise.all([...shards].map(([digit, group]) => this.#shards.of(digit).issue(group)));
  }

  /** @returns the name under which the session of a code that is yet to be issued will be stored */
  nameOf(keyType: KeyType, key: string, keys = this.pairs.current): string {
    return namedFor({ keyType, key, birthDateKey: null }, keys).hash;
  }

  /**
   * Ends what an issued code opens, used or not, the credential and the TAN that it may have given unless that is committed; idempotent. The
   * TAN goes first, since an ended session no longer leads to it, and once more for one that was taken in between.
   *
   * @param hash the session's name, {@link nameOf}
   */
  async revoke(hash: string): Promise<void> {
    const granted = await this.#shards.of(hash).granted(hash);
    if (granted !== null) await this.#env.CREDENTIAL_DESK.getByName('desk').revoke([granted.statusIndex]);
    await this.#withdrawTanOf(hash, await this.#shards.of(hash).read(hash));
    await this.#withdrawTanOf(hash, await this.#shards.of(hash).revoke(hash));
  }

  async #withdrawTanOf(hash: string, stored: StoredSession | null): Promise<void> {
    const { tanNumber: n, tanExpiresAt: expiresAt } = stored?.session ?? { tanNumber: 0, tanExpiresAt: null };
    const keys = stored === null ? null : this.pairs.of(hash, stored);
    // Without its key nobody can spell the TAN, nor take another.
    if (stored === null || keys === null || expiresAt === null) return;
    await this.#ledger.withdraw(this.#spelled({ seed: seedOf(stored, keys.derivationKey), keys }, { n, expiresAt }));
  }

  /** @returns for each batch how many of its cards were opened, over all shards: one call a shard, however many batches */
  async batchUses(codeBatchIds: readonly string[]): Promise<number[]> {
    if (codeBatchIds.length === 0) return [];
    const shards = await Promise.all(this.#shards.all().map((shard) => shard.batchUses(codeBatchIds)));
    return codeBatchIds.map((_, i) => shards.reduce((sum, counts) => sum + (counts[i] ?? 0), 0));
  }

  /** Ends cards of a batch; idempotent. */
  async endCards(codeBatchId: string, cards: EndingCards): Promise<void> {
    await Promise.all(this.#shards.all().map((shard) => shard.endCards(codeBatchId, cards)));
  }

  /** A session lives as long as its result, and its claims no shorter: they are prolonged first. */
  async #keep(hash: string, session: Session, keys: SessionKeys, resultKeptUntil: number | null): Promise<void> {
    if (resultKeptUntil === null || resultKeptUntil <= session.expiresAt) return;
    const ids = claimIds(session, keys);
    for (const id of ids === null ? [] : [ids.birthDate, ids.test]) {
      await this.#shards.of(id).claim(id, hash, resultKeptUntil, { replaces: null, isPosted: true });
    }
    await this.#shards.of(hash).keep(hash, resultKeptUntil);
  }
}
