/**
 * @module The range of each field of a published key: outside it, one phone or another drops the key or the whole file
 * (docs/spec/gaen.md §4.2). One place for writer, reader and record.
 */
import { INTERVALS_PER_DAY } from '../gaen/intervals.ts';
import { DAYS_SINCE_ONSET_UNKNOWN, REPORT_TYPE, type TemporaryExposureKey } from '../gaen/keys.ts';

/** Length of key_data: a longer one makes Android's native reader lose the rest of the file. */
export const KEY_DATA_BYTES = 16;
/** transmission_risk_level 0..8 */
const MAX_TRANSMISSION_RISK_LEVEL = 8;
/** days_since_onset_of_symptoms −14..14 */
const MAX_DAYS_SINCE_ONSET = 14;
/** Intervals are int32 on phones. */
const MAX_INTERVAL_NUMBER = 0x7fffffff;

/** A field that is out of its range, by its name on the wire. */
export interface BadField {
  readonly field: string;
  /** The value; for key_data its length. */
  readonly value: number;
  readonly rule: string;
}

function outside(value: number, low: number, high: number): boolean {
  return !(Number.isInteger(value) && value >= low && value <= high);
}

/**
 * @param key a key to be written, or one just read
 * @returns the first field that no phone should be given, or null
 */
export function badKeyField(key: TemporaryExposureKey): BadField | null {
  if (key.keyData.length !== KEY_DATA_BYTES) {
    return { field: 'key_data', value: key.keyData.length, rule: `exactly ${KEY_DATA_BYTES} bytes` };
  }
  const start = key.rollingStartIntervalNumber;
  if (outside(start, 0, MAX_INTERVAL_NUMBER)) {
    return { field: 'rolling_start_interval_number', value: start, rule: 'present and ≥ 0' };
  }
  if (outside(key.rollingPeriod, 1, INTERVALS_PER_DAY)) {
    return { field: 'rolling_period', value: key.rollingPeriod, rule: `1..${INTERVALS_PER_DAY}` };
  }
  const level = key.transmissionRiskLevel;
  if (outside(level, 0, MAX_TRANSMISSION_RISK_LEVEL)) {
    return { field: 'transmission_risk_level', value: level, rule: `0..${MAX_TRANSMISSION_RISK_LEVEL}` };
  }
  if (outside(key.reportType, REPORT_TYPE.UNKNOWN, REPORT_TYPE.REVOKED)) {
    return { field: 'report_type', value: key.reportType, rule: '0..5' };
  }
  const onset = key.daysSinceOnsetOfSymptoms;
  if (outside(onset, -MAX_DAYS_SINCE_ONSET, MAX_DAYS_SINCE_ONSET)) {
    return { field: 'days_since_onset_of_symptoms', value: onset, rule: '−14..14' };
  }
  return null;
}

/** @param key as a reader has it @returns whether it is in range, its onset too if it was told: one that isn't costs no other of its file */
export function isUsableKey(key: TemporaryExposureKey): boolean {
  const isTold = key.daysSinceOnsetOfSymptoms !== DAYS_SINCE_ONSET_UNKNOWN;
  return badKeyField(isTold ? key : { ...key, daysSinceOnsetOfSymptoms: 0 }) === null;
}
