/**
 * @module The records of an export.bin as we lay them (protocol/export/export-file.ts): field after field, none left out. What is laid in another way has no compact form; its ZIP has it.
 */
import { EXPORT_HEADER } from '../export/export-file.ts';
import { equalBytes } from '../primitives/bytes.ts';
import { KEY_BYTES, type Column } from './cells.ts';

/** Tags of the two lists of an export, in the order in which they stand: keys, revised_keys. */
export const LIST_TAGS = [0x3a, 0x42] as const;
/** Fields of a key: key_data and its length, transmission_risk_level, rolling_start_interval_number, rolling_period, report_type, days_since_onset_of_symptoms. */
const TAG = { key: 0x0a, level: 0x10, start: 0x18, period: 0x20, reportType: 0x28, onset: 0x30 } as const;
/** Behind it key_data begins. */
export const BEFORE_KEY = 4;

/** A record, and where it is. */
export interface KeyRecord extends Column {
  /** Where it begins. */
  readonly at: number;
  readonly start: number;
  /** Where the next one begins. */
  readonly end: number;
}

/** @returns where the records begin: behind the header and every field that isn't one; null for what is no export.bin */
export function headEnd(bin: Uint8Array): number | null {
  if (!equalBytes(bin.subarray(0, EXPORT_HEADER.length), EXPORT_HEADER)) return null;
  let at = EXPORT_HEADER.length;
  while (at < bin.length && !LIST_TAGS.some((tag) => tag === bin[at])) {
    const wire = bin[at]! & 7;
    // Tags of one byte, lengths of one byte: as the fields of our header are.
    if (wire === 1) at += 9;
    else if (wire === 2) at += 2 + (bin[at + 1] ?? bin.length);
    else if (wire === 0) {
      at++;
      while ((bin[at] ?? 0) > 127) at++;
      at++;
    } else return null;
  }
  return at <= bin.length ? at : null;
}

/** @param at where a record of a list begins @returns it, or null where it is laid in another way */
export function readRecord(bin: Uint8Array, at: number): KeyRecord | null {
  let next = at + BEFORE_KEY + KEY_BYTES;
  if (bin[at + 2] !== TAG.key || bin[at + 3] !== KEY_BYTES || bin[next] !== TAG.level) return null;
  const level = bin[next + 1]!;
  if (bin[next + 2] !== TAG.start) return null;
  next += 3;
  let start = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bin[next++];
    if (byte === undefined || shift > 28) return null;
    start += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
  }
  if (bin[next++] !== TAG.period) return null;
  let period = bin[next++] ?? 0;
  if (period > 127) period = (period & 127) + (bin[next++] ?? 0) * 128;
  if (bin[next] !== TAG.reportType || bin[next + 2] !== TAG.onset) return null;
  const [reportType, onset] = [bin[next + 1]!, bin[next + 3]];
  next += 4;
  if (onset === undefined || bin[at + 1] !== next - at - 2) return null;
  return { at, level, start, period, reportType, onset, end: next };
}

const varintBytes = (value: number): number => Math.max(1, Math.ceil((32 - Math.clz32(value)) / 7));

/** @param start < 2^31 @param period ≤ 144 @returns bytes of a record */
export const recordBytes = (start: number, period: number): number =>
  BEFORE_KEY + KEY_BYTES + 2 + 1 + varintBytes(start) + 1 + varintBytes(period) + 4;

/**
 * Lays a record but for its key.
 *
 * @param at where it begins; {@link recordBytes} long
 * @param tag of its list
 */
export function layRecord(bin: Uint8Array, at: number, tag: number, start: number, column: Column): void {
  bin[at] = tag;
  bin[at + 1] = recordBytes(start, column.period) - 2;
  bin[at + 2] = TAG.key;
  bin[at + 3] = KEY_BYTES;
  let next = at + BEFORE_KEY + KEY_BYTES;
  bin[next++] = TAG.level;
  bin[next++] = column.level;
  bin[next++] = TAG.start;
  next = layVarint(bin, next, start);
  bin[next++] = TAG.period;
  next = layVarint(bin, next, column.period);
  bin[next++] = TAG.reportType;
  bin[next++] = column.reportType;
  bin[next++] = TAG.onset;
  bin[next] = column.onset;
}

/** @param value ≥ 0, < 2^31 @returns where the next byte goes */
export function layVarint(bytes: Uint8Array, at: number, value: number): number {
  let next = at;
  for (let rest = value; ; rest >>>= 7) {
    bytes[next++] = rest > 127 ? (rest & 127) | 128 : rest;
    if (rest <= 127) return next;
  }
}
