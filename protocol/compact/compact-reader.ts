/**
 * @module Reads the compact form of a chunk (docs/compact-chunk.md): makes export.bin and export.sig again, byte for byte. Never throws on any bytes; nothing is allocated that the bytes don't pay for: a key's record
 * is at most three times what it takes here, and limits of an export hold (protocol/export/export-reader.ts). Whether the bytes are anybody's, the signature tells, as of a ZIP.
 */
import { EXPORT_HEADER } from '../export/export-file.ts';
import type { ExportFiles } from '../export/export-reader.ts';
import { equalBytes } from '../primitives/bytes.ts';
import { err, ok, type Result } from '../primitives/result.ts';
import { BitReader } from './bits.ts';
import { KEY_BYTES, splitOf, type Cell, type Column } from './cells.ts';
import { COMPACT_MAGIC } from './compact-writer.ts';
import { BEFORE_KEY, layRecord, LIST_TAGS, recordBytes } from './records.ts';

/** As the ZIP's: 16 MB, 750,000 keys (docs/spec/gaen.md §4.5). */
const MAX_COMPACT_BYTES = 16_000_000;
const MAX_KEYS = 750_000;
const MAX_HEAD_BYTES = 16_384;
const MAX_SIG_BYTES = 65_536;
const MAX_PERIOD = 144;
/** Of a column's own bytes, and of the tail of the key that it is there for: ranks of 750,000 keys take three. */
const LEAST_BYTES_A_COLUMN = 4 + KEY_BYTES - 3;
const MAX_INTERVAL_NUMBER = 0x7fff_ffff;

/** Why it is none. */
export interface CompactError {
  readonly kind: 'bad-compact';
  readonly rule: string;
}

const fail = (rule: string): Result<never, CompactError> => err({ kind: 'bad-compact', rule });

/** A view of bytes that is walked; past its end everything is null. */
class Walk {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Uint8Array | null {
    if (length > this.left) return null;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** @returns < 2^31, in the fewest bytes; null for anything else */
  varint(): number | null {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) return null;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value > MAX_INTERVAL_NUMBER || (byte === 0 && shift > 0) ? null : value;
    }
    return null;
  }
}

/**
 * @param bytes any bytes
 * @returns the two files, or the first rule that is broken
 */
export function readCompact(bytes: Uint8Array): Result<ExportFiles, CompactError> {
  if (bytes.length > MAX_COMPACT_BYTES) return fail(`at most ${MAX_COMPACT_BYTES} bytes`);
  const walk = new Walk(bytes);
  const magic = walk.take(COMPACT_MAGIC.length);
  if (magic === null || !equalBytes(magic, COMPACT_MAGIC)) return fail('begins with EEc and version 1');
  const head = sized(walk, MAX_HEAD_BYTES);
  if (head === null) return fail(`a head of at most ${MAX_HEAD_BYTES} bytes`);
  const exportSig = sized(walk, MAX_SIG_BYTES);
  if (exportSig === null) return fail(`a signature of at most ${MAX_SIG_BYTES} bytes`);
  const lists: Cell[][] = [];
  let keys = 0;
  for (const _ of LIST_TAGS) {
    const cells = readTable(walk, MAX_KEYS - keys);
    if (typeof cells === 'string') return fail(cells);
    lists.push(cells);
    keys += cells.reduce((sum, { count }) => sum + count, 0);
  }
  const tails = walk.take(sumOf(lists, ({ count }) => count * (KEY_BYTES - splitOf(count).headBytes)));
  const ranks = walk.take(walk.left);
  if (tails === null || ranks === null) return fail('the tails of all keys');
  const start = EXPORT_HEADER.length + head.length;
  const exportBin = new Uint8Array(
    start + sumOf(lists, (cell) => cell.count * recordBytes(cell.start, cell.column.period)),
  );
  exportBin.set(EXPORT_HEADER);
  exportBin.set(head, EXPORT_HEADER.length);
  const rule = layLists(exportBin, start, lists, tails, new BitReader(ranks));
  return rule === null ? ok({ exportBin, exportSig: exportSig.slice() }) : fail(rule);
}

function sized(walk: Walk, most: number): Uint8Array | null {
  const length = walk.varint();
  return length === null || length > most ? null : walk.take(length);
}

const sumOf = (lists: readonly (readonly Cell[])[], of: (cell: Cell) => number): number =>
  lists.reduce((sum, cells) => cells.reduce((inner, cell) => inner + of(cell), sum), 0);

/** @param most keys that it may have @returns a list's cells that hold a key, in the order of the file; or the rule that is broken */
function readTable(walk: Walk, most: number): Cell[] | string {
  const columns = readColumns(walk);
  if (columns === null) return 'columns of four bytes, each in its range';
  const rows = walk.varint();
  // A row takes a byte at least, and one for each column.
  if (rows === null || rows * (1 + columns.length) > walk.left) return 'rows of one count a column';
  const cells: Cell[] = [];
  let start = 0;
  let keys = 0;
  let tails = 0;
  for (let row = 0; row < rows; row++) {
    const more = walk.varint();
    if (more === null || start + more > MAX_INTERVAL_NUMBER) return 'starts below 2^31';
    start += more;
    for (const column of columns) {
      const count = walk.varint();
      if (count === null || (keys += count) > most) return `at most ${MAX_KEYS} keys`;
      if (count === 0) continue;
      // A cell takes fifty times the byte that it stands in: none is made that no key is there for.
      tails += count * (KEY_BYTES - splitOf(count).headBytes);
      if (tails > walk.left) return 'the tails of all keys';
      cells.push({ start, column, count });
    }
  }
  return cells;
}

function readColumns(walk: Walk): Column[] | null {
  const count = walk.varint();
  if (count === null || count * LEAST_BYTES_A_COLUMN > walk.left) return null;
  const columns: Column[] = [];
  for (let n = 0; n < count; n++) {
    const [period = 0, level = 0, reportType = 0, onset = 0] = walk.take(4)!;
    if (period < 1 || period > MAX_PERIOD || Math.max(level, reportType, onset) > 127) return null;
    columns.push({ period, level, reportType, onset });
  }
  return columns;
}

/** @returns the rule that is broken, or null */
function layLists(
  bin: Uint8Array,
  from: number,
  lists: readonly (readonly Cell[])[],
  tails: Uint8Array,
  ranks: BitReader,
): string | null {
  let at = from;
  let tail = 0;
  for (const [list, cells] of lists.entries()) {
    for (const { start, column, count } of cells) {
      const { rankBits, headBytes, restBits } = splitOf(count);
      const step = recordBytes(start, column.period);
      let rank = 0;
      for (let n = 0; n < count; n++, at += step) {
        layRecord(bin, at, LIST_TAGS[list]!, start, column);
        if (rankBits > 0) {
          const more = ranks.unary(2 ** rankBits - 1 - rank);
          const rest = ranks.bits(restBits);
          if (more < 0 || rest < 0) return 'a rank for each key, below the power of two of its cell';
          rank += more;
          let head = rank * 2 ** restBits + rest;
          for (let i = headBytes - 1; i >= 0; i--, head >>>= 8) bin[at + BEFORE_KEY + i] = head & 255;
        }
        for (let i = headBytes; i < KEY_BYTES; i++) bin[at + BEFORE_KEY + i] = tails[tail++]!;
      }
    }
  }
  return ranks.isSpent ? null : 'nothing behind the last key but zeros of its byte';
}
