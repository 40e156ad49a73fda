/**
 * @module The body of `POST /v1/publish` (docs/spec/google.md §1.2; google/exposure-notifications-server, pkg/api/v1/exposure_types.go): from JSON to a
 * request with every field there. Names are taken in any case, as Go's reader takes them; a field that isn't known, or comes twice, is refused.
 */
import { type Result, err, ok } from '../primitives/result.ts';
import type { SentKey } from './tekmac.ts';

/** Where it goes. */
export const PUBLISH_PATH = '/v1/publish';
/** Largest body, counted (docs/spec/google.md §1.2). */
export const PUBLISH_BODY_BYTES = 64_000;
/** Keys of one request (docs/spec/google.md §1.2: MAX_KEYS_ON_PUBLISH). */
export const MAX_PUBLISHED_KEYS = 30;

/** A request; what wasn't sent is empty, 0 or false, as Go has it. Padding is left behind. */
export interface PublishRequest {
  readonly temporaryExposureKeys: readonly SentKey[];
  readonly healthAuthorityID: string;
  /** The certificate, a JWT. */
  readonly verificationPayload: string;
  /** Base64. */
  readonly hmacKey: string;
  /** ENIntervalNumber, 0 where it wasn't sent. */
  readonly symptomOnsetInterval: number;
  readonly traveler: boolean;
  /** Base64. */
  readonly revisionToken: string;
}

/** Why it is no request. */
export type RequestError =
  | { readonly kind: 'not-an-object' }
  | { readonly kind: 'unknown-field' | 'duplicate-field' }
  | { readonly kind: 'wrong-type'; readonly field: string };

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

/** What a field may hold, and what stands for it where it is absent or null. */
interface FieldType {
  readonly absent: unknown;
  readonly holds: (value: unknown) => boolean;
}
const TEXT: FieldType = { absent: '', holds: (value) => typeof value === 'string' };
const FLAG: FieldType = { absent: false, holds: (value) => typeof value === 'boolean' };
const INT32: FieldType = {
  absent: 0,
  holds: (value) => Number.isInteger(value) && Number(value) >= INT32_MIN && Number(value) <= INT32_MAX,
};
/** Go's `int`. */
const INT: FieldType = { absent: 0, holds: Number.isSafeInteger };
const LIST: FieldType = { absent: [], holds: Array.isArray };

const REQUEST_FIELDS = {
  temporaryExposureKeys: LIST,
  healthAuthorityID: TEXT,
  verificationPayload: TEXT,
  hmacKey: TEXT,
  symptomOnsetInterval: INT32,
  traveler: FLAG,
  revisionToken: TEXT,
  padding: TEXT,
} as const;

const KEY_FIELDS = { key: TEXT, rollingStartNumber: INT32, rollingPeriod: INT32, transmissionRisk: INT } as const;

type Fields = Readonly<Record<string, FieldType>>;

/** ASCII alone: what other letters fold to one of ours is no name that a phone sends. */
const folded = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

const byFoldedName = (fields: Fields): ReadonlyMap<string, string> =>
  new Map(Object.keys(fields).map((name) => [folded(name), name]));

const REQUEST_NAMES = byFoldedName(REQUEST_FIELDS);
const KEY_NAMES = byFoldedName(KEY_FIELDS);

/** @returns every field, or why there are none */
function readFields(
  value: unknown,
  fields: Fields,
  names: ReadonlyMap<string, string>,
): Result<Readonly<Record<string, unknown>>, RequestError> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return err({ kind: 'not-an-object' });
  const read = new Map<string, unknown>();
  for (const [sent, held] of Object.entries(value)) {
    // As most phones spell it: nothing to fold.
    const field = Object.hasOwn(fields, sent) ? sent : names.get(folded(sent));
    const type = field === undefined ? undefined : fields[field];
    if (field === undefined || type === undefined) return err({ kind: 'unknown-field' });
    if (read.has(field)) return err({ kind: 'duplicate-field' });
    if (held !== null && !type.holds(held)) return err({ kind: 'wrong-type', field });
    read.set(field, held ?? type.absent);
  }
  for (const [field, { absent }] of Object.entries(fields)) if (!read.has(field)) read.set(field, absent);
  return ok(Object.fromEntries(read));
}

/**
 * Checks names and types, and nothing else: what the fields must say is judged later, and answered differently.
 *
 * @param value as a JSON reader gave it that refuses a name that stands twice in one object; the same name in another case is refused here
 * @returns the request, or why it is none
 */
export function readPublishRequest(value: unknown): Result<PublishRequest, RequestError> {
  const request = readFields(value, REQUEST_FIELDS, REQUEST_NAMES);
  if (!request.ok) return request;
  const { padding: _, temporaryExposureKeys, ...fields } = request.value;
  const keys: unknown[] = [];
  for (const entry of temporaryExposureKeys as readonly unknown[]) {
    const key = readFields(entry, KEY_FIELDS, KEY_NAMES);
    if (!key.ok) return key;
    keys.push(key.value);
  }
  // Every field is there and was checked by the tables above.
  return ok({ ...fields, temporaryExposureKeys: keys } as unknown as PublishRequest);
}
