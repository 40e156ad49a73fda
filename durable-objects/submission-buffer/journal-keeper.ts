/**
 * @module When the journal is written (journal-ops.ts): every five minutes, at the first wake after a restart, which has no memory of the last one, and at once when something
 * was taken out that lies in the last one. One at a time: two would take each other's place in R2, and the one that was begun before might stay.
 *
 * Durable order: the mark `journal_owed`, before anything is taken out; the journal without it; the mark's deletion. A crash leaves the mark, and the journal is written once more.
 */
import type { RandomBytes } from '../../domain/random.ts';
import { recipientKey } from '../../domain/sealed-pages.ts';
import { meta } from '../meta.ts';
import type { BucketPort } from '../publisher/bucket.ts';
import type { BufferConfig } from './config.ts';
import { count } from './counters.ts';
import type { Ciphers } from './hour-keys.ts';
import { writeJournal } from './journal-ops.ts';

/** How much a lost object may take with it (docs/decisions/038). */
export const JOURNAL_EVERY_MS = 300_000;
/** Between attempts while what lies there has something that was taken out; otherwise they are a minute apart. */
export const SPOILED_EVERY_MS = 5_000;
const REFUSED_EVERY_MS = 60_000;
/** In `meta`: what lies in R2 has something that was taken out. */
const OWED = 'journal_owed';
/** An alarm that comes this much early is the one that was meant. */
const EARLY_MS = 1_000;

export class JournalKeeper {
  readonly #sql: SqlStorage;
  readonly #ciphers: Ciphers;
  readonly #bucket: () => BucketPort;
  readonly #random: RandomBytes;
  #key: Promise<CryptoKey> | null = null;
  /** Real milliseconds. */
  #writtenAt = -Infinity;
  /** Counts up with each time that something was taken out. */
  #generation = 0;
  /** That the newest journal was begun in; −1 when the object died before it was without what was taken out. Asked of the store at the first use: one that has ended has no tables. */
  #written: number | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(sql: SqlStorage, ciphers: Ciphers, bucket: () => BucketPort, random: RandomBytes) {
    this.#sql = sql;
    this.#ciphers = ciphers;
    this.#bucket = bucket;
    this.#random = random;
  }

  /** Something that may lie in the journal is to be taken out, or was: one that was begun before doesn't count. */
  spoil(): void {
    this.#generation += 1;
    this.#sql.exec('INSERT OR REPLACE INTO meta VALUES (?, 1)', OWED);
  }

  /** @returns whether a journal was begun since the last {@link spoil}, and is in R2 */
  isClean(): boolean {
    this.#written ??= meta(this.#sql, OWED) === null ? 0 : -1;
    return this.#written === this.#generation;
  }

  /** @param realMs now @returns milliseconds until the next attempt, when {@link keep} has just been called */
  wait(realMs: number): number {
    if (!this.isClean()) return SPOILED_EVERY_MS;
    const left = this.#due(realMs);
    return left > 0 ? left : REFUSED_EVERY_MS;
  }

  /**
   * Writes it if it is due. Nothing else waits for R2 here, so what fails is tried again at the next alarm, and counted.
   *
   * @param now Unix seconds
   * @param realMs the same, in real milliseconds
   */
  keep(config: BufferConfig, now: number, realMs: number): Promise<void> {
    this.#running = this.#running.then(() => this.#keep(config, now, realMs));
    return this.#running;
  }

  async #keep(config: BufferConfig, now: number, realMs: number): Promise<void> {
    if (this.#due(realMs) > EARLY_MS) return;
    const generation = this.#generation;
    try {
      this.#key ??= recipientKey(config.restorePublicKey);
      await writeJournal(this.#sql, this.#ciphers, this.#bucket(), await this.#key, this.#random, now);
      this.#writtenAt = realMs;
      this.#written = generation;
      if (this.isClean()) this.#sql.exec('DELETE FROM meta WHERE name = ?', OWED);
    } catch {
      count(this.#sql, 'alert_journal_not_written', 1);
    }
  }

  #due(realMs: number): number {
    return this.isClean() ? this.#writtenAt + JOURNAL_EVERY_MS - realMs : 0;
  }
}
