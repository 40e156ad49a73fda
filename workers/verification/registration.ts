/**
 * @module `/registrationToken`: one session a test, with or without a date of birth (docs/spec/cwa.md §3.1; decision 024).
 *
 * Without one, the session's place is the claim to the test: one row, one shard. With one, the token depends on it too, and
 * the order of writes is: the claim to the date of birth, the claim to the test, the session. A crash in between leaves
 * claims of a session that isn't there; the same question finds them its own and goes on, another one is refused until the
 * laboratory has answered and says that it is the right one. A session that is found wrong gives way to the right one alone,
 * and is void before its claims go over: no two of a test are ever live.
 */
import { birthDateHash } from '../../domain/derived-codes.ts';
import { laboratorySession, type Session } from '../../domain/session.ts';
import { birthDateName } from '../../domain/test-result.ts';
import type { ClaimReply, RegisterReply } from '../../durable-objects/test-session/replies.ts';
import { logLine } from '../shared/log.ts';
import { askLaboratory } from './answered.ts';
import type { VerificationEnv } from './bindings.ts';
import type { RegistrationQuestion } from './question.ts';
import { type KeyPairs, type Named, namedFor, type SessionKeys } from './session-keys.ts';
import { Shards } from './shards.ts';

/** refused: none is given for this question, or no longer. later: the pace of tests without a result is used up; ask again. */
export type RegistrationReply =
  | { readonly kind: 'granted'; readonly token: string }
  | { readonly kind: 'refused' | 'later' };

type FormerQuestion = RegistrationQuestion & { readonly birthDateKey: string };

const REFUSED: RegistrationReply = { kind: 'refused' };
/** For rows that exist, or that are never made. */
const ISSUED = { replaces: null, isPosted: true } as const;

/** Keyed hashes under which a test and its date of birth are claimed. */
export interface ClaimIds {
  readonly test: string;
  readonly birthDate: string;
}

/** @returns where a laboratory's session with a date of birth has its claims, or null: it has none */
export function claimIds(
  { hashedGuid: key, hashedGuidWithBirthDate: birthDate }: Session,
  keys: SessionKeys,
): ClaimIds | null {
  if (key === null || birthDate === null) return null;
  const test = namedFor({ keyType: 'GUID', key, birthDateKey: null }, keys).hash;
  return { test, birthDate: birthDateHash(birthDate, keys.hashKey) };
}

export class Registration {
  readonly #env: VerificationEnv;
  readonly #pairs: KeyPairs;
  readonly #shards: Shards;

  constructor(env: VerificationEnv, pairs: KeyPairs) {
    this.#env = env;
    this.#pairs = pairs;
    this.#shards = new Shards(env.TEST_SESSION);
  }

  /** @param now Unix seconds */
  async register(question: RegistrationQuestion, now: number): Promise<RegistrationReply> {
    const { keyType, key, birthDateKey } = question;
    if (keyType === 'TELETAN') return this.#byTeleTan(question);
    const birthDate = birthDateKey === null ? null : birthDateName(birthDateKey);
    const fresh = laboratorySession(key, birthDate, now);
    const dates = birthDateKey === null || birthDate === null ? [] : [birthDate, birthDateKey];
    const traces = {
      // Whose test it is decides; whoever has claimed its date of birth stands in the way.
      names: (keys: SessionKeys) => [
        namedFor({ keyType, key, birthDateKey: null }, keys).hash,
        ...dates.map((date) => birthDateHash(date, keys.hashKey)),
      ],
      locks: [key, ...dates.slice(0, 1)],
    };
    const work = (keys: SessionKeys): Promise<RegistrationReply> =>
      birthDateKey === null ? this.#byTest(fresh, keys) : this.#byBirthDate(fresh, birthDateKey, keys);
    return (await this.#pairs.once(traces, work)) ?? { kind: 'later' };
  }

  /** No row is made: it was when the teleTAN was. */
  async #byTeleTan(question: RegistrationQuestion): Promise<RegistrationReply> {
    for (const keys of this.#pairs.all) {
      const own = namedFor(question, keys);
      const reply = await this.#shards.of(own.hash).register(own.hash, null, ISSUED);
      if (reply.kind !== 'unknown') return replyTo(own, reply);
    }
    return REFUSED;
  }

  /** A code card, or a test without a date of birth. */
  async #byTest(fresh: Session, keys: SessionKeys): Promise<RegistrationReply> {
    const { verdict } = await askLaboratory(this.#env.RESULTS, fresh);
    if (verdict === 'differs') return REFUSED;
    const isPosted = verdict !== 'unanswered';
    const own = namedFor({ keyType: 'GUID', key: fresh.hashedGuid ?? '', birthDateKey: null }, keys);
    const shard = this.#shards.of(own.hash);
    let reply = await shard.register(own.hash, fresh, { replaces: null, isPosted });
    if (reply.kind === 'taken' && isPosted && (await this.#makesWay(reply.by, fresh.expiresAt))) {
      reply = await shard.register(own.hash, fresh, { replaces: reply.by, isPosted });
    }
    return replyTo(own, reply);
  }

  async #byBirthDate(fresh: Session, birthDateKey: string, keys: SessionKeys): Promise<RegistrationReply> {
    const key = fresh.hashedGuid ?? '';
    const own = namedFor({ keyType: 'GUID', key, birthDateKey: fresh.hashedGuidWithBirthDate }, keys);
    const session = this.#shards.of(own.hash);
    const again = await session.register(own.hash, null, ISSUED);
    if (again.kind !== 'unknown') return replyTo(own, again);
    const former = await this.#former({ keyType: 'GUID', key, birthDateKey }, keys);
    if (former.reply !== null) return former.reply;

    const ids = claimIds(fresh, keys) as ClaimIds;
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
      return test.kind === 'card'
        ? this.#byTest({ ...fresh, hashedGuidWithBirthDate: null }, keys)
        : replyTo(own, test);
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
  async #former(
    question: FormerQuestion,
    keys: SessionKeys,
  ): Promise<{ reply: RegistrationReply | null; holder: string | null }> {
    const id = birthDateHash(question.birthDateKey, keys.hashKey);
    const held = await this.#shards.of(id).register(id, null, ISSUED);
    if (held.kind !== 'taken') return { reply: null, holder: null };
    const own = namedFor(question, keys);
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

  /** @returns whether the holder of a claim is void now: it never was right, as far as the laboratory has answered, or its key is gone from the ring and it gave no TAN */
  async #makesWay(holder: string, until: number): Promise<boolean> {
    const shard = this.#shards.of(holder);
    const session = await shard.peek(holder);
    const isWrong =
      session === null ||
      session.state === 'void' ||
      (session.state === 'registered' &&
        (this.#pairs.of(holder, { seed: null, session }) === null ||
          (await askLaboratory(this.#env.RESULTS, session)).verdict === 'differs'));
    return isWrong && shard.makeVoid(holder, until);
  }
}

/** @param reply of the shard that decided */
function replyTo(own: Named, reply: RegisterReply | ClaimReply): RegistrationReply {
  if (reply.kind === 'granted') return { kind: 'granted', token: own.token };
  if (reply.kind !== 'later') return REFUSED;
  if (reply.isFirst) logLine('registrations of tests without a result over pace, in one of sixteen shards');
  return { kind: 'later' };
}
