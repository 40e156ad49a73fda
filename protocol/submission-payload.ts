/**
 * @module The upload as Corona-Warn-App's phones send it (SubmissionPayload, proto2; docs/spec/cwa.md §1.1), with fields of our own: two for
 * phones that send no header (docs/decisions/025), one of a key by which it can be taken back (docs/decisions/042). What comes out is the wire's own numbers, absent told from zero: what they
 * mean is domain/keys' affair.
 */
import protobuf from 'protobufjs/minimal.js';
import { cwa } from './generated/submission-payload.js';
import { decodeMessage, optional } from './primitives/protobuf-read.ts';
import { type Result, err, ok } from './primitives/result.ts';

/** A key as it was sent; null = absent on the wire. */
export interface SubmittedKey {
  readonly keyData: Uint8Array | null;
  readonly transmissionRiskLevel: number | null;
  readonly rollingStartIntervalNumber: number | null;
  /** Absent means 144. */
  readonly rollingPeriod: number | null;
  /** Absent means CONFIRMED_TEST (1). */
  readonly reportType: number | null;
  readonly daysSinceOnsetOfSymptoms: number | null;
  /** Own field (withdrawal.ts); as it came, of any length. */
  readonly withdrawalHash?: Uint8Array | null;
}

/** Unencrypted presence tracing. */
interface CheckIn {
  readonly locationId: Uint8Array | null;
  readonly startIntervalNumber: number | null;
  readonly endIntervalNumber: number | null;
  readonly transmissionRiskLevel: number | null;
}

/** Encrypted presence tracing. */
interface CheckInProtectedReport {
  readonly locationIdHash: Uint8Array | null;
  readonly iv: Uint8Array | null;
  readonly encryptedCheckInRecord: Uint8Array | null;
  readonly mac: Uint8Array | null;
}

export interface SubmissionPayload {
  readonly keys: readonly SubmittedKey[];
  readonly requestPadding: Uint8Array | null;
  /** ISO 3166-1 alpha-2, if the phone is honest. */
  readonly visitedCountries: readonly string[];
  readonly origin: string | null;
  readonly consentToFederation: boolean | null;
  readonly checkIns: readonly CheckIn[];
  /** 0..9 in CWA; absent means PCR_TEST (0). */
  readonly submissionType: number | null;
  readonly checkInProtectedReports: readonly CheckInProtectedReport[];
  /** Own field: true for a dummy. Read where the request has no `cwa-fake`. */
  readonly cover: boolean | null;
  /** Own field: the TAN. Read where the request has no `cwa-fake`. */
  readonly authorization: string | null;
}

/** The bytes are not this message, or hold more of something than any phone sends. */
export interface PayloadError {
  readonly kind: 'malformed';
}

/**
 * Most elements of each repeated field, by field number. An element costs two bytes on the wire and some hundred in
 * memory; CWA's server may be configured for up to 100 keys (docs/spec/cwa.md §1.1), and check-ins are padded with fake ones.
 */
const MOST_ELEMENTS: ReadonlyMap<number, number> = new Map([
  [1, 100],
  [3, 100],
  [6, 2000],
  [8, 2000],
]);

/** @returns whether no repeated field is longer than allowed; also false when the outer framing is broken */
function withinCounts(bytes: Uint8Array): boolean {
  const counts = new Map<number, number>();
  const reader = protobuf.Reader.create(bytes);
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      const field = tag >>> 3;
      const count = (counts.get(field) ?? 0) + 1;
      if (count > (MOST_ELEMENTS.get(field) ?? Infinity)) return false;
      if (MOST_ELEMENTS.has(field)) counts.set(field, count);
      reader.skipType(tag & 7, 0, field);
    }
  } catch {
    return false;
  }
  return true;
}

/** A copy, so that the key does not keep the whole request in memory. */
function bytesOf(value: Uint8Array | undefined): Uint8Array | null {
  return value === undefined ? null : new Uint8Array(value);
}

/**
 * @param bytes body of the request, already cut to its limit
 * @returns the payload with the wire's raw numbers, or malformed
 */
export function decodeSubmissionPayload(bytes: Uint8Array): Result<SubmissionPayload, PayloadError> {
  const message = withinCounts(bytes) ? decodeMessage(cwa.SubmissionPayload, bytes) : null;
  if (message === null) return err({ kind: 'malformed' });
  return ok({
    keys: message.keys.map((key) => ({
      keyData: bytesOf(optional(key, 'keyData')),
      transmissionRiskLevel: optional(key, 'transmissionRiskLevel') ?? null,
      rollingStartIntervalNumber: optional(key, 'rollingStartIntervalNumber') ?? null,
      rollingPeriod: optional(key, 'rollingPeriod') ?? null,
      reportType: optional(key, 'reportType') ?? null,
      daysSinceOnsetOfSymptoms: optional(key, 'daysSinceOnsetOfSymptoms') ?? null,
      withdrawalHash: bytesOf(optional(key, 'withdrawalHash')),
    })),
    requestPadding: bytesOf(optional(message, 'requestPadding')),
    visitedCountries: message.visitedCountries,
    origin: optional(message, 'origin') ?? null,
    consentToFederation: optional(message, 'consentToFederation') ?? null,
    checkIns: message.checkIns.map((checkIn) => ({
      locationId: bytesOf(optional(checkIn, 'locationId')),
      startIntervalNumber: optional(checkIn, 'startIntervalNumber') ?? null,
      endIntervalNumber: optional(checkIn, 'endIntervalNumber') ?? null,
      transmissionRiskLevel: optional(checkIn, 'transmissionRiskLevel') ?? null,
    })),
    submissionType: optional(message, 'submissionType') ?? null,
    checkInProtectedReports: message.checkInProtectedReports.map((report) => ({
      locationIdHash: bytesOf(optional(report, 'locationIdHash')),
      iv: bytesOf(optional(report, 'iv')),
      encryptedCheckInRecord: bytesOf(optional(report, 'encryptedCheckInRecord')),
      mac: bytesOf(optional(report, 'mac')),
    })),
    cover: optional(message, 'cover') ?? null,
    authorization: optional(message, 'authorization') ?? null,
  });
}

/**
 * @param payload null fields are left out
 * @returns the body a phone sends, fields in ascending order
 */
export function encodeSubmissionPayload(payload: SubmissionPayload): Uint8Array {
  // The generated code takes null for absent, so the payload is its message as it stands.
  return Uint8Array.from(
    cwa.SubmissionPayload.encode({
      ...payload,
      keys: [...payload.keys],
      visitedCountries: [...payload.visitedCountries],
      checkIns: [...payload.checkIns],
      checkInProtectedReports: [...payload.checkInProtectedReports],
    }).finish(),
  );
}
