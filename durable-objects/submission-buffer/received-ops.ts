/**
 * @module The counts that decoys are drawn from (domain/received.ts): one row, a sum over at least 50 uploads at any time, rewritten
 * with each transaction that stores uploads. Two states one upload apart would say what that upload was, and SQLite's log has all
 * states: so they lie sealed under the key of an hour to come (hour-keys.ts), and are sealed anew before that key is erased.
 *
 * Durable order: a real upload is counted in the transaction that stores it, so that a crash counts it with its keys or not
 * at all, and one that is sent again is not counted twice. Sealing anew is on disk before keys are erased. Counts whose key
 * is gone are as if there were none: decoys follow the profile until others have come.
 */
import type { RandomBytes } from '../../domain/random.ts';
import {
  countUploads,
  forgetHalf,
  nothingReceived,
  readReceived,
  shapeOf,
  writeReceived,
  type Received,
} from '../../domain/received.ts';
import { SECONDS_PER_DAY, hourOf } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import type { GroupEdges } from '../group-commit.ts';
import type { Ciphers } from './hour-keys.ts';
import { UploadTally } from './upload-tally.ts';

/** Sealed under the key of so many hours from now, which is in memory (HourKeys.ready), and sealed anew two hours later. */
const HOURS_AHEAD = 4;
const LEAST_AHEAD = 2;

/**
 * @param ciphers ready for `now`
 * @param random source of what the counts begin with
 * @param now Unix seconds
 * @returns the counts; new ones where there are none that can be read
 */
export function readCounts(sql: SqlStorage, ciphers: Ciphers, random: RandomBytes, now: number): Received {
  const row = storedRow(sql);
  const opened = row === null ? null : (ciphers.cipher(row.hour)?.openCounts(new Uint8Array(row.sealed)) ?? null);
  return (opened === null ? null : readReceived(opened)) ?? nothingReceived(random, Math.floor(now / SECONDS_PER_DAY));
}

/** Real uploads that one transaction stores: their counts are opened and sealed once (group-commit.ts). */
export class ReceivedUploads implements GroupEdges {
  /** Counts by region and issue id, of the same transaction. */
  readonly tally: UploadTally;
  readonly #sql: SqlStorage;
  readonly #ciphers: Ciphers;
  readonly #random: RandomBytes;
  #uploads: { readonly keys: readonly TemporaryExposureKey[]; readonly now: number }[] = [];

  /** @param ciphers ready for the time of each upload @param random for counts that begin, or are halved */
  constructor(sql: SqlStorage, ciphers: Ciphers, random: RandomBytes) {
    this.#sql = sql;
    this.tally = new UploadTally(sql);
    this.#ciphers = ciphers;
    this.#random = random;
  }

  /** A transaction begins; what one that was undone has left is none of it. */
  begin(): void {
    this.tally.begin();
    this.#uploads = [];
  }

  /** @param keys what is new in a real upload, in published form @param now Unix seconds */
  add(keys: readonly TemporaryExposureKey[], now: number): void {
    this.#uploads.push({ keys, now });
  }

  /** Counts them, within the transaction that stores them. */
  end(): void {
    this.tally.end();
    const last = this.#uploads.at(-1);
    if (last === undefined) return;
    const before = readCounts(this.#sql, this.#ciphers, this.#random, last.now);
    const uploads = this.#uploads.map(({ keys, now }) => ({ shape: shapeOf(keys, hourOf(now)), hour: hourOf(now) }));
    write(this.#sql, this.#ciphers, countUploads(this.#random, before, uploads), last.now);
  }
}

/**
 * Seals the counts anew where their key may soon be erased, and forgets half of them when that is due, also where no upload
 * comes any more; all once no real upload is left. Called before keys are erased.
 *
 * @param ciphers ready for `now`
 * @param now Unix seconds
 */
export function keepReceived(sql: SqlStorage, ciphers: Ciphers, random: RandomBytes, now: number): void {
  const row = storedRow(sql);
  if (row === null) return;
  const received = readCounts(sql, ciphers, random, now);
  const left = forgetHalf(random, received, Math.floor(now / SECONDS_PER_DAY));
  if (left.uploads === 0) sql.exec('DELETE FROM received');
  else if (left !== received || row.hour < hourOf(now) + LEAST_AHEAD) write(sql, ciphers, left, now);
}

function storedRow(sql: SqlStorage): { hour: number; sealed: ArrayBuffer } | null {
  return sql.exec<{ hour: number; sealed: ArrayBuffer }>('SELECT hour, sealed FROM received').toArray()[0] ?? null;
}

function write(sql: SqlStorage, ciphers: Ciphers, received: Received, now: number): void {
  const hour = hourOf(now) + HOURS_AHEAD;
  const cipher = ciphers.cipher(hour);
  if (cipher === null) throw new Error(`there is no key for counts of hour ${hour}`);
  sql.exec('INSERT OR REPLACE INTO received VALUES (0, ?, ?)', hour, cipher.sealCounts(writeReceived(received)));
}
