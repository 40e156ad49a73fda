/**
 * @module When the journal is written (journal-ops.ts): every five minutes, and at the first wake after a restart, which has no memory of the last one.
 */
import type { RandomBytes } from '../../domain/random.ts';
import { recipientKey } from '../../domain/sealed-pages.ts';
import type { BucketPort } from '../publisher/bucket.ts';
import type { BufferConfig } from './config.ts';
import { count } from './counters.ts';
import type { Ciphers } from './hour-keys.ts';
import { writeJournal } from './journal-ops.ts';

/** How much a lost object may take with it (docs/decisions/038). */
export const JOURNAL_EVERY_MS = 300_000;
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

  constructor(sql: SqlStorage, ciphers: Ciphers, bucket: () => BucketPort, random: RandomBytes) {
    this.#sql = sql;
    this.#ciphers = ciphers;
    this.#bucket = bucket;
    this.#random = random;
  }

  /** What lies there has something that must go: it is written anew at the next wake. */
  spoil(): void {
    this.#writtenAt = -Infinity;
  }

  /** @param realMs now @returns milliseconds until it is due; 0 or less: it is */
  due(realMs: number): number {
    return this.#writtenAt + JOURNAL_EVERY_MS - realMs;
  }

  /**
   * Writes it if it is due. Nothing else waits for R2 here, so what fails is tried again at the next alarm, and counted.
   *
   * @param now Unix seconds
   * @param realMs the same, in real milliseconds
   */
  async keep(config: BufferConfig, now: number, realMs: number): Promise<void> {
    if (this.due(realMs) > EARLY_MS) return;
    try {
      this.#key ??= recipientKey(config.restorePublicKey);
      await writeJournal(this.#sql, this.#ciphers, this.#bucket(), await this.#key, this.#random, now);
      this.#writtenAt = realMs;
    } catch {
      count(this.#sql, 'alert_journal_not_written', 1);
    }
  }
}
