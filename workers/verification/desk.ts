/**
 * @module What staff do through the portal: teleTANs, code cards, withdrawal (docs/architecture.md §7). Codes are derived here from
 * the order of a form, and kept nowhere; the books know how many, sessions know which hash opens. The same order gives the same
 * codes (decision 033).
 *
 * Durable writes: the booking, then the sessions. A crash in between leaves a booking whose codes open nothing; the same order
 * finds it and issues them. To revoke: the mark in the books, the TAN, the session, the TAN again; each idempotent, so that asking
 * again mends a crash. What is left then is at most a TAN that was taken in the very instant of a crash before the last step.
 */
import { MAX_CARDS_PER_BATCH, MIN_CARDS_PER_BATCH } from '../../domain/card-batch.ts';
import {
  CARD_CODE_RANDOM_CHARACTERS,
  cardCheckCharacter,
  cardGuid,
  codeBytes,
  codeOrderId,
  hashGuid,
} from '../../domain/derived-codes.ts';
import type { TeleTanBook } from '../../domain/code-books.ts';
import type { BatchCursor, CardBatch, CardBatchPage, CardSheet, IssuedTeleTanReply } from '../../domain/rpc.ts';
import { issuedSession } from '../../domain/session.ts';
import {
  generateTeleTan,
  TELETAN_ALPHABET,
  TELETAN_LIFETIME_SECONDS,
  uniformCharacters,
} from '../../domain/teletan.ts';
import type { CodeDesk } from '../../durable-objects/code-desk/code-desk.ts';
import type { Batch } from '../../durable-objects/code-desk/desk-ops.ts';
import type { EndingCards } from '../../durable-objects/test-session/session-ops.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { logLine } from '../shared/log.ts';
import type { VerificationEnv } from './bindings.ts';
import type { Ledger } from './ledger.ts';
import type { SessionKeys, Traces } from './session-keys.ts';
import type { Sessions } from './sessions.ts';

/** A printed card is good for so long. */
const CARD_LIFETIME_SECONDS = 90 * 86_400;
/** Characters of a teleTAN that stay in the books. */
const HINT_LENGTH = 3;
const ANY_DAY = { fromDay: 0, toDay: Number.MAX_SAFE_INTEGER } as const;
/** Cards written in one go; each shard gets a sixteenth. */
const CARDS_PER_ROUND = 5_000;
/** Failed guesses an hour at which operators are warned: 31^9 codes, so 1,000 guesses find one of 1,000 live ones 1 : 26 million. */
export const FAILED_GUESS_BUDGET = 1_000;

/**
 * One failed guess in so many is written, and counts for all of them: a flood of guesses must not be one of durable writes. At the
 * budget the count is known to ± 18 % (31 samples).
 */
export const GUESSES_A_SAMPLE = 32;

/** All cards that a withdrawal ends: unused ones, and sessions that were opened since. @param from Unix seconds */
const since = (from: number): EndingCards => ({ from, before: null, unused: true });

const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
/** An order that nobody gives twice, for a caller without a form. */
const freshCodeRequest = (): string => toHex(randomBytes(32));

/** What the desk needs of sessions. */
export type DeskSessions = Pick<Sessions, 'issue' | 'nameOf' | 'pairs' | 'revoke' | 'endCards' | 'batchUses'>;

export class Desk {
  readonly #namespace: DurableObjectNamespace<CodeDesk>;
  readonly #sessions: DeskSessions;
  readonly #ledger: Ledger;

  constructor(env: VerificationEnv, sessions: DeskSessions, ledger: Ledger) {
    this.#namespace = env.CODE_DESK;
    this.#sessions = sessions;
    this.#ledger = ledger;
  }

  /** A stub belongs to the request that made it, so it is made anew each time. */
  get #desk(): DurableObjectStub<CodeDesk> {
    return this.#namespace.getByName('desk');
  }

  /**
   * @param issuer the member of staff, as the portal names them
   * @param request see {@link codeBytes}
   * @returns the teleTAN, or null when the quota is used up, or the issuer's day was rolled back
   */
  async issueTeleTan(issuer: string, request = freshCodeRequest()): Promise<IssuedTeleTanReply | null> {
    const orderId = codeOrderId(issuer, request);
    const drawn = this.#teleTan(issuer, request, this.#sessions.pairs.current);
    const named = this.#sessions.nameOf('TELETAN', drawn);
    const order = { issuer, orderId, session: named, hint: drawn.slice(0, HINT_LENGTH) };
    const entry = await this.#desk.bookTeleTan(order, TELETAN_LIFETIME_SECONDS);
    if (entry === null) return null;
    const { expiresAt, revokedAt, issueId } = entry;
    const keys = await this.#keysOfTeleTan(issuer, request, orderId);
    const teleTan = this.#teleTan(issuer, request, keys);
    const session = issuedSession('teletan', issueId, expiresAt);
    if (revokedAt === null) await this.#sessions.issue([{ keyType: 'TELETAN', key: teleTan, session }], keys);
    return { teleTan, expiresAt };
  }

  /** The books say which session an order opens, and so with which keys it was first given. */
  async #keysOfTeleTan(issuer: string, request: string, orderId: string): Promise<SessionKeys> {
    const { all, current } = this.#sessions.pairs;
    if (all.length === 1) return current;
    const booked = await this.#desk.sessionOf(issuer, orderId);
    const nameBy = (keys: SessionKeys): string =>
      this.#sessions.nameOf('TELETAN', this.#teleTan(issuer, request, keys), keys);
    return all.find((keys) => nameBy(keys) === booked) ?? current;
  }

  /** @returns the teleTAN of an order while it is valid, or null */
  async orderedTeleTan(issuer: string, request: string): Promise<IssuedTeleTanReply | null> {
    const orderId = codeOrderId(issuer, request);
    const entry = await this.#desk.validTeleTan(issuer, orderId);
    if (entry === null) return null;
    const keys = await this.#keysOfTeleTan(issuer, request, orderId);
    return { teleTan: this.#teleTan(issuer, request, keys), expiresAt: entry.expiresAt };
  }

  /** @param issuer whose it must be @returns false when there is no such teleTAN */
  async revokeTeleTan(orderId: string, issuer: string): Promise<boolean> {
    const session = await this.#desk.markRevoked(orderId, issuer);
    if (session === null) return false;
    await this.#sessions.revoke(session);
    return true;
  }

  #teleTan(issuer: string, request: string, { derivationKey }: SessionKeys): string {
    return generateTeleTan(codeBytes(derivationKey, 'teletan', issuer, request));
  }

  /** A teleTAN whose check character is right opened nothing. The first sample beyond the budget of an hour warns, once. */
  async countFailedGuess(): Promise<void> {
    if ((randomBytes(1)[0] ?? 0) % GUESSES_A_SAMPLE !== 0) return;
    try {
      const count = await this.#desk.countFailedGuesses(GUESSES_A_SAMPLE);
      const before = count - GUESSES_A_SAMPLE;
      if (before <= FAILED_GUESS_BUDGET && count > FAILED_GUESS_BUDGET) logLine('teletan-guesses over budget');
    } catch {
      // The count is a warning for operators; the answer does not depend on it.
    }
  }

  /** @returns what an issuer made in the last day, and the quota */
  async book(issuer: string): Promise<TeleTanBook> {
    return this.#desk.teleTansOf(issuer);
  }

  /**
   * Makes a batch of cards; the codes exist in the reply alone.
   *
   * @param count 20..10,000 (domain/card-batch.ts)
   * @param request see {@link codeBytes}
   * @returns the batch with its codes, or null when the provider's cards of the day are used up
   * @throws RangeError when `count` is out of range
   */
  async makeCards(
    provider: string,
    label: string,
    count: number,
    request = freshCodeRequest(),
  ): Promise<CardSheet | null> {
    if (!Number.isInteger(count) || count < MIN_CARDS_PER_BATCH || count > MAX_CARDS_PER_BATCH) {
      throw new RangeError(
        `count: an integer ${MIN_CARDS_PER_BATCH}..${MAX_CARDS_PER_BATCH} is expected, got ${count}`,
      );
    }
    const orderId = codeOrderId(provider, request);
    const batch = await this.#desk.bookBatch({ provider, label, size: count }, orderId, CARD_LIFETIME_SECONDS);
    if (batch === null) return null;
    const session = issuedSession('card', batch.batchId, batch.expiresAt);
    // The size that was booked: an order is what it was the first time.
    const cards = await this.#sessions.pairs.once(this.#tracesOfCards(batch, request), async (keys) => {
      const made = this.#cards(batch, request, keys);
      for (let from = 0; from < made.length; from += CARDS_PER_ROUND) {
        const round = made.slice(from, from + CARDS_PER_ROUND);
        const codes = round.map(({ guid }) => ({ keyType: 'GUID' as const, key: hashGuid(guid), session }));
        await this.#sessions.issue(codes, keys);
      }
      return made;
    });
    if (cards === null) throw new Error('cards: the same order is being made');
    // Withdrawn while they were issued: what came after the withdrawal went over the shards must not open either.
    const withdrawnFrom = await this.#desk.withdrawnFrom(batch.batchId);
    if (withdrawnFrom !== null) await this.#sessions.endCards(batch.batchId, since(withdrawnFrom));
    return { batch: { ...batch, withdrawnFrom, used: 0 }, cards };
  }

  /** @returns the cards of an order again, or null when there is no such order or its batch is withdrawn */
  async orderedCards(provider: string, request: string): Promise<CardSheet | null> {
    const batch = await this.#desk.orderedBatch(provider, codeOrderId(provider, request));
    if (batch === null || batch.withdrawnFrom !== null) return null;
    const { pairs } = this.#sessions;
    const known = pairs.all.length === 1 ? null : await pairs.known(this.#tracesOfCards(batch, request).names);
    const keys = known ?? pairs.current;
    return { batch: { ...batch, used: 0 }, cards: this.#cards(batch, request, keys) };
  }

  /** An order's cards are of the keys under which its first card is there. A crash before it was leaves an order that nobody has a card of, and any keys will do. */
  #tracesOfCards({ provider, batchId }: Batch, request: string): Traces {
    const first = (keys: SessionKeys): string => this.#cards({ provider, size: 1 }, request, keys)[0]?.guid ?? '';
    const names = (keys: SessionKeys) => [this.#sessions.nameOf('GUID', hashGuid(first(keys)), keys)];
    return { names, locks: [batchId] };
  }

  #cards(
    { provider, size }: Pick<Batch, 'provider' | 'size'>,
    request: string,
    { derivationKey }: SessionKeys,
  ): CardSheet['cards'] {
    const bytes = codeBytes(derivationKey, 'card', provider, request);
    return Array.from({ length: size }, () => {
      const random = uniformCharacters(TELETAN_ALPHABET, CARD_CODE_RANDOM_CHARACTERS, bytes);
      const code = random + cardCheckCharacter(random);
      return { code, guid: cardGuid(code) };
    });
  }

  /** @param provider one provider's batches, or null for all @returns a page, each with how many were used, never which */
  async batches(provider: string | null, from: BatchCursor | null): Promise<CardBatchPage> {
    const { batches, older, newer } = await this.#desk.batchPage(provider, from);
    return { batches: await this.#counted(batches), older, newer };
  }

  /** @returns one batch (of this provider), or null when there is no such one */
  async batch(batchId: string, provider: string | null): Promise<CardBatch | null> {
    const batch = await this.#desk.batch(batchId, provider);
    return batch === null ? null : ((await this.#counted([batch]))[0] ?? null);
  }

  async #counted(batches: readonly Batch[]): Promise<CardBatch[]> {
    const used = await this.#sessions.batchUses(batches.map(({ batchId }) => batchId));
    return batches.map((batch, i) => ({ ...batch, used: used[i] ?? 0 }));
  }

  /**
   * Withdraws a batch from an instant on: books, then sessions, then TANs; each step idempotent, so that a crash is mended
   * by asking again.
   *
   * @returns the instant that holds (an earlier withdrawal wins), or null when there is no such batch
   */
  async withdraw(batchId: string, provider: string | null, from: number): Promise<number | null> {
    const holds = await this.#desk.markWithdrawn(batchId, provider, from);
    if (holds === null) return null;
    await this.#sessions.endCards(batchId, since(holds));
    const issues = await this.#desk.issuesOf({ kind: 'card', sources: [batchId], ...ANY_DAY });
    await this.#ledger.withdrawIssues(issues.map(({ issueId }) => issueId));
    return holds;
  }

  /**
   * What a rollback does to the cards of a batch: those end that were used on its days; idempotent. Unused ones end only if the running day is one of
   * them: the batch is withdrawn then. A crash in between leaves a mark in the books whose sessions still open; asked again, they end.
   *
   * @param from Unix seconds at which the first day begins @param before at which the last one ends
   */
  async endDays(batchId: string, from: number, before: number, isRunning: boolean): Promise<void> {
    if (isRunning) await this.#desk.markWithdrawn(batchId, null, from);
    await this.#sessions.endCards(batchId, { from, before, unused: isRunning });
  }
}
