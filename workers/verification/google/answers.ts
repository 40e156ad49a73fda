/**
 * @module Answers of the device API (docs/spec/google.md §5.2, §5.3): status, `error`, `errorCode` and its older name, and the limiter's headers. All of them, whatever they say and to whatever route, have
 * one size and one set of headers.
 *
 * The limiter's headers are constants: Google's server counts a minute's requests by address, and keeps addresses to do it. Here nobody is counted, so what is left is always the same.
 */
import type { Clock } from '../../../domain/clock.ts';
import type { LevelStatus } from '../../shared/level-answer.ts';
import { filledAnswer } from '../answers.ts';

/** The codes of docs/spec/google.md §5.3 that we give, with the status and words that go with them. */
const ERRORS = {
  unparsable_request: [400, 'the request is not one JSON object with known fields'],
  invalid_test_type: [400, 'accept names an unknown test type'],
  code_invalid: [400, 'verification code invalid'],
  code_expired: [400, 'verification code expired'],
  unsupported_test_type: [412, 'verification code has unsupported test type'],
  token_invalid: [400, 'verification token invalid'],
  token_expired: [400, 'verification token expired'],
  hmac_invalid: [400, 'exposure key HMAC is not 32 bytes in base64'],
  missing_nonce: [400, 'nonce cannot be empty'],
  missing_phone: [400, 'phone cannot be empty'],
  phone_number_invalid: [400, 'phone number is not in E.164'],
  missing_date: [400, 'a date is needed'],
  invalid_date: [400, 'a date is out of range'],
  quota_exceeded: [429, 'too many user reports today'],
  internal_server_error: [500, 'internal server error'],
} as const satisfies Readonly<Record<string, readonly [LevelStatus, string]>>;
export type DeviceErrorCode = keyof typeof ERRORS;

/** What a route says, without padding. */
export interface DeviceAnswer {
  readonly status: LevelStatus;
  readonly body: object;
}

/** @param status in place of the usual one of this code */
export function deviceError(code: DeviceErrorCode, status?: LevelStatus): DeviceAnswer {
  const [usual, error] = ERRORS[code];
  return { status: status ?? usual, body: { error, errorCode: code, error_code: code } };
}

/** No API key of ours, or a revoked one: Google's server gives no code either. */
export const UNAUTHORIZED: DeviceAnswer = { status: 401, body: { error: 'unauthorized' } };
/** A dummy's: as Google's server answers one. */
export const DUMMY: DeviceAnswer = { status: 200, body: {} };

/** What Google's limiter would say to the first request of a minute. */
const LIMIT_A_MINUTE = 120;
const MINUTE_SECONDS = 60;

/** @param clock tells when the minute ends that the headers speak of */
export async function levelled(
  { status, body }: DeviceAnswer,
  clock: Clock,
  statusLineHasPhrase: boolean,
): Promise<Response> {
  const reset = (Math.floor((await clock()) / MINUTE_SECONDS) + 1) * MINUTE_SECONDS;
  const headers = {
    'x-ratelimit-limit': String(LIMIT_A_MINUTE),
    'x-ratelimit-remaining': String(LIMIT_A_MINUTE - 1),
    'x-ratelimit-reset': new Date(reset * 1000).toUTCString(),
  };
  return filledAnswer({ status, body, filler: 'padding', headers }, statusLineHasPhrase);
}
