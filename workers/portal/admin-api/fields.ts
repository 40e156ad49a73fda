/**
 * @module Bodies of the administrators' API (docs/spec/google.md §5.2, §5.4). Field names are taken in any case, as Go's reader does; a field that a method doesn't know is
 * refused, as it does too. Values are judged by `verification`; here only that each is of its type.
 */
import { CODE_TEST_TYPES, type IssueCodeRequest, MAX_CODES_PER_CALL } from '../../../domain/rpc-codes.ts';
import { parseStrictJson } from '../../../domain/strict-json.ts';
import { fromUtf8 } from '../../../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../../../protocol/primitives/result.ts';
import { phoneNumberIn } from '../../../protocol/sms/phone-number.ts';
import { API_ERRORS, type ApiError, CODE_ERRORS } from './answers.ts';

/** Bytes of a body, as Google's server takes them. */
export const MAX_BODY_BYTES = 64_000;
/** Bytes of a batch: a thousand a code, which is more than all of its fields at their longest. */
export const MAX_BATCH_BYTES = 1_000 * MAX_CODES_PER_CALL;

/** A code has a dozen fields. */
const LIMITS = { depth: 4, members: 20 * MAX_CODES_PER_CALL } as const;

type Fields = Readonly<Record<string, unknown>>;

/** @param bytes of a body @returns its fields, their names in lower case */
export function readFields(bytes: Uint8Array): Result<Fields, ApiError> {
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    return err(API_ERRORS.malformed);
  }
  const json = parseStrictJson(text, LIMITS);
  const fields = json.ok ? fieldsOf(json.value) : null;
  return fields === null ? err(API_ERRORS.malformed) : ok(fields);
}

function fieldsOf(value: unknown): Fields | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const entries = Object.entries(value).map(([name, field]) => [name.toLowerCase(), field] as const);
  const fields = Object.fromEntries(entries);
  return Object.keys(fields).length === entries.length ? fields : null;
}

const knowsAll = (fields: Fields, names: readonly string[]): boolean =>
  Object.keys(fields).every((name) => names.includes(name));

const ISSUE_FIELDS = [
  'symptomdate',
  'testdate',
  'testtype',
  'tzoffset',
  'phone',
  'smstemplatelabel',
  'uuid',
  'externalissuerid',
  'onlygeneratesms',
  'padding',
];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MAX_TZ_OFFSET_MINUTES = 1_440;

/** @param fields of `POST /api/issue`, or of one of a batch @returns the code that is asked for */
export function readIssue(fields: Fields | null): Result<IssueCodeRequest, ApiError> {
  if (fields === null) return err(CODE_ERRORS.type);
  if (!knowsAll(fields, ISSUE_FIELDS)) return err(CODE_ERRORS.unknownField);
  const texts = ['symptomdate', 'testdate', 'testtype', 'phone', 'smstemplatelabel', 'uuid', 'externalissuerid'].map(
    (name) => textIn(fields[name]),
  );
  const tzoffset = fields['tzoffset'] ?? 0;
  const onlygeneratesms = fields['onlygeneratesms'] ?? false;
  const padding = fields['padding'] ?? '';
  const areOfType =
    texts.every((text) => text !== undefined) &&
    typeof tzoffset === 'number' &&
    Math.abs(tzoffset) <= MAX_TZ_OFFSET_MINUTES &&
    typeof onlygeneratesms === 'boolean' &&
    typeof padding === 'string';
  if (!areOfType) return err(CODE_ERRORS.type);
  const [symptomDate = null, testDate = null, type = null, written = null, label = null, uuid = null, issuer = null] =
    texts;
  const testType = CODE_TEST_TYPES.find((one) => one === type?.toLowerCase());
  if (testType === undefined) return err(CODE_ERRORS.invalid_test_type);
  if (uuid !== null && !UUID.test(uuid)) return err(CODE_ERRORS.uuid);
  const phone = written === null ? null : phoneNumberIn(written);
  if (written !== null && phone === null) return err(CODE_ERRORS.invalid_phone);
  return ok({
    testType,
    symptomDate,
    testDate,
    tzOffset: Math.trunc(tzoffset),
    phone,
    uuid,
    externalIssuerId: issuer,
    smsTemplateLabel: label,
    onlyGenerateSms: onlygeneratesms,
    long: phone !== null,
  });
}

/** Go's reader takes what is left out, null and '' as the same. @returns undefined when it is no text */
function textIn(value: unknown): string | null | undefined {
  if (value === undefined || value === null || value === '') return null;
  return typeof value === 'string' ? value : undefined;
}

/** @param fields of `POST /api/batch-issue` @returns of each code, in their order, what is asked for or what is wrong with it */
export function readBatch(fields: Fields): Result<readonly Result<IssueCodeRequest, ApiError>[], ApiError> {
  if (!knowsAll(fields, ['codes', 'padding'])) return err(API_ERRORS.unknownField);
  const { codes } = fields;
  if (!Array.isArray(codes) || codes.length < 1 || codes.length > MAX_CODES_PER_CALL) {
    return err(API_ERRORS.batchSize);
  }
  return ok((codes as unknown[]).map((code) => readIssue(fieldsOf(code))));
}

/** @param fields of `POST /api/checkcodestatus` or `/api/expirecode` @returns the code's uuid */
export function readUuid(fields: Fields): Result<string, ApiError> {
  if (!knowsAll(fields, ['uuid', 'padding'])) return err(API_ERRORS.unknownField);
  const { uuid } = fields;
  return typeof uuid === 'string' && UUID.test(uuid) ? ok(uuid.toLowerCase()) : err(API_ERRORS.uuid);
}
