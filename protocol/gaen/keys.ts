/**
 * @module A diagnosis key and the field's numbers (GAEN export format v1.5; docs/spec/gaen.md §1, §4.1, §4.2).
 */

/** Report types of the export format (docs/spec/gaen.md §1). */
export const REPORT_TYPE = {
  UNKNOWN: 0,
  CONFIRMED_TEST: 1,
  CONFIRMED_CLINICAL_DIAGNOSIS: 2,
  SELF_REPORT: 3,
  RECURSIVE: 4,
  REVOKED: 5,
} as const;
export type ReportType = (typeof REPORT_TYPE)[keyof typeof REPORT_TYPE];

/** Report types that a key which was published with another can come to have in `revised_keys`, and still warn (docs/spec/gaen.md §6.4). */
export const REVISED_TYPES = [REPORT_TYPE.CONFIRMED_TEST, REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS] as const;
export type RevisedType = (typeof REVISED_TYPES)[number];

/** daysSinceOnsetOfSymptoms of a key that was read without one, as Android's API has it (docs/spec/gaen.md §1); never written. */
export const DAYS_SINCE_ONSET_UNKNOWN = 0x7fffffff;

/** One temporary exposure key as it stands in an export (docs/spec/gaen.md §4.1: every field written, none by default). */
export interface TemporaryExposureKey {
  /** Exactly 16 bytes. */
  readonly keyData: Uint8Array;
  /** 0..8 (docs/spec/gaen.md §4.2). */
  readonly transmissionRiskLevel: number;
  /** ENIntervalNumber (600 s since the Unix epoch) of the key's first interval, ≥ 0. */
  readonly rollingStartIntervalNumber: number;
  /** Number of intervals the key was in use, 1..144. */
  readonly rollingPeriod: number;
  readonly reportType: ReportType;
  /** −14..14, zigzag on the wire; {@link DAYS_SINCE_ONSET_UNKNOWN} when a foreign file has none. */
  readonly daysSinceOnsetOfSymptoms: number;
}
