/**
 * @module A batch of diagnosis keys as the European Federation Gateway Service carries it, protobuf (docs/spec/europe.md §3.2).
 */
import { efgs } from '../generated/efgs.js';
import { decodeMessage } from '../primitives/protobuf-read.ts';
import { type Result, err, ok } from '../primitives/result.ts';

/** A key on the gateway's wire. What is absent there is 0, empty, or no country: proto3 doesn't tell them apart. */
export interface EfgsKey {
  readonly keyData: Uint8Array;
  /** uint32, intervals of 600 s since the Unix epoch. */
  readonly rollingStartIntervalNumber: number;
  /** uint32, intervals of 600 s. */
  readonly rollingPeriod: number;
  /** int32; 0x7fffffff: none. */
  readonly transmissionRiskLevel: number;
  /** ISO 3166-1 alpha-2, in the order they were sent: it is signed. */
  readonly visitedCountries: readonly string[];
  /** ISO 3166-1 alpha-2. */
  readonly origin: string;
  /** 0..5 are named (docs/spec/europe.md §3.2). */
  readonly reportType: number;
  /** As dsos.ts reads it. */
  readonly daysSinceOnsetOfSymptoms: number;
}

/** What clients send in one batch; the gateway refuses more than {@link GATEWAY_BATCH_LIMIT} (docs/spec/europe.md §3.4). */
export const UPLOAD_BATCH_LIMIT = 4000;
/** Keys an upload, and a batch for download, may have (docs/spec/europe.md §3.4, §3.6). */
export const GATEWAY_BATCH_LIMIT = 5000;
/** Countries a key may name when it is read: the union has 27, the gateway served a few more. */
const MAX_COUNTRIES = 64;

/** Media type of both forms; the version is compared to the letter by the gateway (docs/spec/europe.md §3.1). */
export const PROTOBUF_MEDIA_TYPE = 'application/protobuf; version=1.0';

/** The bytes are no batch, or hold more than any gateway sends. */
export interface BatchError {
  readonly kind: 'malformed' | 'too-many-keys' | 'too-many-countries';
}

/** @param keys in the order they are sent: indices of a 207 name it @returns the protobuf message */
export function encodeBatch(keys: readonly EfgsKey[]): Uint8Array {
  return Uint8Array.from(
    efgs.DiagnosisKeyBatch.encode({
      keys: keys.map(({ visitedCountries, ...key }) => ({ ...key, visitedCountries: [...visitedCountries] })),
    }).finish(),
  );
}

/**
 * @param bytes any bytes; none are a batch without keys
 * @param limit keys it may have
 * @returns its keys in the order they stand, or why there are none
 */
export function decodeBatch(bytes: Uint8Array, limit = GATEWAY_BATCH_LIMIT): Result<EfgsKey[], BatchError> {
  const message = decodeMessage(efgs.DiagnosisKeyBatch, bytes);
  if (message === null) return err({ kind: 'malformed' });
  if (message.keys.length > limit) return err({ kind: 'too-many-keys' });
  if (message.keys.some((key) => (key.visitedCountries ?? []).length > MAX_COUNTRIES)) {
    return err({ kind: 'too-many-countries' });
  }
  return ok(
    message.keys.map((key) => ({
      // A copy, so that a key doesn't keep the whole answer in memory.
      keyData: Uint8Array.from(key.keyData ?? []),
      rollingStartIntervalNumber: key.rollingStartIntervalNumber ?? 0,
      rollingPeriod: key.rollingPeriod ?? 0,
      transmissionRiskLevel: key.transmissionRiskLevel ?? 0,
      visitedCountries: [...(key.visitedCountries ?? [])],
      origin: key.origin ?? '',
      reportType: key.reportType ?? 0,
      daysSinceOnsetOfSymptoms: key.daysSinceOnsetOfSymptoms ?? 0,
    })),
  );
}
