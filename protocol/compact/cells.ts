/**
 * @module What keys of a compact chunk are sorted into (docs/compact-chunk.md §3): a cell holds the keys of one list that say the same but for their 16 bytes. Within a
 * cell they ascend, so the first bits of each are told as what they are more than those before: all that an order can save.
 */

/** Bytes of key_data. */
export const KEY_BYTES = 16;

/** What the keys of a column say. */
export interface Column {
  /** rolling_period, 1..144. */
  readonly period: number;
  /** transmission_risk_level, 0..8. */
  readonly level: number;
  /** report_type, 0..5. */
  readonly reportType: number;
  /** days_since_onset_of_symptoms, zigzag. */
  readonly onset: number;
}

/** Keys of one start and one column. */
export interface Cell {
  /** rolling_start_interval_number. */
  readonly start: number;
  readonly column: Column;
  /** Keys, > 0. */
  readonly count: number;
}

/** How the keys of a cell are split; a function of their number alone. */
export interface Split {
  /** First bits, which are told as differences: the least power of two that is no less than the number of keys. */
  readonly rankBits: number;
  /** Whole bytes that hold them. */
  readonly headBytes: number;
  /** Bits of these bytes behind the first ones, as they are. */
  readonly restBits: number;
}

/** @param count keys of a cell, > 0 @returns how they are split */
export function splitOf(count: number): Split {
  const rankBits = 32 - Math.clz32(count - 1);
  const headBytes = Math.ceil(rankBits / 8);
  return { rankBits, headBytes, restBits: headBytes * 8 - rankBits };
}

/** @param column whose @param other one to compare with @returns negative, 0 or positive: the order of an export (protocol/export/tek-order.ts) */
export function compareColumns(column: Column, other: Column): number {
  return (
    column.period - other.period ||
    column.level - other.level ||
    column.reportType - other.reportType ||
    signed(column.onset) - signed(other.onset)
  );
}

const signed = (zigzag: number): number => (zigzag >>> 1) ^ -(zigzag & 1);
