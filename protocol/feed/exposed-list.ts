/**
 * @module DP-3T's batch of keys between backends, `GAENExposedList` (docs/spec/europe.md §2.1). It has no levels, no onset and no region: whoever needs them reads the same batch in the
 * export format.
 */
import { dp3t } from '../generated/gaen-exposed-list.js';
import { keyEnd } from '../gaen/intervals.ts';
import { REPORT_TYPE, type ReportType, type TemporaryExposureKey } from '../gaen/keys.ts';
import { decodeMessage, numberOf64 } from '../primitives/protobuf-read.ts';
import { type Result, err, ok } from '../primitives/result.ts';

/** DP-3T's `KeyType`. */
export const KEY_TYPE = { TEST_DIAGNOSED: 0, DOCTOR_DIAGNOSIS: 1, SELF_DIAGNOSED: 2, CANCELLED: 3 } as const;
type KeyType = (typeof KEY_TYPE)[keyof typeof KEY_TYPE];

const TYPES: Partial<Record<ReportType, KeyType>> = {
  [REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS]: KEY_TYPE.DOCTOR_DIAGNOSIS,
  [REPORT_TYPE.SELF_REPORT]: KEY_TYPE.SELF_DIAGNOSED,
  [REPORT_TYPE.REVOKED]: KEY_TYPE.CANCELLED,
};

/** A key as it was received. */
export interface ExposedKey {
  readonly keyData: Uint8Array;
  /** ENIntervalNumber. */
  readonly rollingStartIntervalNumber: number;
  /** Unix seconds. */
  readonly validBeforeTime: number;
  readonly type: KeyType;
}

export interface ExposedList {
  /** Unix seconds. */
  readonly batchReleaseTime: number;
  readonly exposed: readonly ExposedKey[];
}

/**
 * @param batchReleaseTime Unix seconds
 * @param keys in any order; REVOKED ones are CANCELLED
 * @returns the batch, keys by the end of their validity, the same bytes for the same keys
 */
export function encodeExposedList(batchReleaseTime: number, keys: readonly TemporaryExposureKey[]): Uint8Array {
  const exposed = keys
    .map((key) => ({
      key: key.keyData,
      rollingStartNumber: key.rollingStartIntervalNumber,
      validBeforeTime: keyEnd(key),
      type: TYPES[key.reportType] ?? KEY_TYPE.TEST_DIAGNOSED,
    }))
    .toSorted((a, b) => a.validBeforeTime - b.validBeforeTime);
  return dp3t.GAENExposedList.encode({ batchReleaseTime, exposed }).finish();
}

/** @param bytes as received, cut to a limit of the caller's @returns the batch; its keys are judged by the caller, one by one */
export function decodeExposedList(bytes: Uint8Array): Result<ExposedList, 'malformed'> {
  const message = decodeMessage(dp3t.GAENExposedList, bytes);
  if (message === null) return err('malformed');
  return ok({
    batchReleaseTime: numberOf64(message.batchReleaseTime),
    exposed: message.exposed.map((key) => ({
      keyData: new Uint8Array(key.key ?? new Uint8Array(0)),
      rollingStartIntervalNumber: key.rollingStartNumber ?? 0,
      validBeforeTime: numberOf64(key.validBeforeTime ?? 0),
      type: (key.type ?? KEY_TYPE.TEST_DIAGNOSED) as KeyType,
    })),
  });
}
