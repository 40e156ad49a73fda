/**
 * @module `/registrationToken`: one session a test, with or without a date of birth (docs/spec/cwa.md §3.1; decision 024).
 *
 * Without one, the session's place is the claim to the test: one row, one shard. With one, the token depends on it too, and
 * the order of writes is: the claim to the date of birth, the claim to the test, the session. A crash in between leaves
 * claims of a session that isn't there; the same question finds them its own and goes on, another one is refused until the
 * laboratory has answered and says that it is the right one. A session that is found wrong gives way to the right one alone,
 * and is void before its claims go over: no two of a test are ever live.
 */
import { birthDateHash, registrationToken, sessionSeed, tokenHash } from '../../domain/derived-codes.ts';
import { laboratorySession, type Session } from '../../domain/session.ts';
import { birthDateName } from '../../domain/test-result.ts';
import type { ClaimReply, RegisterReply } from '../../durable-objects/test-session/replies.ts';
import { logLine } from '../shared/log.ts';
import { askLaboratory } from './answered.ts';
import type { VerificationConfig, VerificationEnv } from './bindings.ts';
import type { RegistrationQuestion } from './question.ts';
import { Shards } from './shards.ts';

/** refused: none is given for this question, or no longer. later: the pace of tests without a result is used up; ask again. */
export type RegistrationReply =
  | { readonly kind: 'granted'; readonly token: string }
  | { readonly kind: 'refused' | 'later' };

type FormerQuestion = RegistrationQuestion & { readonly birthDateKey: string };

const REFUSED: RegistrationReply = { kind: 'refused' };
/** For rows that exist, or that are never made. */
const ISSUED = { replaces: null, isPosted: true } as const;

/** A session's names: the token that is given out, and what it is kept by. */
interface Named {
  readonly seed: Uint8Array;
  readonly token: string;
  /** Keyed hash of the token. */
  readonly hash: string;
}

/** Keyed hashes under which a test and its date of birth are claimed. */
export interface ClaimIds {
  readonly test: string;
  readonly birthDate: string;
}

export class Registration {
  readonly #env: VerificationEnv;
  readonly #config: VerificationConfig;
  readonly #shards: Shards;

  constructor(env: VerificationEnv, config: VerificationConfig) {
    this.#env = env;
    this.#config = config;
    this.#shards = new Shards(env.TEST_SESSION);
  }

  /** @param now Unix seconds */
  async register(question: RegistrationQuestion, now: number): Promise<RegistrationReply> {
    const { keyType, key, birthDateKey } = question;
    if (keyType === 'GUID') {
      const fresh = laboratorySession(key, birthDateKey === null ? null : birthDateName(birthDateKey), now);
      return birthDateKey === null ? this.#byTest(fresh) : this.#byBirthDate(fresh, birthDateKey);
    }
    const own = this.#named(question);
    return replyTo(own, await this.#shards.of(own.hash).register(own.hash, null, ISSUED));
  }

  /** Names of a session that is yet to be issued. */
  named(keyType: RegistrationQuestion['keyType'], key: string): Named {
    return this.#named({ keyType, key, birthDateKey: null });
  }

  /** @returns where a laboratory's session with a date of birth has its claims, or null: it has none */
  claimIds({ hashedGuid, hashedGuidWithBirthDate }: Session): ClaimIds | null {
    if (hashedGuid === null || hashedGuidWithBirthDate === null) return null;
    const test = this.named('GUID', hashedGuid).hash;
    return { test, birthDate: birthDateHash(hashedGuidWithBirthDate, this.#config.tanHashKey) };
  }

  /** A code card, or a test without a date of birth. */
  async #byTest(fresh: Session): Promise<RegistrationReply> {
    const { verdict } = await askLaboratory(this.#env.RESULTS, fresh);
    if (verdict === 'differs') return REFUSED;
    const isPosted = verdict !== 'unanswered';
    const own = this.named('GUID', fresh.hashedGuid ?? '');
    const shard = this.#shards.of(own.hash);
    let reply = await shard.register(own.hash, fresh, { replaces: null, isPosted });
    if (reply.kind === 'taken' && isPosted && (await this.#makesWay(reply.by, fresh.expiresAt))) {
      reply = await shard.register(own.hash, fresh, { replaces: reply.by, isPosted });
    }
    return replyTo(own, reply);
  }

  async #byBirthDate(fresh: Session, birthDateKey: string): Promise<RegistrationReply> {
    const key = fresh.hashedGuid ?? '';
    const own = this.#named({ keyType: 'GUID', key, birthDateKey: fresh.hashedGuidWithBirthDate });
    const session = this.#shards.of(own.hash);
    const again = await session.register(own.hash, null, ISSUED);
    if (again.kind !== 'unknown') return replyTo(own, again);
    const former = await this.#former({ keyType: 'GUID', key, birthDateKey });
    if (former.reply !== null) return former.reply;

    const ids = this.claimIds(fresh) as ClaimIds;
    const isPosted = (await this.#env.RESULTS.resultOf(key)).labId !== null;
    if (isPosted) {
      // Counted before it is compared: whoever has the flyer must not find the date of birth by trying.
      if (!(await this.#shards.of(ids.test).guessBirthDate(ids.test, own.hash))) return REFUSED;
      if ((await askLaboratory(this.#env.RESULTS, fresh)).verdict !== 'right') return REFUSED;
    }
    if (former.holder !== null && !(isPosted && (await this.#makesWay(former.holder, fresh.expiresAt)))) return REFUSED;
    const claim = (id: string) => this.#claim(id, own.hash, fresh.expiresAt, isPosted);
    const birthDate = await claim(ids.birthDate);
    if (birthDate.kind === 'taken' || birthDate.kind === 'later') return replyTo(own, birthDate);
    const test = await claim(ids.test);
    if (test.kind === 'taken' || test.kind === 'card' || test.kind === 'later') {
      if (birthDate.kind === 'new') await this.#shards.of(ids.birthDate).unclaim(ids.birthDate, own.hash);
      // Nobody can say whose birthday a card is for, so it is left out.
      return test.kind === 'card' ? this.#byTest({ ...fresh, hashedGuidWithBirthDate: null }) : replyTo(own, test);
    }
    return replyTo(own, await session.register(own.hash, fresh, { replaces: null, isPosted }));
  }

  /**
   * Who registered before dates of birth had names (decision 029) is claimed, and derived, by the hash itself. Asking writes nothing. A
   * claim whose session a crash kept from being made answers nothing, and gives way once the laboratory has answered.
   *
   * @param question `birthDateKey`: the hash as the phone sent it
   * @returns what such a session answers, if it is this question's own; and who holds the date of birth, or null
   */
  async #former(question: FormerQuestion): Promise<{ reply: RegistrationReply | null; holder: string | null }> {
    const id = birthDateHash(question.birthDateKey, this.#config.tanHashKey);
    const held = await this.#shards.of(id).register(id, null, ISSUED);
    if (held.kind !== 'taken') return { reply: null, holder: null };
    const own = this.#named(question);
    if (held.by !== own.hash) return { reply: null, holder: held.by };
    const again = await this.#shards.of(own.hash).register(own.hash, null, ISSUED);
    return { reply: again.kind === 'unknown' ? null : replyTo(own, again), holder: held.by };
  }

  /** @param isPosted whether the laboratory has posted the test, and says that the date of birth is right */
  async #claim(id: string, owner: string, until: number, isPosted: boolean): Promise<ClaimReply> {
    const shard = this.#shards.of(id);
    const reply = await shard.claim(id, owner, until, { replaces: null, isPosted });
    if (reply.kind !== 'taken' || !isPosted || !(await this.#makesWay(reply.by, until))) return reply;
    return shard.claim(id, owner, until, { replaces: reply.by, isPosted });
  }

  /** @returns whether the holder of a claim is void now: it never was right, as far as the laboratory has answered */
  async #makesWay(holder: string, until: number): Promise<boolean> {
    const shard = this.#shards.of(holder);
    const session = await shard.peek(holder);
    const isWrong =
      session === null ||
      session.state === 'void' ||
      (session.state === 'registered' && (await askLaboratory(this.#env.RESULTS, session)).verdict === 'differs');
    return isWrong && shard.makeVoid(holder, until);
  }

  #named({ keyType, key, birthDateKey }: RegistrationQuestion): Named {
    const { derivationKey, tanHashKey } = this.#config;
    const seed = sessionSeed(keyType, key, birthDateKey, derivationKey);
    const token = registrationToken(seed, derivationKey);
    return { seed, token, hash: tokenHash(token, tanHashKey) };
  }
}

/** @param reply of the shard that decided */
function replyTo(own: Named, reply: RegisterReply | ClaimReply): RegistrationReply {
  if (reply.kind === 'granted') return { kind: 'granted', token: own.token };
  if (reply.kind !== 'later') return REFUSED;
  if (reply.isFirst) logLine('registrations of tests without a result over pace, in one of sixteen shards');
  return { kind: 'later' };
}
