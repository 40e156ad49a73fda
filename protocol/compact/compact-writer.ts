/**
 * @module Writes the compact form of a chunk (docs/compact-chunk.md): export.bin and export.sig in a tenth less than a ZIP of them, from which a phone makes both again byte for byte, so
 * that the one signature holds. What makes it smaller is the order of the keys, which says nothing and which deflate can't take out.
 */
import { compareBytes, concatBytes } from '../primitives/bytes.ts';
import { EXPORT_HEADER } from '../export/export-file.ts';
import { BitWriter } from './bits.ts';
import { compareColumns, KEY_BYTES, splitOf, type Cell, type Column } from './cells.ts';
import { BEFORE_KEY, headEnd, layVarint, LIST_TAGS, readRecord, type KeyRecord } from './records.ts';

/** The first bytes of every one; the last of them is the version. */
export const COMPACT_MAGIC = Uint8Array.of(0x45, 0x45, 0x63, 0x01);

/** Keys of one cell, as they stand in export.bin. */
interface Run extends Cell {
  /** Where the first record begins, and how long each is. */
  readonly at: number;
  readonly step: number;
}

/**
 * @param exportBin as protocol/export/export-file.ts lays it, its keys in the order of protocol/export/tek-order.ts
 * @param exportSig export.sig
 * @returns the compact form; null for a file that is laid or ordered in another way
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
  const runs = lists.flat();
  const head = exportBin.subarray(EXPORT_HEADER.length, end);
  return concatBytes(
    COMPACT_MAGIC,
    varint(head.length),
    head,
    varint(exportSig.length),
    exportSig,
    ...lists.map((list) => tableOf(list)),
    tailsOf(exportBin, runs),
    ranksOf(exportBin, runs),
  );
}

/** @returns the list's cells in the order of the file, and where it ends; null where keys don't ascend */
function readRuns(bin: Uint8Array, from: number, tag: number): { runs: Run[]; end: number } | null {
  const runs: Run[] = [];
  let before: KeyRecord | null = null;
  let first: KeyRecord | null = null;
  let count = 0;
  let at = from;
  const close = (): void => {
    if (first !== null) {
      const { start, period, level, reportType, onset } = first;
      runs.push({
        start,
        column: { period, level, reportType, onset },
        count,
        at: first.at,
        step: first.end - first.at,
      });
    }
  };
  while (bin[at] === tag) {
    const record = readRecord(bin, at);
    if (record === null) return null;
    const order = before === null ? -1 : before.start - record.start || compareColumns(before, record);
    if (order > 0) return null;
    if (order < 0) {
      close();
      first = record;
      count = 0;
    } else if (compareBytes(keyAt(bin, before!.at), keyAt(bin, at)) > 0) return null;
    count++;
    before = record;
    at = record.end;
  }
  close();
  return { runs, end: at };
}

const keyAt = (bin: Uint8Array, at: number): Uint8Array => bin.subarray(at + BEFORE_KEY, at + BEFORE_KEY + KEY_BYTES);

/** A list's cells: columns, then a row a start with the number of keys in each column. */
function tableOf(runs: readonly Run[]): Uint8Array {
  const columns: Column[] = [];
  for (const { column } of runs.toSorted((a, b) => compareColumns(a.column, b.column))) {
    if (columns.length === 0 || compareColumns(columns.at(-1)!, column) !== 0) columns.push(column);
  }
  const rows = Map.groupBy(runs, ({ start }) => start);
  const parts = [varint(columns.length)];
  for (const { period, level, reportType, onset } of columns)
    parts.push(Uint8Array.of(period, level, reportType, onset));
  parts.push(varint(rows.size));
  let before = 0;
  for (const [start, cells] of rows) {
    parts.push(varint(start - before));
    before = start;
    for (const column of columns) {
      parts.push(varint(cells.find((cell) => compareColumns(cell.column, column) === 0)?.count ?? 0));
    }
  }
  return concatBytes(...parts);
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
  const bytes = new Uint8Array(5);
  return bytes.subarray(0, layVarint(bytes, 0, value));
}
