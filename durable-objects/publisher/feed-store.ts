/**
 * @module Rows of what peers are given (feed-ops.ts): how far each feed has come, its batches, and what lies in the bucket of feeds. Each method is one synchronous transaction or part of the
 * caller's.
 */
import type { SealedFile } from '../../domain/event-log/entry.ts';
import type { FeedBatch } from '../../domain/publication/fed.ts';
import type { Remembered } from './own-objects.ts';

/** How far a feed has come. */
export interface FeedState {
  readonly feed: string;
  /** Number of its last batch, 0 before the first. */
  readonly lastBatch: number;
  /** The last hour whose keys are in its batches; −1 before the first. */
  readonly throughHour: number;
  /** The last hour whose document was put; −1 before the first. */
  readonly shownHour: number;
}

interface BatchRow extends Record<string, SqlStorageValue> {
  feed: string;
  batch: number;
  hour: number;
  until_day: number;
  file: string;
}

export class FeedStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  state(feed: string): FeedState {
    const sql = 'SELECT last_batch, through_hour, shown_hour FROM feed WHERE name = ?';
    const row = this.#sql
      .exec<{ last_batch: number; through_hour: number; shown_hour: number }>(sql, feed)
      .toArray()[0];
    const [lastBatch, throughHour, shownHour] = [row?.last_batch ?? 0, row?.through_hour ?? -1, row?.shown_hour ?? -1];
    return { feed, lastBatch, throughHour, shownHour };
  }

  putState({ feed, lastBatch, throughHour, shownHour }: FeedState): void {
    this.#sql.exec('INSERT OR REPLACE INTO feed VALUES (?, ?, ?, ?)', feed, lastBatch, throughHour, shownHour);
  }

  putBatch({ feed, batch, hour, until, file }: FeedBatch): void {
    const sql = 'INSERT OR REPLACE INTO feed_batch VALUES (?, ?, ?, ?, ?)';
    this.#sql.exec(sql, feed, batch, hour, until, JSON.stringify(file));
  }

  /** @returns its batches, ascending */
  batches(feed: string): FeedBatch[] {
    return this.#batches('SELECT * FROM feed_batch WHERE feed = ? ORDER BY batch', feed);
  }

  /** @returns the midnight at which the last of its batches goes, 0 when there is none: days since the Unix epoch */
  lastUntil(feed: string): number {
    const sql = 'SELECT coalesce(max(until_day), 0) AS day FROM feed_batch WHERE feed = ?';
    return this.#sql.exec<{ day: number }>(sql, feed).one().day;
  }

  /** @returns batches of any feed that have had their time, some at a time */
  doomed(day: number, limit: number): FeedBatch[] {
    return this.#batches('SELECT * FROM feed_batch WHERE until_day <= ? ORDER BY feed, batch LIMIT ?', day, limit);
  }

  forget(batches: readonly FeedBatch[], keys: readonly string[]): void {
    for (const { feed, batch } of batches)
      this.#sql.exec('DELETE FROM feed_batch WHERE feed = ? AND batch = ?', feed, batch);
    for (const key of keys) this.#sql.exec('DELETE FROM feed_object WHERE key = ?', key);
  }

  /** Notes an object before it is put, so that none is ever forgotten. */
  noteObject(key: string): void {
    this.#sql.exec(`INSERT OR IGNORE INTO feed_object VALUES (?, '', NULL)`, key);
  }

  /** An object that was put before: its mark isn't known, and it isn't taken for somebody else's (own-objects.ts). */
  adoptObject(key: string): void {
    this.#sql.exec('INSERT OR IGNORE INTO feed_object VALUES (?, NULL, NULL)', key);
  }

  /** See own-objects.ts. */
  remembered(key: string): Remembered | null {
    const sql = 'SELECT mark, sha256 FROM feed_object WHERE key = ?';
    return this.#sql.exec<{ mark: string | null; sha256: string | null }>(sql, key).toArray()[0] ?? null;
  }

  /** See own-objects.ts. */
  intend(key: string, hash: string): void {
    this.#sql.exec('UPDATE feed_object SET sha256 = ? WHERE key = ?', hash, key);
  }

  /** See own-objects.ts. */
  settle(key: string, mark: string): void {
    this.#sql.exec('UPDATE feed_object SET mark = ?, sha256 = NULL WHERE key = ?', mark, key);
  }

  #batches(sql: string, ...values: unknown[]): FeedBatch[] {
    return this.#sql
      .exec<BatchRow>(sql, ...values)
      .toArray()
      .map(({ feed, batch, hour, until_day: until, file }) => ({
        feed,
        batch,
        hour,
        until,
        file: JSON.parse(file) as SealedFile,
      }));
  }
}
