/**
 * @module What the SubmissionBuffer does when keys that wait are dropped (drop-ops.ts): ids end, rows go, and the journal is written without them before anybody hears that it is done,
 * since a restore would bring back what lies in it.
 *
 * Durable order: an alarm within seconds, and that the journal is owed; the rows' deletion; the journal. A crash before the journal leaves both: it is written, and tried again every few seconds.
 */
import type { DroppedRows } from '../../domain/publication/taken.ts';
import { hourEnd } from '../../protocol/gaen/intervals.ts';
import type { KeptAlarm } from '../kept-alarm.ts';
import type { BufferConfig } from './config.ts';
import type { DropReply, DropRequest, DropsRequest } from './contract.ts';
import { takeDropped } from './drop-log.ts';
import { dropWaiting, endSources } from './drop-ops.ts';
import type { Ciphers } from './hour-keys.ts';
import { SPOILED_EVERY_MS, type JournalKeeper } from './journal-keeper.ts';

export class DropDesk {
  readonly #storage: DurableObjectStorage;
  readonly #ciphers: Ciphers;
  readonly #journal: JournalKeeper;
  readonly #alarm: KeptAlarm;

  constructor(storage: DurableObjectStorage, ciphers: Ciphers, journal: JournalKeeper, alarm: KeptAlarm) {
    this.#storage = storage;
    this.#ciphers = ciphers;
    this.#journal = journal;
    this.#alarm = alarm;
  }

  /** @param now Unix seconds, for which the ciphers are ready */
  async drop(config: BufferConfig, now: number, request: DropRequest): Promise<DropReply> {
    await this.#alarm.set(SPOILED_EVERY_MS);
    this.#journal.spoil();
    this.#storage.transactionSync(() => endSources(this.#storage.sql, config, request, now));
    const reply = await dropWaiting(this.#storage, config, this.#ciphers, now, request);
    return { ...reply, journalled: await this.rewriteJournal(config, now) };
  }

  /** The journal as it is now, whenever the last one was. @param now Unix seconds @returns whether it is in R2 */
  async rewriteJournal(config: BufferConfig, now: number): Promise<boolean> {
    this.#journal.spoil();
    await this.#journal.keep(config, now, Date.now());
    await this.#alarm.set(this.#journal.wait(Date.now()));
    return this.#journal.isClean();
  }

  /** @param now Unix seconds @throws Error when the last hour has not ended */
  drops(now: number, request: DropsRequest): DroppedRows[] {
    if (hourEnd(request.through) > now) throw new Error(`hour ${request.through} has not ended`);
    return this.#storage.transactionSync(() => takeDropped(this.#storage.sql, request));
  }
}
