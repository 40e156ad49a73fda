/**
 * @module What staff do through the portal: teleTANs, code cards, withdrawal (docs/architecture.md §7). Codes are made here, given
 * out once, and kept nowhere; the books know how many, sessions know which hash opens.
 */
import { MAX_CARDS_PER_BATCH, MIN_CARDS_PER_BATCH } from '../../domain/card-batch.ts';
import { CARD_CODE_RANDOM_CHARACTERS, cardCheckCharacter, cardGuid, hashGuid } from '../../domain/derived-codes.ts';
import type {
  BatchCursor,
  CardBatch,
  CardBatchPage,
  CardSheet,
  IssuedTeleTanReply,
  TeleTanBook,
} from '../../domain/rpc.ts';
import { issuedSession } from '../../domain/session.ts';
import {
  generateTeleTan,
  TELETAN_ALPHABET,
  TELETAN_LIFETIME_SECONDS,
  uniformCharacters,
} from '../../domain/teletan.ts';
import type { CodeDesk } from '../../durable-objects/code-desk/code-desk.ts';
import type { Batch } from '../../durable-objects/code-desk/desk-ops.ts';
import { logLine } from '../shared/log.ts';
import type { VerificationEnv } from './bindings.ts';
import type { Ledger } from './ledger.ts';
import type { Sessions } from './sessions.ts';

/** A printed card is good for so long. */
const CARD_LIFETIME_SECONDS = 90 * 86_400;
/** Characters of a teleTAN that stay in the books. */
const HINT_LENGTH = 3;
/** Cards written in one go; each shard gets a sixteenth. */
const CARDS_PER_ROUND = 5_000;
/** Failed guesses an hour at which operators are warned: 31^9 codes, so 1,000 guesses find one of 1,000 live ones 1 : 26 million. */
export const FAILED_GUESS_BUDGET = 1_000;

/**
 * One failed guess in so many is written, and counts for all of them: a flood of guesses must not be one of durable writes. At the
 * budget the count is known to ± 18 % (31 samples).
 */
export const GUESSES_A_SAMPLE = 32;

const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

export class Desk {
  readonly #namespace: DurableObjectNamespace<CodeDesk>;
  readonly #sessions: Sessions;
  readonly #ledger: Ledger;

  constructor(env: VerificationEnv, sessions: Sessions, ledger: Ledger) {
    this.#namespace = env.CODE_DESK;
    this.#sessions = sessions;
    this.#ledger = ledger;
  }

  /** A stub belongs to the request that made it, so it is made anew each time. */
  get #desk(): DurableObjectStub<CodeDesk> {
    return this.#namespace.getByName('desk');
  }

  /** @param issuer the member of staff, as the portal names them @returns the teleTAN, or null when the quota is used up */
  async issueTeleTan(issuer: string): Promise<IssuedTeleTanReply | null> {
    const teleTan = generateTeleTan(randomBytes);
    const entry = await this.#desk.bookTeleTan(issuer, teleTan.slice(0, HINT_LENGTH), TELETAN_LIFETIME_SECONDS);
    if (entry === null) return null;
    const session = issuedSession('teletan', null, entry.expiresAt);
    await this.#sessions.issue([{ keyType: 'TELETAN', key: teleTan, session }]);
    return { teleTan, expiresAt: entry.expiresAt };
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
   * @returns the batch with its codes, or null when the provider's cards of the day are used up
   * @throws RangeError when `count` is out of range
   */
  async makeCards(provider: string, label: string, count: number): Promise<CardSheet | null> {
    if (!Number.isInteger(count) || count < MIN_CARDS_PER_BATCH || count > MAX_CARDS_PER_BATCH) {
      throw new RangeError(
        `count: an integer ${MIN_CARDS_PER_BATCH}..${MAX_CARDS_PER_BATCH} is expected, got ${count}`,
      );
    }
    const batch = await this.#desk.bookBatch(provider, label, count, CARD_LIFETIME_SECONDS);
    if (batch === null) return null;
    const session = issuedSession('card', batch.batchId, batch.expiresAt);
    const cards = Array.from({ length: count }, () => {
      const random = uniformCharacters(TELETAN_ALPHABET, CARD_CODE_RANDOM_CHARACTERS, randomBytes);
      const code = random + cardCheckCharacter(random);
      return { code, guid: cardGuid(code) };
    });
    for (let from = 0; from < count; from += CARDS_PER_ROUND) {
      const round = cards.slice(from, from + CARDS_PER_ROUND);
      await this.#sessions.issue(round.map(({ guid }) => ({ keyType: 'GUID', key: hashGuid(guid), session })));
    }
    // Withdrawn while they were issued: what came after the withdrawal went over the shards must not open either.
    const withdrawnFrom = await this.#desk.withdrawnFrom(batch.batchId);
    if (withdrawnFrom !== null) await this.#sessions.withdrawBatch(batch.batchId, withdrawnFrom);
    return { batch: { ...batch, withdrawnFrom, used: 0 }, cards };
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
    await this.#sessions.withdrawBatch(batchId, holds);
    await this.#ledger.withdrawBatch(batchId);
    return holds;
  }
}
