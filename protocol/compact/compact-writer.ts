/**
 * @module Writes the compact form of a chunk (docs/compact-chunk.md): export.bin and export.sig in a tenth less than a ZIP of them, from which a phone makes both again byte for byte, so
 * that the one signature holds. What makes it smaller is the order of the keys, which says nothing and which deflate can't take out.
 */
import { concatBytes } from '../primitives/bytes.ts';
import { EXPORT_HEADER } from '../export/export-file.ts';
import { BitWriter } from './bits.ts';
import { compareColumns, KEY_BYTES, splitOf, type Cell, type Column } from './cells.ts';
import { BEFORE_KEY, headEnd, layVarint, LIST_TAGS, readRecord, type KeyRecord } from './records.ts';

/** The first bytes of every one; the last of them is the version. */
export const COMPACT_MAGIC = Uint8Array.of(0x45, 0x45, 0x63, 0x01);

/**
 * Cells a key, empty ones too: each takes a byte, and a ZIP is smaller long before. A table is all starts times all columns, which who uploads has a say in: without a limit 28,000 keys
 * could be some gigabytes.
 */
const MOST_CELLS_A_KEY = 48;
/** Of a number below 2^31. */
const MAX_VARINT_BYTES = 5;

/** Keys of one cell, as they stand in export.bin. */
interface Run extends Cell {
  /** Where the first record begins, and how long each is. */
  readonly at: number;
  readonly step: number;
}

/**
 * @param exportBin as protocol/export/export-file.ts lays it, its keys in the order of protocol/export/tek-order.ts
 * @param exportSig export.sig
 * @returns the compact form; null for a file that is laid or ordered in another way, or whose table would be larger than its keys
 */
export function writeCompact(exportBin: Uint8Array, exportSig: Uint8Array): Uint8Array | null {
  const end = headEnd(exportBin);
  if (end === null) return null;
  const lists: Run[][] = [];
  let at = end;
  for (const tag of LIST_TAGS) {
    const read = readRuns(exportBin, at, tag);
    if (read === null) return null;
    lists.push(read.runs);
    at = read.end;
  }
  if (at !== exportBin.length) return null;
  const tables = lists.map((list) => tableOf(list));
  if (tables.includes(null)) return null;
  const runs = lists.flat();
  const head = exportBin.subarray(EXPORT_HEADER.length, end);
  return concatBytes(
    COMPACT_MAGIC,
    varint(head.length),
    head,
    varint(exportSig.length),
    exportSig,
    ...tables.filter((table) => table !== null),
    tailsOf(exportBin, runs),
    ranksOf(exportBin, runs),
  );
}

/** @returns the list's cells in the order of the file, and where it ends; null where keys don't ascend */
function readRuns(bin: Uint8Array, from: number, tag: number): { runs: Run[]; end: number } | null {
  const runs: Run[] = [];
  /** The first of the cell. */
  let before: KeyRecord | null = null;
  let last = from;
  let count = 0;
  let at = from;
  const close = (): void => {
    if (before !== null) {
      const { start, period, level, reportType, onset } = before;
      runs.push({
        start,
        column: { period, level, reportType, onset },
        count,
        at: before.at,
        step: before.end - before.at,
      });
    }
  };
  while (bin[at] === tag) {
    // Most keys say what the one before says. They are compared in place: an object a key is memory that the object which seals hasn't got.
    if (before !== null && saysTheSame(bin, before, at)) {
      if (keyOrder(bin, last, at) > 0) return null;
      count++;
      last = at;
      at += before.end - before.at;
      continue;
    }
    const record = readRecord(bin, at);
    if (record === null) return null;
    const order = before === null ? -1 : before.start - record.start || compareColumns(before, record);
    // None that says the same in other bytes: one spelling is all that is made again.
    if (order >= 0) return null;
    close();
    before = record;
    count = 1;
    last = at;
    at = record.end;
  }
  close();
  return { runs, end: at };
}

/** @returns whether the record at `at` is the other's but for its key */
function saysTheSame(bin: Uint8Array, { at: other, end }: KeyRecord, at: number): boolean {
  for (let i = 0; i < end - other; i++) {
    if (i === BEFORE_KEY) i += KEY_BYTES;
    if (bin[at + i] !== bin[other + i]) return false;
  }
  return true;
}

/** @returns negative, 0 or positive: how the keys of two records stand */
function keyOrder(bin: Uint8Array, one: number, other: number): number {
  for (let i = BEFORE_KEY; i < BEFORE_KEY + KEY_BYTES; i++) {
    const order = bin[one + i]! - bin[other + i]!;
    if (order !== 0) return order;
  }
  return 0;
}

/** A list's cells: columns, then a row a start with the number of keys in each column; null: too many of them are empty. */
function tableOf(runs: readonly Run[]): Uint8Array | null {
  const columns: Column[] = [];
  for (const { column } of runs.toSorted((a, b) => compareColumns(a.column, b.column))) {
    if (columns.length === 0 || compareColumns(columns.at(-1)!, column) !== 0) columns.push(column);
  }
  const rows = Map.groupBy(runs, ({ start }) => start);
  const keys = runs.reduce((sum, { count }) => sum + count, 0);
  if (rows.size * columns.length > keys * MOST_CELLS_A_KEY) return null;
  const numbers = 2 + rows.size + runs.length;
  const table = new Uint8Array(numbers * MAX_VARINT_BYTES + 4 * columns.length + rows.size * columns.length);
  let to = layVarint(table, 0, columns.length);
  for (const { period, level, reportType, onset } of columns) {
    table.set([period, level, reportType, onset], to);
    to += 4;
  }
  to = layVarint(table, to, rows.size);
  let before = 0;
  for (const [start, cells] of rows) {
    to = layVarint(table, to, start - before);
    before = start;
    // Both ascend.
    let next = 0;
    for (const column of columns) {
      const cell = cells[next];
      const isHere = cell !== undefined && compareColumns(cell.column, column) === 0;
      to = layVarint(table, to, isHere ? cell.count : 0);
      if (isHere) next++;
    }
  }
  return table.subarray(0, to);
}

/** What of each key stands behind the bytes that its rank is in. */
function tailsOf(bin: Uint8Array, runs: readonly Run[]): Uint8Array {
  const length = runs.reduce((sum, { count }) => sum + count * (KEY_BYTES - splitOf(count).headBytes), 0);
  const tails = new Uint8Array(length);
  let to = 0;
  for (const { at, step, count } of runs) {
    const { headBytes } = splitOf(count);
    for (let n = 0; n < count; n++) {
      const key = at + n * step + BEFORE_KEY;
      for (let i = headBytes; i < KEY_BYTES; i++) tails[to++] = bin[key + i]!;
    }
  }
  return tails;
}

/** Of each key the first bits, as what they are more than those of the one before, and the rest of their bytes. */
function ranksOf(bin: Uint8Array, runs: readonly Run[]): Uint8Array {
  const most = runs.reduce((sum, { count }) => {
    const { rankBits, restBits } = splitOf(count);
    return rankBits === 0 ? sum : sum + 2 ** rankBits + count * (1 + restBits);
  }, 0);
  const bytes = new Uint8Array(Math.ceil(most / 8));
  const bits = new BitWriter(bytes);
  for (const { at, step, count } of runs) {
    const { rankBits, headBytes, restBits } = splitOf(count);
    if (rankBits === 0) continue;
    let before = 0;
    for (let n = 0; n < count; n++) {
      const key = at + n * step + BEFORE_KEY;
      let head = 0;
      for (let i = 0; i < headBytes; i++) head = head * 256 + bin[key + i]!;
      const rank = head >>> restBits;
      bits.unary(rank - before);
      bits.bits(head & (2 ** restBits - 1), restBits);
      before = rank;
    }
  }
  return bytes.subarray(0, bits.length);
}

function varint(value: number): Uint8Array {
  const bytes = new Uint8Array(MAX_VARINT_BYTES);
  return bytes.subarray(0, layVarint(bytes, 0, value));
}
