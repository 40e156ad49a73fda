/**
 * @module Answers of the administrators' API, field by field as Google's has them (docs/spec/google.md §5.2, §5.4): an error says itself three times (`error`, `errorCode`, and
 * `error_code` for old clients), and every answer is padded.
 */
import { SECONDS_PER_DAY } from '../../../protocol/gaen/intervals.ts';
import type { CodeStatus } from '../../../domain/rpc-codes.ts';
import type { DeliveryErrorCode, DeliverReply, DeliveredCode } from '../../../domain/rpc-sms.ts';
import { toBase64 } from '../../../protocol/primitives/bytes.ts';

/** What an answer says that isn't a code. */
export interface ApiError {
  readonly status: 400 | 401 | 404 | 405 | 409 | 410 | 429 | 500;
  readonly errorCode: string;
  /** English, a fixed text: nothing of the request is in it. */
  readonly error: string;
}

const UNPARSABLE = { status: 400, errorCode: 'unparsable_request' } as const;

/** Errors of the request as a whole. */
export const API_ERRORS = {
  unauthorized: { status: 401, errorCode: 'unauthorized', error: 'X-API-Key is missing, revoked or of another kind' },
  notFound: { status: 404, errorCode: 'not_found', error: 'there is no such method' },
  method: { status: 405, errorCode: 'method_not_allowed', error: 'POST is expected' },
  mediaType: { ...UNPARSABLE, error: 'Content-Type application/json is expected' },
  tooLarge: { ...UNPARSABLE, error: 'the body is too large' },
  broken: { ...UNPARSABLE, error: 'the body did not come whole' },
  malformed: { ...UNPARSABLE, error: 'the body is not one JSON object, or names a field twice' },
  unknownField: { ...UNPARSABLE, error: 'there is a field that this method does not know' },
  type: { ...UNPARSABLE, error: 'a field is not of its type' },
  uuid: { ...UNPARSABLE, error: 'uuid is none' },
  batchSize: { ...UNPARSABLE, error: 'codes must be a list of 1 to 2000' },
  codeNotFound: { status: 404, errorCode: 'code_not_found', error: 'this key issued no such code within 14 days' },
  claimed: { status: 400, errorCode: 'code_invalid', error: 'the code was claimed and can not be expired' },
  ended: { status: 410, errorCode: 'maintenance_mode', error: 'this deployment has ended' },
  internal: {
    status: 500,
    errorCode: 'internal_server_error',
    error: 'nothing is known to have been issued; try again with the same uuid',
  },
} as const satisfies Readonly<Record<string, ApiError>>;

/** What is wrong with one code, as `verification` or the reader here says it. */
export const CODE_ERRORS: Readonly<
  Record<DeliveryErrorCode | 'invalid_phone' | 'type' | 'unknownField' | 'uuid', ApiError>
> = {
  type: API_ERRORS.type,
  unknownField: API_ERRORS.unknownField,
  uuid: API_ERRORS.uuid,
  missing_date: { status: 400, errorCode: 'missing_date', error: 'symptomDate or testDate is needed' },
  invalid_date: {
    status: 400,
    errorCode: 'invalid_date',
    error: 'a date must be YYYY-MM-DD, not in the future and at most 28 days ago',
  },
  invalid_test_type: {
    status: 400,
    errorCode: 'invalid_test_type',
    error: 'testType must be confirmed, likely, negative or user-report',
  },
  unsupported_test_type: {
    status: 400,
    errorCode: 'unsupported_test_type',
    error: 'this test type is not issued here',
  },
  phone_number_invalid: {
    status: 400,
    errorCode: 'phone_number_invalid',
    error: 'phone must be E.164: a plus sign, the country code and the number',
  },
  invalid_phone: {
    status: 400,
    errorCode: 'phone_number_invalid',
    error: 'phone must be E.164: a plus sign, the country code and the number',
  },
  uuid_already_exists: { status: 409, errorCode: 'uuid_already_exists', error: 'another code has this uuid' },
  invalid_external_issuer_id: { ...UNPARSABLE, error: 'externalIssuerID must have at most 255 characters' },
  quota_exceeded: { status: 429, errorCode: 'quota_exceeded', error: 'the codes of this day are used up' },
  // What this key vouches for today was rolled back: no type is issued with it until tomorrow.
  issuer_ended: {
    status: 400,
    errorCode: 'unsupported_test_type',
    error: 'what this key issued today was rolled back',
  },
  user_report_known: {
    status: 409,
    errorCode: 'user_report_try_later',
    error: 'this telephone had a code for a report of its own within 30 days',
  },
  internal_server_error: API_ERRORS.internal,
  sms_failure: { status: 400, errorCode: 'sms_failure', error: 'the SMS did not leave; no code was issued' },
  sms_queue_full: {
    status: 429,
    errorCode: 'sms_queue_full',
    error: 'the SMS gateway is busy, or the SMS is just being sent for the same uuid: try again',
  },
  template_unknown: { ...UNPARSABLE, error: 'there is no such smsTemplateLabel, or its text would be too long' },
};

/** Raw bytes of padding: as many, and as many more at random. */
const PADDING_BYTES = 1_024;
/** Bytes that one call of the platform's random source gives at most are far more. */
function padding(): string {
  const [random = 0] = crypto.getRandomValues(new Uint16Array(1));
  return toBase64(crypto.getRandomValues(new Uint8Array(PADDING_BYTES + (random % PADDING_BYTES))));
}

/** RFC 1123 as Go writes it, which names the zone UTC where JavaScript and HTTP say GMT. */
const rfc1123Utc = (seconds: number): string => new Date(seconds * 1000).toUTCString().replace('GMT', 'UTC');

/** @param fields of the answer, without padding @returns the answer */
export function answer(status: number, fields: object, headers: Record<string, string> = {}): Response {
  return Response.json({ ...fields, padding: padding() }, { status, headers });
}

/** @returns the three fields of an error */
export const errorFields = ({ error, errorCode }: ApiError) => ({ error, errorCode, error_code: errorCode });

/** Answers with an error. @param now Unix seconds, for when to come back */
export function answerError(error: ApiError, now: number, fields: object = {}): Response {
  return answer(error.status, { ...fields, ...errorFields(error) }, retryAfter(error, now));
}

/** A busy gateway is asked again in a minute, a used-up quota at the next UTC midnight. */
function retryAfter({ status, errorCode }: ApiError, now: number): Record<string, string> {
  if (status !== 429) return {};
  const at = errorCode === 'quota_exceeded' ? (Math.floor(now / SECONDS_PER_DAY) + 1) * SECONDS_PER_DAY : now + 60;
  return { 'retry-after': new Date(at * 1000).toUTCString() };
}

/** @param phone what the request named, which an answer with a text says again @returns fields of an issued code */
export function codeFields(code: DeliveredCode, phone: string | null) {
  return {
    uuid: code.uuid,
    code: code.code,
    expiresAt: rfc1123Utc(code.expiresAt),
    expiresAtTimestamp: code.expiresAt,
    ...(code.longExpiresAt !== null && {
      longExpiresAt: rfc1123Utc(code.longExpiresAt),
      longExpiresAtTimestamp: code.longExpiresAt,
    }),
    ...(code.generatedSms !== null && { generatedSMS: code.generatedSms, phone }),
  };
}

/** @returns what is wrong with a code, or null */
export const errorOf = (reply: DeliverReply): ApiError | null => ('error' in reply ? CODE_ERRORS[reply.error] : null);

/** @returns when a code ends */
export const expiryFields = ({ expiresAt, longExpiresAt }: CodeStatus) => ({
  expiresAtTimestamp: expiresAt,
  ...(longExpiresAt !== null && { longExpiresAtTimestamp: longExpiresAt }),
});
