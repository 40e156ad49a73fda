/**
 * @module What the SubmissionBuffer does when a restore calls (contract.ts, RestorePort): the steps of restore-ops.ts, none of them over a buffer that
 * takes uploads.
 */
import type { ReadJournal } from '../../domain/journal.ts';
import { ok, type Result } from '../../protocol/primitives/result.ts';
import { meta } from '../meta.ts';
import type { BucketPort } from '../publisher/bucket.ts';
import type { BufferConfig } from './config.ts';
import type { BufferLife, BufferRestoreStep, JournalFound } from './contract.ts';
import type { HourKeys } from './hour-keys.ts';
import { openJournal } from './journal-ops.ts';
import { sealPlainRows } from './plain-rows.ts';
import { beginAgain, restoreKnown, restoreRows, restoreWaiting } from './restore-ops.ts';

export class BufferRestore {
  readonly #storage: DurableObjectStorage;
  readonly #keys: HourKeys;
  readonly #bucket: () => BucketPort;

  constructor(storage: DurableObjectStorage, keys: HourKeys, bucket: () => BucketPort) {
    this.#storage = storage;
    this.#keys = keys;
    this.#bucket = bucket;
  }

  life(): BufferLife {
    const { sql } = this.#storage;
    return { begun: meta(sql, 'begun') !== null, restoredLog: meta(sql, 'restored_log') };
  }

  async readJournal(secret: Uint8Array): Promise<Result<JournalFound, string>> {
    const read = await openJournal(this.#bucket(), secret);
    if (!read.ok) return read;
    const { hour, rows, sets } = read.value.state;
    return ok({ hour, rows, newestSet: Math.max(0, ...sets.map(({ setNo }) => setNo)) });
  }

  /** @param now Unix seconds */
  async step(config: BufferConfig, now: number, step: BufferRestoreStep): Promise<void> {
    const storage = this.#storage;
    this.#requireEmpty();
    switch (step.kind) {
      case 'known':
        return restoreKnown(storage, config, step.rows, step.openings);
      case 'waiting':
        // Migration 3, of which an empty object has nothing to seal; no key may be made before the former ones are gone.
        await sealPlainRows(storage, config, this.#keys);
        return restoreWaiting(storage, config, this.#keys, now, await this.#open(step.secret), step.point);
      case 'unlogged':
        return restoreRows(storage, config, this.#keys, now, step.found);
      case 'begin':
        return beginAgain(storage.sql, step.log);
    }
  }

  async #open(secret: Uint8Array | null): Promise<ReadJournal | null> {
    if (secret === null) return null;
    const read = await openJournal(this.#bucket(), secret);
    if (!read.ok) throw new Error(read.error);
    return read.value;
  }

  /** @throws Error when the buffer takes uploads: nothing may be restored over it */
  #requireEmpty(): void {
    if (meta(this.#storage.sql, 'begun') !== null) throw new Error('the buffer is not empty');
  }
}
