/**
 * @module The event log's one writer (docs/event-log.md). An entry is fixed, signed, in the transaction of the step that it tells of, and put
 * into the private bucket before the next step begins: so what the public bucket names was in the log before.
 *
 * Durable order: the row (`log_entry`, with the end of the chain), then the object under the entry's sequence, then the row's
 * deletion. A crash after the row puts the same bytes again; after the object, put-if-absent meets its own. Entries are put in order, so a
 * crash leaves no gap either.
 */
import { appendEvent, EMPTY_LOG, type LogHead } from '../../domain/event-log/chain.ts';
import { logKey, type LogEvent } from '../../domain/event-log/entry.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import type { Signer } from '../../protocol/signing.ts';
import type { ObjectMeta } from '../../domain/publication/built-file.ts';
import { putOnce, type BucketPort } from './bucket.ts';

const META: ObjectMeta = { contentType: 'application/json', cacheControl: 'no-store', expires: null };

// A row of `log_checkpoint`.
type Checkpoint = { readonly day: number; readonly sequence: number; readonly sha256: string };

export class EventLog {
  readonly #sql: SqlStorage;
  readonly #keyId: string;
  readonly #signer: Signer;

  /** @param keyId name of the log's key @param signer r‖s */
  constructor(storage: DurableObjectStorage, keyId: string, signer: Signer) {
    this.#sql = storage.sql;
    this.#keyId = keyId;
    this.#signer = signer;
  }

  /** Where the chain ends, entries that aren't in the bucket yet included. */
  head(): LogHead {
    const row = this.#sql.exec<{ head: string }>('SELECT head FROM log_head').toArray()[0];
    return row === undefined ? EMPTY_LOG : (JSON.parse(row.head) as LogHead);
  }

  /**
   * Goes on with a log that lies in the bucket, for a restore; part of the caller's transaction.
   *
   * @param head of its last entry
   * @param checkpoints those that are there from `oldestEntry` on, ascending
   * @param kept.oldestEntry entries from here on may be there, and those before `keptFrom` are to be forgotten
   */
  adopt(
    head: LogHead,
    checkpoints: readonly Checkpoint[],
    kept: { readonly oldestEntry: number; readonly keptFrom: number },
  ): void {
    this.#sql.exec('INSERT INTO log_head VALUES (1, ?)', JSON.stringify(head));
    for (const { day, sequence, sha256 } of checkpoints) {
      this.#sql.exec('INSERT INTO log_checkpoint VALUES (?, ?, ?)', day, sequence, sha256);
    }
    this.#setMeta('log_kept_from', kept.keptFrom);
    this.#setMeta('log_forgotten', kept.oldestEntry);
  }

  /** Fixes an entry; part of the caller's transaction. */
  append(event: LogEvent): void {
    const { text, head } = appendEvent(this.head(), event, this.#keyId, this.#signer);
    this.#sql.exec('INSERT INTO log_entry VALUES (?, ?)', head.sequence, text);
    this.#sql.exec('INSERT OR REPLACE INTO log_head VALUES (1, ?)', JSON.stringify(head));
    if (event.kind === 'checkpoint') {
      this.#sql.exec('INSERT INTO log_checkpoint VALUES (?, ?, ?)', event.day, head.sequence, head.sha256);
    }
  }

  /**
   * Puts what was fixed.
   *
   * @throws ObjectConflict when other bytes lie under an entry's name: our state was set back, or the bucket is somebody else's
   */
  async flush(bucket: BucketPort): Promise<void> {
    const rows = this.#sql.exec<{ sequence: number; text: string }>('SELECT * FROM log_entry ORDER BY sequence');
    for (const { sequence, text } of rows.toArray()) {
      await putOnce(bucket, logKey(sequence), utf8(text), META);
      this.#sql.exec('DELETE FROM log_entry WHERE sequence = ?', sequence);
    }
  }

  /**
   * Fixes the checkpoint of a midnight; part of the caller's transaction.
   *
   * @param day of the midnight
   * @param oldest entries since the last checkpoint of this day or earlier are kept
   */
  checkpoint(day: number, oldest: number): void {
    const points = this.#checkpoints();
    const last = points.at(-1);
    const keptFrom = points.findLast((point) => point.day <= oldest)?.sequence ?? 1;
    const former = last === undefined ? null : { sequence: last.sequence, sha256: last.sha256 };
    this.append({ kind: 'checkpoint', day, fold: this.head().fold, former, keptFrom });
    this.#setMeta('log_kept_from', keptFrom);
  }

  /**
   * Deletes the entries that the last checkpoint says aren't kept; checkpoints stay. Objects first: a crash before the rows deletes them again.
   *
   * @param bucket the last checkpoint is in it
   */
  async forget(bucket: BucketPort): Promise<void> {
    const [from, to] = [this.#meta('log_forgotten') ?? 1, this.#meta('log_kept_from') ?? 1];
    if (from >= to) return;
    const stay = new Set(this.#checkpoints().map(({ sequence }) => sequence));
    const gone: string[] = [];
    for (let sequence = from; sequence < to; sequence++) if (!stay.has(sequence)) gone.push(logKey(sequence));
    await bucket.delete(gone);
    this.#setMeta('log_forgotten', to);
    this.#sql.exec('DELETE FROM log_checkpoint WHERE sequence < ?', to);
  }

  #checkpoints(): Checkpoint[] {
    const sql = 'SELECT day, sequence, sha256 FROM log_checkpoint ORDER BY sequence';
    return this.#sql.exec<Checkpoint>(sql).toArray();
  }

  #meta(name: string): number | null {
    return this.#sql.exec<{ value: number }>('SELECT value FROM meta WHERE name = ?', name).toArray()[0]?.value ?? null;
  }

  #setMeta(name: string, value: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO meta VALUES (?, ?)', name, value);
  }
}
