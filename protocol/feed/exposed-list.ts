/**
 * @module DP-3T's batch of keys between backends, `GAENExposedList` (docs/spec/europe.md §2.1). It has no levels, no onset and no region: whoever needs them reads the same batch in the
 * export format.
 */
import { dp3t } from '../generated/gaen-exposed-list.js';
import { keyEnd } from '../gaen/intervals.ts';
import { REPORT_TYPE, type ReportType, type TemporaryExposureKey } from '../gaen/keys.ts';
import { decodeMessage, numberOf64, sifted, topFields } from '../primitives/protobuf-read.ts';
import { type Result, err, ok } from '../primitives/result.ts';

/** DP-3T's `KeyType`. */
export const KEY_TYPE = { TEST_DIAGNOSED: 0, DOCTOR_DIAGNOSIS: 1, SELF_DIAGNOSED: 2, CANCELLED: 3 } as const;
type KeyType = (typeof KEY_TYPE)[keyof typeof KEY_TYPE];

const TYPES: Partial<Record<ReportType, KeyType>> = {
  [REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS]: KEY_TYPE.DOCTOR_DIAGNOSIS,
  [REPORT_TYPE.SELF_REPORT]: KEY_TYPE.SELF_DIAGNOSED,
  [REPORT_TYPE.REVOKED]: KEY_TYPE.CANCELLED,
};

/** @param type as received @returns the export format's; unknown for a number that DP-3T has no name for */
export function reportTypeOf(type: number): ReportType {
  switch (type) {
    case KEY_TYPE.TEST_DIAGNOSED:
      return REPORT_TYPE.CONFIRMED_TEST;
    case KEY_TYPE.DOCTOR_DIAGNOSIS:
      return REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS;
    case KEY_TYPE.SELF_DIAGNOSED:
      return REPORT_TYPE.SELF_REPORT;
    case KEY_TYPE.CANCELLED:
      return REPORT_TYPE.REVOKED;
    default:
      return REPORT_TYPE.UNKNOWN;
  }
}

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
  /** How many keys there are. */
  readonly count: number;
  /** Each is read as it is asked for: hundreds of thousands as objects would be as much as an isolate holds. */
  readonly exposed: Iterable<ExposedKey>;
}

/** Longest field of a key, tags and lengths included: 18 bytes of key, 6 of the start, 7 of the end, 2 of the type, 2 around them. */
const MAX_KEY_BYTES = 35;
const MAX_HEAD_BYTES = 11;
/** Numbers of fields and wire types (protobuf: field << 3 | type). */
const EXPOSED = 2;
const TAG = { releaseTime: 0x08, exposed: 0x12, key: 0x12, start: 0x18, validBefore: 0x50, type: 0x58 } as const;

/**
 * Writes a batch key by key into one buffer: as objects for a library 100,000 keys take twenty times as much memory, beside a file of as many that is being
 * sealed (decision 013). proto3: what is zero isn't written.
 */
export class ExposedListWriter {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param batchReleaseTime Unix seconds @param keys that are added at most */
  constructor(batchReleaseTime: number, keys: number) {
    this.#bytes = new Uint8Array(MAX_HEAD_BYTES + keys * MAX_KEY_BYTES);
    this.#field(TAG.releaseTime, batchReleaseTime);
  }

  /** @param key REVOKED ones are CANCELLED; they come by the end of their validity, which for keys of whole days is their order in an export */
  add(key: TemporaryExposureKey): void {
    this.#bytes[this.#at] = TAG.exposed;
    const start = this.#at + 2;
    this.#at = start;
    this.#field(TAG.key, key.keyData.length);
    this.#bytes.set(key.keyData, this.#at);
    this.#at += key.keyData.length;
    this.#field(TAG.start, key.rollingStartIntervalNumber);
    this.#field(TAG.validBefore, keyEnd(key));
    this.#field(TAG.type, TYPES[key.reportType] ?? KEY_TYPE.TEST_DIAGNOSED);
    // One byte: a key has less than 128.
    this.#bytes[start - 1] = this.#at - start;
  }

  /** @returns the batch; the same bytes for the same keys */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  #field(tag: number, value: number): void {
    if (value === 0) return;
    this.#bytes[this.#at++] = tag;
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#at++] = rest;
  }
}

/** @param bytes as received, cut to a limit of the caller's @returns the batch; its keys are judged by the caller, one by one */
export function decodeExposedList(bytes: Uint8Array): Result<ExposedList, 'malformed'> {
  const parts = sifted(bytes, [EXPOSED], dp3t.GAENTracingKey);
  const message = parts === null ? null : decodeMessage(dp3t.GAENExposedList, parts.rest);
  if (parts === null || message === null) return err('malformed');
  const exposed: Iterable<ExposedKey> = {
    *[Symbol.iterator]() {
      for (const { content } of topFields(bytes, [EXPOSED])) {
        const key = decodeMessage(dp3t.GAENTracingKey, content)!;
        yield {
          keyData: new Uint8Array(key.key ?? new Uint8Array(0)),
          rollingStartIntervalNumber: key.rollingStartNumber ?? 0,
          validBeforeTime: numberOf64(key.validBeforeTime ?? 0),
          type: key.type ?? KEY_TYPE.TEST_DIAGNOSED,
        };
      }
    },
  };
  return ok({ batchReleaseTime: numberOf64(message.batchReleaseTime), count: parts.count, exposed });
}
