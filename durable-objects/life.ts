/**
 * @module Whether an object's storage was lost: it is empty, and a bucket says that it has lived. Such an object does nothing: it takes no
 * upload and no step, writes no journal over the one that is needed now, and waits for `npm run restore` (docs/restore.md, decision 039).
 */

import { JOURNAL_KEY } from '../domain/journal.ts';
import { LOG_FOLDER } from '../domain/event-log/entry.ts';
import { meta } from './meta.ts';
import type { BucketPort } from './publisher/bucket.ts';

/** The object's storage is gone: nothing is done until it is restored. */
export class StorageLost extends Error {
  override readonly name = 'StorageLost';

  /** @param object its name for an operator */
  constructor(object: string) {
    super(`the storage of ${object} is lost: npm run restore (docs/restore.md)`);
  }
}

/** @param error of a call of another object, too: a name of its own survives the way (compatibility date of wrangler.toml) @returns whether it says {@link StorageLost} */
export const isStorageLost = (error: unknown): boolean => error instanceof Error && error.name === 'StorageLost';

/** Counted at each wake of an object whose storage is lost. */
export const STORAGE_LOST_ALERT = 'alert_storage_lost';

/** Of the buffer, with its table `meta`: `begun` stands in it from its first use on. */
export class Life {
  readonly #object: string;
  readonly #sql: SqlStorage;
  readonly #bucket: () => BucketPort;
  #begun = false;
  /** The question under way: calls that come together after a start ask the bucket once. */
  #asking: Promise<boolean> | null = null;

  /** @param object its name for an operator @param bucket the private one */
  constructor(object: string, sql: SqlStorage, bucket: () => BucketPort) {
    this.#object = object;
    this.#sql = sql;
    this.#bucket = bucket;
  }

  /** An object that is new begins. @returns whether its storage is lost @throws Error of the bucket */
  async isLost(): Promise<boolean> {
    if (this.#begun) return false;
    this.#asking ??= this.#look().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #look(): Promise<boolean> {
    if (meta(this.#sql, 'begun') === null) {
      if (await hasLived(this.#bucket())) return true;
      this.#sql.exec(`INSERT OR IGNORE INTO meta VALUES ('begun', 1)`);
    }
    this.#begun = true;
    return false;
  }

  /** @throws StorageLost; Error of the bucket */
  async require(): Promise<void> {
    if (!this.#begun && (await this.isLost())) throw new StorageLost(this.#object);
  }
}

/** The buffer writes its first journal, and answers Publisher for the first time, after it has begun. @param bucket the private one */
async function hasLived(bucket: BucketPort): Promise<boolean> {
  return (await bucket.head(JOURNAL_KEY)) !== null || hasLog(bucket);
}

/**
 * Asked by Publisher when it has nothing, before it does anything: a new one writes down its first hour before it begins the log. (The
 * buffer may have written a journal by then.)
 *
 * @param bucket the private one
 * @returns whether the deployment has published
 * @throws Error of the bucket: then nobody knows, and nothing is done
 */
export async function hasLog(bucket: BucketPort): Promise<boolean> {
  return (await bucket.list(LOG_FOLDER)).length > 0;
}
