/**
 * @module What the gateway keeps, in memory: uploads, which keys they had, and batches that join them for download
 * (docs/spec/europe.md §3.4 to §3.6).
 */
import { type EfgsKey, GATEWAY_BATCH_LIMIT } from '../../protocol/efgs/batch.ts';
import { signingRecord } from '../../protocol/efgs/signing-bytes.ts';
import { readTag, tagOf } from '../../protocol/efgs/tags.ts';
import { dateOf, SECONDS_PER_DAY, startOfDate, type UtcDate } from '../../protocol/gaen/intervals.ts';
import { toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';

/** One upload, whole. */
export interface Upload {
  readonly tag: string;
  readonly country: string;
  readonly keys: readonly EfgsKey[];
  readonly signature: string;
  readonly uploaderThumbprint: string;
  readonly signingThumbprint: string;
  /** Unix seconds. */
  readonly at: number;
  /** The batch it is in; null until the batcher has run. */
  readonly batch: string | null;
}

export interface Batch {
  readonly tag: string;
  readonly date: UtcDate;
  /** Filled in when the next one is made. */
  readonly next: string | null;
}

/** Indices of an upload's keys by what became, or would have become, of each. */
export interface KeyResults {
  readonly 201: readonly number[];
  readonly 409: readonly number[];
  readonly 500: readonly number[];
}

/** What a key is known again by: the same TEK with another risk level is another key. */
const fingerprint = (key: EfgsKey): string => toHex(sha256(utf8(signingRecord(key))));

export class GatewayStore {
  readonly #maxAgeDays: number;
  readonly #failing: (key: EfgsKey) => boolean;
  readonly #maxKeys: number;
  #uploads: Upload[] = [];
  #batches: Batch[] = [];
  #known = new Set<string>();

  /**
   * @param maxAgeDays days that keys can be had
   * @param failing keys that can't be stored, as a database in trouble
   * @param maxKeys that it holds; beyond them uploads fail
   */
  constructor(maxAgeDays: number, failing: (key: EfgsKey) => boolean, maxKeys: number) {
    this.#maxAgeDays = maxAgeDays;
    this.#failing = failing;
    this.#maxKeys = maxKeys;
  }

  /** @returns whether a tag is taken, by whomever; for as long as keys of it are here */
  isTagTaken(tag: string): boolean {
    return this.#uploads.some((upload) => upload.tag === tag);
  }

  /**
   * All or nothing: one key that is here already, or fails, and none is stored.
   *
   * @returns null when all were stored, else what became of each
   */
  insert(upload: Omit<Upload, 'batch'>): KeyResults | null {
    const results = { 201: [] as number[], 409: [] as number[], 500: [] as number[] };
    const added = new Set<string>();
    for (const [index, key] of upload.keys.entries()) {
      const mark = fingerprint(key);
      const status = this.#statusOf(key, this.#known.has(mark) || added.has(mark));
      results[status].push(index);
      if (status === 201) added.add(mark);
    }
    if (this.#known.size + added.size > this.#maxKeys) throw new RangeError('the gateway is full');
    if (results[201].length < upload.keys.length) return results;
    for (const mark of added) this.#known.add(mark);
    this.#uploads.push({ ...upload, batch: null });
    return null;
  }

  #statusOf(key: EfgsKey, known: boolean): 201 | 409 | 500 {
    if (known) return 409;
    return this.#failing(key) ? 500 : 201;
  }

  /**
   * Joins whole uploads, oldest first, until the next would be too many.
   *
   * @param now Unix seconds
   * @returns batches made
   */
  runBatcher(now: number): Batch[] {
    const made: Batch[] = [];
    for (;;) {
      const taken = new Set<Upload>();
      let size = 0;
      for (const upload of this.#uploads.filter(({ batch }) => batch === null)) {
        size += upload.keys.length;
        if (size > GATEWAY_BATCH_LIMIT) break;
        taken.add(upload);
      }
      if (taken.size === 0) return made;
      const batch = this.#nextBatch(dateOf(now));
      this.#uploads = this.#uploads.map((upload) => (taken.has(upload) ? { ...upload, batch: batch.tag } : upload));
      made.push(batch);
    }
  }

  /** Links across midnight: the last batch of a day names the first of the next. */
  #nextBatch(date: UtcDate): Batch {
    const last = this.#batches.at(-1);
    const number = last?.date === date ? (readTag(last.tag)?.number ?? 0) + 1 : 1;
    const batch: Batch = { tag: tagOf(date, number), date, next: null };
    if (last !== undefined) this.#batches[this.#batches.length - 1] = { ...last, next: batch.tag };
    this.#batches.push(batch);
    return batch;
  }

  /** @returns whether nothing of this date can be had any more */
  isGone(date: UtcDate, now: number): boolean {
    return startOfDate(date) < startOfDate(dateOf(now - this.#maxAgeDays * SECONDS_PER_DAY));
  }

  /** @returns the first batch of this date or later */
  firstFrom(date: UtcDate): Batch | null {
    return this.#batches.find((batch) => batch.date >= date) ?? null;
  }

  batch(tag: string): Batch | null {
    return this.#batches.find((batch) => batch.tag === tag) ?? null;
  }

  /** @returns uploads of a batch, in the order they came */
  uploadsOf(tag: string): readonly Upload[] {
    return this.#uploads.filter(({ batch }) => batch === tag);
  }

  /** The nightly deletion: keys go, and their tags are free again; batches stay, empty. @param now Unix seconds */
  purge(now: number): void {
    const oldest = startOfDate(dateOf(now - this.#maxAgeDays * SECONDS_PER_DAY));
    this.#uploads = this.#uploads.filter(({ at }) => at >= oldest);
    this.#known = new Set(this.#uploads.flatMap(({ keys }) => keys.map(fingerprint)));
  }

  /** @returns keys that are here */
  get size(): number {
    return this.#known.size;
  }
}
