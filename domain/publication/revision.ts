/**
 * @module What is said anew of a published key (docs/decisions/065): a test bore out a suspicion, say. The key stays in `keys` as it was; an entry of `revised_keys` says the new report type, once in its life.
 *
 * In the queue and the journal the fields are as in a row of packed-keys.ts, and the key_data follows:
 *
 * | bytes | field |
 * |---|---|
 * | 0 | transmission_risk_level · 1: report_type · 2: days_since_onset_of_symptoms + 128 · 3..18: key_data |
 */
import { REPORT_TYPE, type ReportType, type RevisedType, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { encodeRiskLevel } from '../keys/risk.ts';
import { ONSET_BIAS } from './packed-keys.ts';

/** What a revision says. */
export type RevisedFields = Pick<
  TemporaryExposureKey,
  'transmissionRiskLevel' | 'reportType' | 'daysSinceOnsetOfSymptoms'
>;

/** A published key, and what is said of it from now on. */
export interface KeyRevision {
  /** 16 bytes. */
  readonly keyData: Uint8Array;
  readonly fields: RevisedFields;
}

/** Report types that a key must have to come to have another. */
const REVISABLE: Readonly<Record<RevisedType, readonly ReportType[]>> = {
  [REPORT_TYPE.CONFIRMED_TEST]: [REPORT_TYPE.SELF_REPORT, REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS],
  [REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS]: [REPORT_TYPE.SELF_REPORT],
};
/** The lower of the two levels that stand for a type (docs/spec/cwa.md §2.4). */
const LOWER_LEVEL: Readonly<Record<RevisedType, number>> = {
  [REPORT_TYPE.CONFIRMED_TEST]: 7,
  [REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS]: 5,
};

/** @returns whether a published key of this report type can come to have that one */
export const isRevisable = (reportType: number, to: RevisedType): boolean =>
  REVISABLE[to].includes(reportType as ReportType);

/**
 * Says a row's key with another report type. How much it weighs stays as it was published: decoys go with it, of which nobody knows an onset, and were some weights changed and others not, these would tell.
 *
 * @param rows changed in place @param offset of a row of packed-keys.ts
 */
export function reviseRow(rows: Uint8Array, offset: number, to: RevisedType): void {
  const level = LOWER_LEVEL[to] + (rows[offset + 5]! % 2 === 0 ? 1 : 0);
  packRevised(rows, offset + 5, { transmissionRiskLevel: level, ...encodeRiskLevel(level) });
}

/** Bytes of the fields. */
const REVISED_BYTES = 3;
/** Bytes of the fields and the key. */
const KEY_REVISION_BYTES = REVISED_BYTES + 16;

/** Writes the fields at `offset`. */
export function packRevised(bytes: Uint8Array, offset: number, fields: RevisedFields): void {
  bytes[offset] = fields.transmissionRiskLevel;
  bytes[offset + 1] = fields.reportType;
  bytes[offset + 2] = fields.daysSinceOnsetOfSymptoms + ONSET_BIAS;
}

/** @returns the fields at `offset` */
export function unpackRevised(bytes: Uint8Array, offset: number): RevisedFields {
  return {
    transmissionRiskLevel: bytes[offset]!,
    reportType: bytes[offset + 1]! as ReportType,
    daysSinceOnsetOfSymptoms: bytes[offset + 2]! - ONSET_BIAS,
  };
}

/** @returns {@link KEY_REVISION_BYTES} each, in the order given */
export function packKeyRevisions(revisions: readonly KeyRevision[]): Uint8Array {
  const bytes = new Uint8Array(revisions.length * KEY_REVISION_BYTES);
  for (const [n, { keyData, fields }] of revisions.entries()) {
    packRevised(bytes, n * KEY_REVISION_BYTES, fields);
    bytes.set(keyData, n * KEY_REVISION_BYTES + REVISED_BYTES);
  }
  return bytes;
}

/** @returns what {@link packKeyRevisions} packed; its bytes are a view of `bytes` */
export function unpackKeyRevisions(bytes: Uint8Array): KeyRevision[] {
  return Array.from({ length: bytes.length / KEY_REVISION_BYTES }, (_, n) => {
    const at = n * KEY_REVISION_BYTES;
    return {
      fields: unpackRevised(bytes, at),
      keyData: bytes.subarray(at + REVISED_BYTES, at + KEY_REVISION_BYTES),
    };
  });
}
