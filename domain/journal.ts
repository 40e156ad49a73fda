/**
 * @module The journal of what waits to be published (docs/decisions/038): what SubmissionBuffer holds that no record in a bucket holds
 * yet, so that a lost object costs five minutes of uploads and not a day. One object, `journal/waiting.bin` in the private
 * bucket, sealed to the offline restore key (sealed-pages.ts) and padded to a size that doesn't change with what comes.
 *
 * Plain bytes: length of the JSON, 4 bytes big-endian; the JSON, {@link JournalState}; rows; lasting hashes of keys that ended before they were published, each 16 bytes and
 * the hour of its end, 4 bytes big-endian, in the order of the hashes; zeros to the end of the page.
 *
 * | bytes of a row | what |
 * |---|---|
 * | 0..23 | start, period, level, report type, onset, key_data, as in domain/publication/packed-keys.ts |
 * | 24..27 | release hour, big-endian |
 * | 28..31 | number of its label in `labels`, big-endian |
 * | 32..47 | withdrawal hash (protocol/withdrawal.ts) |
 *
 * Rows lie by release hour, and within it in the order of the buffer's tags, which is a function of the keys and not of
 * their arrival. Nothing in it is finer than the hour.
 */
import { fromUtf8, utf8 } from '../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../protocol/primitives/result.ts';
import type { DroppedRows } from './publication/taken.ts';
import { PAGE_BYTES } from './sealed-pages.ts';

/** Key of the object in the private bucket. */
export const JOURNAL_KEY = 'journal/waiting.bin';
/** What it is sealed for. */
export const JOURNAL_USE = 'exposure-edge/journal/v1';
export const JOURNAL_ROW_BYTES = 48;
export const JOURNAL_HOUR_OFFSET = 24;
export const JOURNAL_LABEL_OFFSET = 28;
export const JOURNAL_WITHDRAWAL_OFFSET = 32;
/** A lasting hash, then the hour of its end. */
export const JOURNAL_ENDED_BYTES = 20;
const FORMAT = 3;
/** Without hashes of what ended. An object may be lost before it was ever rewritten by this version. */
const FORMER_FORMAT = 2;
const LENGTH_BYTES = 4;
/** 1.5 MiB: some 32,000 keys, more than a day of a country with 2,000 cases. */
const LEAST_PAGES = 6;

/** What rows have in common. */
export interface JournalLabel {
  /** ISO 3166-1 alpha-2, sorted. */
  readonly regions: readonly string[];
  readonly consentToFederation: boolean;
  /** ISO 3166-1 alpha-2. */
  readonly origin: string;
  /** A decoy. */
  readonly synthetic: boolean;
  readonly issueId: string | null;
  /** Of a peer's key: the batch it came with. */
  readonly batch?: string;
}

/** A row of `release_counter` (durable-objects/STORAGE.md). */
export interface JournalCounter {
  readonly hour: number;
  readonly region: string;
  readonly keys: number;
  readonly firstUploads: number;
  readonly anyUploads: number;
  readonly syntheticKeys: number;
  readonly syntheticFirstUploads: number;
}

/** A row of `release_set`. */
export interface JournalSet {
  readonly setNo: number;
  readonly hour: number;
  readonly firstHour: number | null;
  readonly lastHour: number | null;
  readonly decision: string;
  /** JSON, as the buffer holds it. */
  readonly facts: string;
  readonly purged: boolean;
}

/** Everything but the rows. Hours are hours since the Unix epoch. */
export interface JournalState {
  /** Hour in which it was written. */
  readonly hour: number;
  /** Hour of the first upload ever, null before it. */
  readonly firstHour: number | null;
  readonly sets: readonly JournalSet[];
  readonly labels: readonly JournalLabel[];
  readonly counters: readonly JournalCounter[];
  /** Keys that their owners took back and the publisher hasn't ended yet, lowercase hex, ascending. */
  readonly takenBack: readonly string[];
  /** Keys of which something is said anew, by what is said and then by the key (publication/revision.ts), lowercase hex; left out in journals from before there were any. */
  readonly revised?: readonly string[];
  /** Issue ids that have ended, by the buffer's names for them in hex. */
  readonly ended: readonly { readonly name: string; readonly expiresHour: number }[];
  readonly rows: number;
  /** How many keys ended before they were published, and are never taken in again. */
  readonly endedKeys: number;
  /** What of that the event log doesn't tell of yet. */
  readonly dropped: readonly DroppedRows[];
}

/** An opened journal. */
export interface ReadJournal {
  readonly state: JournalState;
  readonly rows: Uint8Array;
  /** Hashes of {@link JOURNAL_ENDED_BYTES}. */
  readonly endedKeys: Uint8Array;
}

/** Plain bytes that are laid into pages. */
export interface PlainJournal {
  readonly pages: number;
  /** Writes what belongs on page `n`; `page` holds zeros. */
  readonly fill: (page: Uint8Array, n: number) => void;
}

/**
 * @param state everything but the rows
 * @param rows pieces, each of whole rows, then of whole hashes of keys that ended
 * @param before pages that the last one had, 0 if there is none: a journal never gets smaller, and it grows by doubling, so that
 *   its size says nothing of a day
 * @param laid is called with each piece when its last byte is on a page: it may be freed
 * @returns the plain bytes in pages, which are asked for in their order
 */
export function layJournal(
  state: JournalState,
  rows: readonly Uint8Array[],
  before: number,
  laid: (piece: Uint8Array) => void = () => {},
): PlainJournal {
  const json = utf8(JSON.stringify({ format: FORMAT, ...state }));
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setUint32(0, json.length);
  const pieces = [length, json, ...rows];
  const starts: number[] = [];
  let total = 0;
  for (const piece of pieces) {
    starts.push(total);
    total += piece.length;
  }
  let pages = Math.max(LEAST_PAGES, before);
  while (pages * PAGE_BYTES < total) pages *= 2;
  const fill = (page: Uint8Array, n: number): void => {
    const from = n * PAGE_BYTES;
    for (const [i, piece] of pieces.entries()) {
      const start = starts[i]! - from;
      if (start >= page.length || start + piece.length <= 0) continue;
      const skipped = Math.max(0, -start);
      const wanted = Math.min(piece.length - skipped, page.length - Math.max(0, start));
      page.set(piece.subarray(skipped, skipped + wanted), Math.max(0, start));
      if (skipped + wanted === piece.length) laid(piece);
    }
  };
  return { pages, fill };
}

/**
 * @param plain from `openPages`
 * @returns what stands in the journal, or which rule it breaks
 */
export function readJournal(plain: Uint8Array): Result<ReadJournal, string> {
  if (plain.length < LENGTH_BYTES) return err(`journal: ${plain.length} bytes are too few`);
  const length = new DataView(plain.buffer, plain.byteOffset).getUint32(0);
  if (LENGTH_BYTES + length > plain.length) return err(`journal: its JSON of ${length} bytes ends outside it`);
  let state: JournalState & { readonly format: number };
  try {
    state = JSON.parse(fromUtf8(plain.subarray(LENGTH_BYTES, LENGTH_BYTES + length))) as typeof state;
  } catch {
    return err('journal: its description is no JSON');
  }
  if (state.format === FORMER_FORMAT) state = { ...state, endedKeys: 0, dropped: [] };
  else if (state.format !== FORMAT) return err(`journal: format ${state.format}, and this version reads ${FORMAT}`);
  const start = LENGTH_BYTES + length;
  const end = start + state.rows * JOURNAL_ROW_BYTES;
  const last = end + state.endedKeys * JOURNAL_ENDED_BYTES;
  if (last > plain.length) return err(`journal: ${state.rows} rows and ${state.endedKeys} hashes end outside it`);
  return ok({ state, rows: plain.subarray(start, end), endedKeys: plain.subarray(end, last) });
}
