/**
 * @module The part of the staff room that knows who may come by a professional's card (card-ops.ts), and the authorities' lists of revoked
 * certificates (authority-ops.ts).
 */
import type { Clock } from '../../domain/clock.ts';
import { closesAtEnd, EndableObject } from '../endable-object.ts';
import { addSerials, authorities, beginList, finishList, type ListFacts } from './authority-ops.ts';
import {
  blockCertificate,
  type CardAnswer,
  type CardHolder,
  cardHolders,
  type CardQuestion,
  checkCard,
  holdCard,
  type ListedHolder,
  removeHolder,
  setHolder,
} from './card-ops.ts';

export class CardRoom<Env = unknown> extends EndableObject<Env> {
  /** Unix seconds; the local edge overrides it with its own clock (docs/architecture.md §11). */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);

  /** See {@link setHolder}. */
  setHolders(holders: readonly CardHolder[]): void {
    for (const holder of holders) setHolder(this.ctx.storage.sql, holder);
  }

  /** See {@link removeHolder}. */
  removeHolder(subject: string): void {
    removeHolder(this.ctx.storage.sql, subject);
  }

  /** Lets a card in again whose sessions were ended. */
  readmit(subject: string): void {
    holdCard(this.ctx.storage.sql, subject, false);
  }

  /** See {@link cardHolders}. */
  holders(after: string): ListedHolder[] {
    return cardHolders(this.ctx.storage.sql, after);
  }

  /** See {@link authorities}. */
  authorities(): ListFacts[] {
    return authorities(this.ctx.storage.sql);
  }

  /** See {@link beginList}. */
  async beginList(facts: ListFacts): Promise<number | null> {
    return beginList(this.ctx.storage.sql, facts, Math.floor(await this.clock()));
  }

  /** See {@link addSerials}. */
  addSerials(generation: number, serials: readonly string[]): void {
    addSerials(this.ctx.storage.sql, generation, serials);
  }

  /** See {@link finishList}. */
  finishList(generation: number, facts: ListFacts): boolean {
    return finishList(this.ctx.storage.sql, generation, facts);
  }

  /** See {@link checkCard}. */
  async checkCard(question: CardQuestion): Promise<CardAnswer> {
    return checkCard(this.ctx.storage.sql, question, Math.floor(await this.clock()));
  }

  /** @param marks of a professional's certificate or of an authority's: from now on it opens nothing */
  async block(marks: readonly string[]): Promise<void> {
    blockCertificate(this.ctx.storage.sql, marks, Math.floor(await this.clock()));
  }
}

closesAtEnd<CardRoom>(CardRoom);
