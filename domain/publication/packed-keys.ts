/**
 * @module Keys as fixed rows of bytes: between the objects (RPC) and in the private record. The first 24 bytes of a row
 * compare like `protocol/export/tek-order.ts`, so that sorted runs are merged by comparing bytes; the last four name the row's
 * provenance in a table that travels beside the rows.
 *
 * | bytes | field |
 * |---|---|
 * | 0..3 | rolling_start_interval_number, big-endian |
 * | 4 | rolling_period · 5: transmission_risk_level · 6: report_type |
 * | 7 | days_since_onset_of_symptoms + 128 |
 * | 8..23 | key_data |
 * | 24..27 | index of the provenance, big-endian |
 */
import type { ReportType, TemporaryExposureKey } from '../../protocol/gaen/keys.ts';

export const ROW_BYTES = 28;
export const SORT_BYTES = 24;
export const TEK_OFFSET = 8;
export const REPORT_TYPE_OFFSET = 6;
const TEK_BYTES = 16;
/** So the onset is a byte. */
export const ONSET_BIAS = 128;

/** Everything but the key that later work stands on (docs/architecture.md §4.5); never one of a single person. */
export interface Provenance {
  /** ISO 3166-1 alpha-2, sorted. */
  readonly regions: readonly string[];
  readonly consentToFederation: boolean;
  /** Country that took the upload in; of a peer's key the peer. */
  readonly origin: string;
  /** Of a peer's key: the batch that it came with, so that it can be undone; left out of a local one. */
  readonly batch?: string;
  /** A decoy: marked only in the buffer and the private record. */
  readonly synthetic: boolean;
  /** A decoy that no minimum needed: it was set aside to go with keys that are taken back. */
  readonly reserve?: true;
}

/** The same with its keys as bytes, one after the other. */
export type Packed<T extends { readonly keys: unknown }> = Omit<T, 'keys'> & { readonly keys: Uint8Array };

/** Writes a key, the first {@link SORT_BYTES} of a row. */
export function packKey(rows: Uint8Array, offset: number, key: TemporaryExposureKey): void {
  writeUint32(rows, offset, key.rollingStartIntervalNumber);
  rows[offset + 4] = key.rollingPeriod;
  rows[offset + 5] = key.transmissionRiskLevel;
  rows[offset + 6] = key.reportType;
  rows[offset + 7] = key.daysSinceOnsetOfSymptoms + ONSET_BIAS;
  rows.set(key.keyData, offset + TEK_OFFSET);
}

/** Writes the index of a row's provenance. */
export function packProvenance(rows: Uint8Array, offset: number, provenance: number): void {
  writeUint32(rows, offset + SORT_BYTES, provenance);
}

/** @returns the key of the row at `offset`; its bytes are a view of `rows`. */
export function unpackKey(rows: Uint8Array, offset: number): TemporaryExposureKey {
  return {
    keyData: rows.subarray(offset + TEK_OFFSET, offset + TEK_OFFSET + TEK_BYTES),
    rollingStartIntervalNumber: uint32(rows, offset),
    rollingPeriod: rows[offset + 4]!,
    transmissionRiskLevel: rows[offset + 5]!,
    reportType: rows[offset + 6]! as ReportType,
    daysSinceOnsetOfSymptoms: rows[offset + 7]! - ONSET_BIAS,
  };
}

/** @returns ENIntervalNumber at which the row's key starts. */
export function rowStart(rows: Uint8Array, offset: number): number {
  return uint32(rows, offset);
}

/** @returns the index of the row's provenance. */
export function rowProvenance(rows: Uint8Array, offset: number): number {
  return uint32(rows, offset + SORT_BYTES);
}

/** @returns negative, 0 or positive, as the published order has it. */
export function compareRows(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): number {
  for (let i = 0; i < SORT_BYTES; i++) {
    const difference = a[aOffset + i]! - b[bOffset + i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Big-endian. */
export function writeUint32(rows: Uint8Array, offset: number, value: number): void {
  rows[offset] = value >>> 24;
  rows[offset + 1] = value >>> 16;
  rows[offset + 2] = value >>> 8;
  rows[offset + 3] = value;
}

/** Big-endian. */
export function uint32(rows: Uint8Array, offset: number): number {
  return rows[offset]! * 0x1000000 + ((rows[offset + 1]! << 16) | (rows[offset + 2]! << 8) | rows[offset + 3]!);
}
