/**
 * @module The answer to `POST /v1/publish` (docs/spec/google.md §1.3, §1.4): JSON of one size, whatever it says. Google's server pads each answer by a
 * random amount, so that sizes of real ones and of chaff have distributions of their own; here JSON and padding together are always as long.
 */

const encoder = new TextEncoder();

/** `x-api-version` of every answer. */
export const PUBLISH_API_VERSION = 'v1';

/** Codes that an app may act on (google/exposure-notifications-server, pkg/api/v1/exposure_types.go). */
export type PublishErrorCode =
  | 'bad_request'
  | 'internal_error'
  | 'unknown_health_authority_id'
  | 'unable_to_load_health_authority'
  | 'health_authority_missing_region_config'
  | 'health_authority_verification_certificate_invalid'
  | 'missing_revision_token'
  | 'invalid_revision_token'
  | 'key_already_revised'
  | 'invalid_report_type_transition'
  | 'partial_failure';

/** What an answer says; ASCII alone, so that a character is a byte. */
export interface PublishResponse {
  /** Base64; "" none. */
  readonly revisionToken: string;
  /** Keys that were new. */
  readonly insertedExposures: number;
  readonly error: string;
  readonly code: PublishErrorCode | '';
  readonly warnings: readonly string[];
}

/** An answer that says nothing, as chaff's does. */
export const NOTHING_TO_SAY: PublishResponse = {
  revisionToken: '',
  insertedExposures: 0,
  error: '',
  code: '',
  warnings: [],
};

/**
 * Bytes of every answer. The longest that can be said is a token of 2,048 characters at most, a line for each of thirty keys, of 72 at most, and names and
 * quotes: 4,600; and padding is never less than 512, so that no field of it looks empty.
 */
export const PUBLISH_RESPONSE_BYTES = 5_120;

/**
 * Fields that are empty are left out, as Go's `omitempty` does; the padding never is.
 *
 * @param response see {@link PublishResponse}
 * @param randomBase64 as many random characters as it is asked for, a multiple of 4: what compresses them shows nothing
 * @returns JSON of {@link PUBLISH_RESPONSE_BYTES} ASCII characters; up to three spaces after its end make the padding whole base64
 * @throws RangeError when it says more than fits
 */
export function writePublishResponse(
  response: PublishResponse,
  randomBase64: (characters: number) => string,
): Uint8Array<ArrayBuffer> {
  const { revisionToken, insertedExposures, error, code, warnings } = response;
  const said = {
    ...(revisionToken !== '' && { revisionToken }),
    ...(insertedExposures > 0 && { insertedExposures }),
    ...(error !== '' && { error }),
    ...(code !== '' && { code }),
    ...(warnings.length > 0 && { warnings }),
  };
  const left = PUBLISH_RESPONSE_BYTES - JSON.stringify({ ...said, padding: '' }).length;
  const bytes = new Uint8Array(PUBLISH_RESPONSE_BYTES);
  const text = left < 0 ? '' : padded(said, randomBase64(left - (left % 4)));
  const { read, written } = encoder.encodeInto(text, bytes);
  if (read !== PUBLISH_RESPONSE_BYTES || written !== read) {
    throw new RangeError(`publish response: ${PUBLISH_RESPONSE_BYTES} ASCII characters expected, ${-left} too many`);
  }
  return bytes;
}

const padded = (said: object, padding: string): string =>
  JSON.stringify({ ...said, padding }).padEnd(PUBLISH_RESPONSE_BYTES, ' ');

/**
 * As a phone reads it: what isn't there is empty.
 *
 * @param value of the body, parsed
 * @returns what it says, or null when it is no such answer
 */
export function readPublishResponse(value: unknown): PublishResponse | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const {
    revisionToken = '',
    insertedExposures = 0,
    error = '',
    code = '',
    warnings = [],
  } = value as Record<string, unknown>;
  const texts = [revisionToken, error, code];
  if (!texts.every((text) => typeof text === 'string') || !Number.isInteger(insertedExposures)) return null;
  if (!Array.isArray(warnings) || !warnings.every((warning) => typeof warning === 'string')) return null;
  return { revisionToken, insertedExposures, error, code, warnings } as PublishResponse;
}
