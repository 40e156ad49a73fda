/**
 * @module Keys of waiting rows (row-cipher.ts), one for each release hour. They lie where no recovery exists: in R2, which keeps
 * no former version of an object, and in this object's memory; never in its storage, which the platform can restore for 30
 * days. So a key that was erased is gone, and with it every row of its hour that any log or freed page still holds.
 *
 * `row-keys/<day>.bin` holds the 24 keys of a UTC day; one that was erased is 32 zeros, and the object goes with its last key.
 * Days are made ahead, so that R2 may be away for days and no upload is refused. What is refused: uploads and sealing after a
 * restart of the object, until R2 answers; nothing then knows the keys.
 *
 * Durable order: the object in R2, put if absent, then the first row under its keys. A crash in between leaves keys without
 * rows. Erasing comes after the rows' deletion is on disk (output gate); a crash in between leaves a key without rows, which
 * the next `erase` takes.
 */
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { RandomBytes } from '../../domain/random.ts';
import type { ObjectMeta } from '../../domain/publication/built-file.ts';
import type { BucketPort } from '../publisher/bucket.ts';
import { HourCipher } from './row-cipher.ts';

const PREFIX = 'row-keys/';
const HOURS_A_DAY = 24;
const KEY_BYTES = 32;
/** A key may start now and end a day later, and is released at most two days from today (domain/embargo). */
const NEEDED_DAYS = 3;
/** Made ahead of those: R2 may be away as long. */
const SPARE_DAYS = 5;
/** Between attempts to make days ahead while R2 is away. */
const RETRY_SECONDS = 60;
const META: ObjectMeta = { contentType: 'application/octet-stream', cacheControl: 'no-store', expires: null };

/** What reads and writes rows needs of the keys; synchronous, since rows are sealed inside a transaction. */
export interface Ciphers {
  /** @param hour release hour @returns null when its key is gone */
  cipher(hour: number): HourCipher | null;
}

/** The keys as the SubmissionBuffer holds them. */
export class HourKeys implements Ciphers {
  readonly #bucket: () => BucketPort;
  readonly #random: RandomBytes;
  readonly #days = new Map<number, Uint8Array>();
  readonly #ciphers = new Map<number, HourCipher>();
  #loading: Promise<void> | null = null;
  /** Days that are needed and are being made: calls that come together make them once. */
  #making: Promise<void> | null = null;
  #triedAt = -Infinity;
  #spare: Promise<void> = Promise.resolve();
  /** Day for which all keys are in memory, those ahead too. */
  #completeDay = -1;

  /** @param bucket the private bucket, asked for at each use @param random source of keys */
  constructor(bucket: () => BucketPort, random: RandomBytes) {
    this.#bucket = bucket;
    this.#random = random;
  }

  /**
   * Returns at once when the keys that `now` may need are in memory; days ahead are then made beside.
   *
   * @param now Unix seconds
   * @param hours release hours, beside those that `now` may bring, whose keys are needed
   * @throws Error of the bucket when keys are missing and it can't be reached
   */
  async ready(now: number, hours: readonly number[] = []): Promise<void> {
    const today = Math.floor(now / SECONDS_PER_DAY);
    if (today === this.#completeDay && hours.length === 0) return;
    const needed = [...daysFrom(today, NEEDED_DAYS), ...hours.map((hour) => Math.floor(hour / HOURS_A_DAY))];
    if (this.#loading === null) {
      this.#loading = this.#load();
      this.#loading.catch(() => (this.#loading = null));
    }
    await this.#loading;
    const lacking = needed.filter((day) => !this.#days.has(day));
    if (lacking.length > 0) {
      const isMine = this.#making === null;
      this.#making ??= this.#make(lacking).finally(() => (this.#making = null));
      await this.#making;
      return isMine ? undefined : this.ready(now, hours);
    }
    const spare = daysFrom(today, NEEDED_DAYS + SPARE_DAYS).filter((day) => !this.#days.has(day));
    if (spare.length === 0) this.#completeDay = today;
    if (spare.length === 0 || Math.abs(now - this.#triedAt) < RETRY_SECONDS) return;
    this.#triedAt = now;
    this.#spare = this.#make(spare).catch(() => {}); // it is tried again in a minute
  }

  cipher(hour: number): HourCipher | null {
    const made = this.#ciphers.get(hour);
    if (made !== undefined) return made;
    const keys = this.#days.get(Math.floor(hour / HOURS_A_DAY));
    const at = (hour % HOURS_A_DAY) * KEY_BYTES;
    const key = keys?.subarray(at, at + KEY_BYTES);
    if (key === undefined || key.every((byte) => byte === 0)) return null;
    const cipher = new HourCipher(key);
    this.#ciphers.set(hour, cipher);
    return cipher;
  }

  /**
   * Erases the keys of all hours before `hour`, here and in R2. Idempotent.
   *
   * @throws Error of the bucket; what it could not erase, the next call will
   */
  async erase(hour: number): Promise<void> {
    for (const old of this.#ciphers.keys()) if (old < hour) this.#ciphers.delete(old);
    const day = Math.floor(hour / HOURS_A_DAY);
    const gone = [...this.#days.keys()].filter((old) => old < day);
    if (gone.length > 0) {
      await this.#bucket().delete(gone.map(objectKey));
      for (const old of gone) this.#days.delete(old);
    }
    const keys = this.#days.get(day);
    const end = (hour % HOURS_A_DAY) * KEY_BYTES;
    if (keys === undefined || keys.subarray(0, end).every((byte) => byte === 0)) return;
    const left = keys.slice().fill(0, 0, end);
    const present = await this.#bucket().head(objectKey(day));
    if (present !== null && (await this.#bucket().put(objectKey(day), left, META, present.etag)) === null) {
      throw new Error(`${objectKey(day)} changed while keys were being erased`);
    }
    this.#days.set(day, left);
  }

  /**
   * Deletes all keys, here and in R2, for a restore: rows that lay under them are lost, and new ones get new keys. Idempotent.
   *
   * @throws Error of the bucket
   */
  async renew(): Promise<void> {
    const bucket = this.#bucket();
    // What is being made would be deleted, and then taken for there.
    await this.#spare;
    await bucket.delete(await bucket.list(PREFIX));
    this.#days.clear();
    this.#ciphers.clear();
    this.#completeDay = -1;
    this.#loading = null;
  }

  /** All days that R2 has: rows may wait for long. */
  async #load(): Promise<void> {
    const bucket = this.#bucket();
    const names = await bucket.list(PREFIX);
    await Promise.all(names.map((name) => this.#take(bucket, Number(/\d+/.exec(name)?.[0]))));
  }

  async #make(days: readonly number[]): Promise<void> {
    const bucket = this.#bucket();
    for (const day of new Set(days)) {
      const keys = this.#random(HOURS_A_DAY * KEY_BYTES);
      // Absent, or another instance of this object was first: then its keys are the ones.
      if ((await bucket.put(objectKey(day), keys, META, null)) !== null) this.#days.set(day, keys);
      else await this.#take(bucket, day);
      if (this.#days.has(day)) continue;
      // Something else lies there. Rows under what it was are lost and counted; those to come must not be.
      const foreign = await bucket.head(objectKey(day));
      if (foreign !== null && (await bucket.put(objectKey(day), keys, META, foreign.etag)) !== null) {
        this.#days.set(day, keys);
      }
    }
  }

  async #take(bucket: BucketPort, day: number): Promise<void> {
    const keys = await bucket.get(objectKey(day));
    if (keys?.length === HOURS_A_DAY * KEY_BYTES) this.#days.set(day, keys);
  }
}

function daysFrom(today: number, count: number): number[] {
  return Array.from({ length: count }, (_, ahead) => today + ahead);
}

function objectKey(day: number): string {
  return `${PREFIX}${day}.bin`;
}
