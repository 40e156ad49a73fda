/**
 * @module How a waiting row lies on disk: encrypted under a key of its release hour, which lies in R2 alone and is erased when
 * the hour is forgotten (hour-keys.ts, docs/decisions/022). SQLite's log, from which the platform can restore an object for 30
 * days, and pages that were freed then hold nothing that anybody can read or group.
 *
 * | bytes | stored row | keyed by |
 * |---|---|---|
 * | 0..15 | tag: AES-256 of key_data, one block. Equal for equal keys, so it also says whether a key is known | `row-tag` |
 * | 16..79 | AES-256-CTR of the 64 bytes below; the tag, its two lowest bits cleared, is the first counter block | `row` |
 *
 * | bytes | opened row |
 * |---|---|
 * | 16..39 | start, period, level, report type, onset, key_data, as in domain/publication/packed-keys.ts |
 * | 40..45 | label: which regions, consent, origin, code batch (row-labels.ts) · 46: 1 if what is said of the key isn't what was said first (revise-rows.ts) · 47: zero |
 * | 48..63 | the lasting hash, which outlives the row (known-ops.ts) |
 * | 64..79 | the withdrawal hash (protocol/withdrawal.ts), random for a key that came without one |
 *
 * A key is stored once, so its tag and with it a counter block doesn't repeat: the two bits number the four of a row. A row that is written again, since its key is taken over from a peer or
 * revised, has the same: who has both says where they differ (level, report type, onset, label), and of which key he doesn't know. All keystream of a call comes
 * from one pass of the block cipher (NIST SP 800-38A, counter mode): the 14 rows of an upload, or the thousands of a page.
 */
import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual, type Cipheriv } from 'node:crypto';
import { concatBytes, utf8 } from '../../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../../protocol/primitives/hash.ts';
import { SORT_BYTES, TEK_OFFSET } from '../../domain/publication/packed-keys.ts';
import { release, Scratch } from './memory.ts';

export const STORED_ROW_BYTES = 80;
export const TAG_BYTES = 16;
/** Where the packed fields begin in an opened row: behind the tag. */
export const FIELDS_OFFSET = 16;
export const LABEL_OFFSET = FIELDS_OFFSET + SORT_BYTES;
const LABEL_BYTES = 6;
export const REVISED_OFFSET = LABEL_OFFSET + LABEL_BYTES;
export const HASH_OFFSET = LABEL_OFFSET + 8;
export const HASH_BYTES = 16;
export const WITHDRAWAL_OFFSET = HASH_OFFSET + HASH_BYTES;

const TEK_IN_ROW = FIELDS_OFFSET + TEK_OFFSET;
const BLOCKS_A_ROW = (STORED_ROW_BYTES - TAG_BYTES) / TAG_BYTES;
const WORDS_A_ROW = STORED_ROW_BYTES / 4;
const WORDS_A_TAG = TAG_BYTES / 4;
/** A label's text is filled up to a multiple of this, so that its length tells little. */
const LABEL_BLOCK_CHARACTERS = 128;

const GCM_NONCE_BYTES = 12;

const COUNTERS = new Scratch();
const TEKS = new Scratch();

/** A text about rows, sealed under the key of their hour. */
export interface SealedLabel {
  /** 48 bits of a keyed hash of the text. */
  readonly label: number;
  readonly sealed: Uint8Array;
}

/** Seals and opens the rows of one release hour. */
export class HourCipher {
  readonly #tag: Cipheriv;
  readonly #row: Cipheriv;
  readonly #labelName: Uint8Array;
  readonly #labelText: Uint8Array;
  readonly #counts: Uint8Array;
  readonly #withdrawn: Uint8Array;
  readonly #revised: Uint8Array;
  readonly #answer: Uint8Array;
  readonly #stats: Uint8Array;
  #queue: HourCipher | null = null;
  #revisions: HourCipher | null = null;
  /** A pure function of the text, so a transaction that is undone leaves nothing wrong in it. */
  readonly #labels = new Map<string, SealedLabel>();
  /** What was sealed last, which the next upload opens again: told by its bytes, so a rollback leaves nothing wrong in it. */
  #lastCounts: { readonly sealed: Uint8Array; readonly counts: Uint8Array } | null = null;

  /** @param key 32 random bytes */
  constructor(key: Uint8Array) {
    const derived = (use: string): Uint8Array => hmacSha256(key, utf8(`exposure-edge/waiting/${use}/v1`));
    this.#tag = blockCipher(derived('row-tag'));
    this.#row = blockCipher(derived('row'));
    this.#labelName = derived('label-name');
    this.#labelText = derived('label-text');
    this.#counts = derived('counts');
    this.#withdrawn = derived('withdrawn');
    this.#revised = derived('revised');
    this.#answer = derived('answer');
    this.#stats = derived('stats');
  }

  /** For keys that are taken back (withdrawal-queue.ts): under keys of its own, since such a key may wait as a row of the same hour. */
  get queue(): HourCipher {
    return (this.#queue ??= new HourCipher(this.#withdrawn));
  }

  /** For keys of which something is said anew (revision-queue.ts): such a key may be taken back in the same hour. */
  get revisions(): HourCipher {
    return (this.#revisions ??= new HourCipher(this.#revised));
  }

  /** @param teks key_data, one after the other @returns their tags, one after the other */
  tags(teks: Uint8Array): Uint8Array {
    return this.#tag.update(teks);
  }

  /** Seals rows in place. @param rows opened rows, their tags not yet written */
  seal(rows: Uint8Array): void {
    const tags = this.tags(teksOf(rows));
    for (let n = 0; n * STORED_ROW_BYTES < rows.length; n++) {
      rows.set(tags.subarray(n * TAG_BYTES, (n + 1) * TAG_BYTES), n * STORED_ROW_BYTES);
    }
    this.#crypt(rows);
  }

  /**
   * Opens rows in place. One that was sealed under another key, or was damaged, does not fit its tag and is left out.
   *
   * @param rows stored rows
   * @returns the good ones, moved together at the start of the same memory
   */
  open(rows: Uint8Array): Uint8Array {
    this.#crypt(rows);
    const tags = this.tags(teksOf(rows));
    let good = 0;
    for (let row = 0; row < rows.length; row += STORED_ROW_BYTES) {
      if (!fits(rows, row, tags, (row / STORED_ROW_BYTES) * TAG_BYTES)) continue;
      if (good !== row) rows.copyWithin(good, row, row + STORED_ROW_BYTES);
      good += STORED_ROW_BYTES;
    }
    release(tags);
    return rows.subarray(0, good);
  }

  /** @param text what is to be said about rows; the same text has the same label within the hour */
  sealLabel(text: string): SealedLabel {
    const present = this.#labels.get(text);
    if (present !== undefined) return present;
    const name = hmacSha256(this.#labelName, utf8(text)).subarray(0, LABEL_BYTES);
    const label = readLabel(name, 0);
    const padded = utf8(
      text.padEnd(Math.ceil(Math.max(1, text.length) / LABEL_BLOCK_CHARACTERS) * LABEL_BLOCK_CHARACTERS),
    );
    const made = { label, sealed: this.#cryptLabel(label, padded) };
    this.#labels.set(text, made);
    return made;
  }

  /** @returns the text, or null when it was sealed under another key */
  openLabel({ label, sealed }: SealedLabel): string | null {
    const text = new TextDecoder().decode(this.#cryptLabel(label, sealed)).trimEnd();
    return readLabel(hmacSha256(this.#labelName, utf8(text)), 0) === label ? text : null;
  }

  /** Seals counts (received-ops.ts): AES-256-GCM under a nonce of its own, since they are written again and again. @param counts never changed afterwards */
  sealCounts(counts: Uint8Array): Uint8Array {
    const sealed = sealText(this.#counts, counts);
    this.#lastCounts = { sealed, counts };
    return sealed;
  }

  /** @returns the counts, not to be changed, or null when they were sealed under another key or damaged */
  openCounts(sealed: Uint8Array): Uint8Array | null {
    const last = this.#lastCounts;
    if (last?.sealed.length === sealed.length && timingSafeEqual(last.sealed, sealed)) return last.counts;
    return openText(this.#counts, sealed);
  }

  /** Seals what an upload was answered (publish-answers.ts), as {@link sealCounts} does. */
  sealAnswer(answer: Uint8Array): Uint8Array {
    return sealText(this.#answer, answer);
  }

  /** @returns the answer, or null when it was sealed under another key or damaged */
  openAnswer(sealed: Uint8Array): Uint8Array | null {
    return openText(this.#answer, sealed);
  }

  /** Seals a day's statistics (stats-ops.ts), as {@link sealCounts} does. */
  sealStats(counts: Uint8Array): Uint8Array {
    return sealText(this.#stats, counts);
  }

  /** @returns the statistics, or null when they were sealed under another key or damaged */
  openStats(sealed: Uint8Array): Uint8Array | null {
    return openText(this.#stats, sealed);
  }

  #cryptLabel(label: number, bytes: Uint8Array): Uint8Array {
    const counter = new Uint8Array(TAG_BYTES);
    writeLabel(counter, 0, label);
    return Uint8Array.from(createCipheriv('aes-256-ctr', this.#labelText, counter).update(bytes));
  }

  #crypt(rows: Uint8Array): void {
    const counters = COUNTERS.take((rows.length / STORED_ROW_BYTES) * BLOCKS_A_ROW * TAG_BYTES);
    const [from, to] = [wordsOf(rows), wordsOf(counters)];
    for (let row = 0, at = 0; row < from.length; row += WORDS_A_ROW) {
      for (let block = 0; block < BLOCKS_A_ROW; block++, at += WORDS_A_TAG) {
        to[at] = from[row]!;
        to[at + 1] = from[row + 1]!;
        to[at + 2] = from[row + 2]!;
        to[at + 3] = from[row + 3]!;
        const last = 4 * at + TAG_BYTES - 1;
        counters[last] = (counters[last]! & ~3) | block;
      }
    }
    const stream: Uint8Array = this.#row.update(counters);
    const mask = wordsOf(stream);
    for (let row = WORDS_A_TAG, at = 0; row < from.length; row += WORDS_A_ROW) {
      const end = row + WORDS_A_ROW - WORDS_A_TAG;
      for (let i = row; i < end; i++, at++) from[i] = from[i]! ^ mask[at]!;
    }
    release(stream);
  }
}

function sealText(key: Uint8Array, text: Uint8Array): Uint8Array {
  const nonce = randomBytes(GCM_NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return concatBytes(nonce, cipher.update(text), cipher.final(), cipher.getAuthTag());
}

function openText(key: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  if (sealed.length < GCM_NONCE_BYTES + TAG_BYTES) return null;
  const cipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, GCM_NONCE_BYTES));
  cipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    const text = cipher.update(sealed.subarray(GCM_NONCE_BYTES, sealed.length - TAG_BYTES));
    cipher.final();
    return Uint8Array.from(text);
  } catch {
    return null;
  }
}

/** Writes a label. */
export function writeLabel(bytes: Uint8Array, offset: number, label: number): void {
  const high = Math.floor(label / 0x1_0000_0000);
  bytes[offset] = high >>> 8;
  bytes[offset + 1] = high;
  for (let i = 0; i < 4; i++) bytes[offset + 2 + i] = label >>> (24 - 8 * i);
}

/** @returns the label at `offset` */
export function readLabel(bytes: Uint8Array, offset: number): number {
  let label = 0;
  for (let i = 0; i < LABEL_BYTES; i++) label = label * 256 + bytes[offset + i]!;
  return label;
}

/**
 * Four bytes at a time, in whatever order they lie: they are copied and XORed alone. A byte at a time, or by a DataView, V8 spends as much on running
 * and compiling these loops after a start as a hundred uploads take. All rows, scratch memory and streams of a cipher begin at a multiple of four.
 */
function wordsOf({ buffer, byteOffset, byteLength }: Uint8Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

/** AES-256 block by block: each call gives as many bytes as it takes, and nothing is carried over to the next. */
function blockCipher(key: Uint8Array): Cipheriv {
  return createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
}

function teksOf(rows: Uint8Array): Uint8Array {
  const teks = TEKS.take((rows.length / STORED_ROW_BYTES) * TAG_BYTES);
  const [from, to] = [wordsOf(rows), wordsOf(teks)];
  for (let row = TEK_IN_ROW / 4, at = 0; row < from.length; row += WORDS_A_ROW) {
    for (let i = row; i < row + WORDS_A_TAG; i++, at++) to[at] = from[i]!;
  }
  return teks;
}

function fits(rows: Uint8Array, row: number, tags: Uint8Array, tag: number): boolean {
  for (let i = 0; i < TAG_BYTES; i++) if (rows[row + i] !== tags[tag + i]) return false;
  return true;
}
