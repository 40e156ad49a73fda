/**
 * @module An upload as it leaves the phone (docs/spec/cwa.md §1.1, §1.3): Corona-Warn-App's dialect, padded so that 1 to 30
 * keys, the next day's upload of one key and a dummy have one size on the wire, headers included. The TAN, and whether it is a
 * dummy, stand in the padded body: as headers HPACK would keep them and write them shorter the next time (docs/decisions/025). CWA pads 28 bytes a
 * missing key, while keys take 31 to 35: so its requests differ (cwa-documentation#591). We pad to the whole body's
 * size instead.
 */
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import {
  encodeSubmissionPayload,
  type SubmissionPayload,
  type SubmittedKey,
} from '../../protocol/submission-payload.ts';
import { withdrawalHash } from '../../protocol/withdrawal.ts';
import type { RandomBytes } from '../random.ts';
import type { OwnKey } from '../radio/tek-schedule.ts';

/** Where uploads and dummies go. */
const UPLOAD_PATH = '/version/v1/diagnosis-keys';
/** Keys an upload may hold: 14 days and today (docs/spec/gaen.md §1), each with two keys where it was cut. */
const MAX_UPLOAD_KEYS = 30;
/**
 * Every body's size, unless more is configured (protocol/parameters/operations.ts, uploadBodyBytes), and the least. 30
 * keys of 54 bytes are 1,620, 50 visited countries of 4 bytes 200, the TAN 39, the other fields 10, and at least {@link
 * MIN_PADDING_BYTES} of padding with its 3 bytes of framing: 2,000.
 */
export const UPLOAD_BODY_BYTES = 2048;
/** The most: with more the padding's length may take two bytes or three, and one size in between could not be hit. */
const MOST_BODY_BYTES = 16_384;
/**
 * Padding is never shorter, so that the length in front of it always takes two bytes: with one or two, one size in
 * between could not be hit.
 */
const MIN_PADDING_BYTES = 128;
/** Tag of requestPadding and a length of 128..16383. */
const PADDING_FRAME_BYTES = 3;
/** Characters of a TAN (docs/spec/cwa.md §1.1: a UUID). */
const TAN_CHARACTERS = 36;

/** A key as the phone shares it. One of the two last fields must be there (docs/spec/cwa.md §2.1 rule 5). */
export interface SharedKey extends OwnKey {
  /** 1..8; null: the server derives it. */
  readonly transmissionRiskLevel: number | null;
  /** −15..4000 in CWA's encoding (onset.ts); null: the server derives it. */
  readonly daysSinceOnsetOfSymptoms: number | null;
  /** By which it can be taken back (withdrawal.ts); never sent with it. Left out or null: it can't be. */
  readonly withdrawalSecret?: Uint8Array | null;
}

/** What a person shares. Sent again after a lost answer it must not change: only then is it known as the same. */
export interface UploadContent {
  readonly keys: readonly SharedKey[];
  /** ISO 3166-1 alpha-2. */
  readonly visitedCountries: readonly string[];
  readonly consentToFederation: boolean;
  /** 0 PCR test, 1 rapid test (docs/spec/cwa.md §1.1). */
  readonly submissionType: 0 | 1;
}

export interface UploadRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of one size for all requests with the same configuration. */
  readonly body: Uint8Array;
}

export type UploadRequestError =
  | { readonly kind: 'key-count'; readonly count: number; readonly limit: number }
  | { readonly kind: 'tan-length'; readonly length: number; readonly expected: number }
  | { readonly kind: 'too-large'; readonly bytes: number; readonly limit: number };

/**
 * @param tan as the verification server gave it, 36 characters
 * @param content what is shared
 * @param random for the padding, drawn anew at each attempt
 * @param bodyBytes as configured; brought into 2048..16384, by every phone alike
 * @returns the request, or which limit the content passes
 */
export function uploadRequest(
  tan: string,
  content: UploadContent,
  random: RandomBytes,
  bodyBytes: number = UPLOAD_BODY_BYTES,
): Result<UploadRequest, UploadRequestError> {
  const count = content.keys.length;
  if (count < 1 || count > MAX_UPLOAD_KEYS) return err({ kind: 'key-count', count, limit: MAX_UPLOAD_KEYS });
  if (tan.length !== TAN_CHARACTERS) {
    return err({ kind: 'tan-length', length: tan.length, expected: TAN_CHARACTERS });
  }
  const body = paddedBody(
    {
      keys: content.keys.map(submitted),
      requestPadding: null,
      visitedCountries: content.visitedCountries,
      origin: null,
      consentToFederation: content.consentToFederation,
      checkIns: [],
      submissionType: content.submissionType,
      checkInProtectedReports: [],
      cover: null,
      authorization: tan,
    },
    random,
    bodyBytes,
  );
  return body.ok ? ok(request(body.value)) : body;
}

/**
 * @param content what is to be shared
 * @param bodyBytes as for {@link uploadRequest}
 * @returns which limit it passes, whatever TAN it is sent with, or null: then it can be sent
 */
export function contentError(content: UploadContent, bodyBytes?: number): UploadRequestError | null {
  const tried = uploadRequest('0'.repeat(TAN_CHARACTERS), content, (length) => new Uint8Array(length), bodyBytes);
  return tried.ok ? null : tried.error;
}

/**
 * A dummy: no TAN, no keys, and nothing to tell it by.
 *
 * @param random for the padding
 * @param bodyBytes as for {@link uploadRequest}
 * @returns the request
 */
export function dummyRequest(random: RandomBytes, bodyBytes: number = UPLOAD_BODY_BYTES): UploadRequest {
  const empty: SubmissionPayload = {
    keys: [],
    requestPadding: null,
    visitedCountries: [],
    origin: null,
    consentToFederation: null,
    checkIns: [],
    submissionType: null,
    checkInProtectedReports: [],
    cover: true,
    authorization: null,
  };
  const body = paddedBody(empty, random, bodyBytes);
  if (!body.ok) throw new Error('an empty payload always fits');
  return request(body.value);
}

function request(body: Uint8Array): UploadRequest {
  return { path: UPLOAD_PATH, headers: { 'content-type': 'application/x-protobuf' }, body };
}

function submitted({ withdrawalSecret: secret = null, ...key }: SharedKey): SubmittedKey {
  const hash = secret === null ? null : withdrawalHash({ keyData: key.keyData, secret });
  return { ...key, reportType: null, withdrawalHash: hash };
}

const paddedBody = (
  payload: SubmissionPayload,
  random: RandomBytes,
  bodyBytes: number,
): Result<Uint8Array, UploadRequestError> =>
  padded((requestPadding) => encodeSubmissionPayload({ ...payload, requestPadding }), random, bodyBytes);

/**
 * @param encode a message with that padding, whose field has a tag of one byte
 * @param random for the padding
 * @param bodyBytes as for {@link uploadRequest}
 * @returns the body, of one size whatever the message
 */
export function padded(
  encode: (padding: Uint8Array | null) => Uint8Array,
  random: RandomBytes,
  bodyBytes: number = UPLOAD_BODY_BYTES,
): Result<Uint8Array, UploadRequestError> {
  const size = Math.min(MOST_BODY_BYTES, Math.max(UPLOAD_BODY_BYTES, bodyBytes));
  const bytes = encode(null).length;
  const padding = size - bytes - PADDING_FRAME_BYTES;
  if (padding < MIN_PADDING_BYTES) {
    return err({ kind: 'too-large', bytes, limit: size - PADDING_FRAME_BYTES - MIN_PADDING_BYTES });
  }
  return ok(encode(random(padding)));
}
