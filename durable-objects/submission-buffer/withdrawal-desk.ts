/**
 * @module What the SubmissionBuffer does when keys are taken back by their owners (withdraw-ops.ts, withdrawal-queue.ts): pace and transactions.
 */
import type { WithdrawReply } from '../../domain/withdrawal.ts';
import { hourEnd, hourOf } from '../../protocol/gaen/intervals.ts';
import type { Opening } from '../../protocol/withdrawal.ts';
import type { GroupCommit } from '../group-commit.ts';
import type { BufferConfig } from './config.ts';
import type { WithdrawalBatch } from './contract.ts';
import type { Ciphers } from './hour-keys.ts';
import type { UploadTally } from './upload-tally.ts';
import { withdrawKeys } from './withdraw-ops.ts';
import { WithdrawalPace } from './withdrawal-pace.ts';
import { finishBatch, withdrawalBatch } from './withdrawal-queue.ts';

export class WithdrawalDesk {
  readonly #storage: DurableObjectStorage;
  readonly #ciphers: Ciphers;
  readonly #commits: GroupCommit;
  readonly #tally: UploadTally;
  readonly #pace = new WithdrawalPace();

  /** @param tally of the transactions of `commits` */
  constructor(storage: DurableObjectStorage, ciphers: Ciphers, commits: GroupCommit, tally: UploadTally) {
    this.#storage = storage;
    this.#ciphers = ciphers;
    this.#commits = commits;
    this.#tally = tally;
  }

  /**
   * @param ready makes the ciphers ready
   * @param stopped hour in which the deployment was stopped; from the next one on no published key is taken back any more, so that nobody can put its end off (docs/sunset.md); null: it wasn't
   * @returns what everybody hears, whatever the openings open
   */
  async withdraw(
    config: BufferConfig,
    ready: () => Promise<number>,
    openings: readonly Opening[],
    stopped: number | null,
  ): Promise<WithdrawReply> {
    if (!this.#pace.allows(Date.now())) return 'busy';
    const now = await ready();
    await this.#commits.run(() => {
      // Of uploads of the same transaction, whose keys may be the ones.
      this.#tally.end();
      const isOpen = stopped === null || hourOf(now) <= stopped;
      withdrawKeys(this.#storage.sql, config, this.#ciphers, { now, isOpen }, openings);
    });
    return 'heard';
  }

  /** @param now Unix seconds @throws Error when the hour has not ended */
  batch(now: number, hour: number): WithdrawalBatch | null {
    if (hourEnd(hour) > now) throw new Error(`hour ${hour} has not ended`);
    const { sql } = this.#storage;
    return this.#storage.transactionSync(() => withdrawalBatch(sql, this.#ciphers, crypto.randomUUID(), hour));
  }

  /** @param now Unix seconds */
  finish(config: BufferConfig, now: number, id: string): void {
    this.#storage.transactionSync(() => finishBatch(this.#storage.sql, config, this.#ciphers, now, id));
  }
}
