/**
 * @module What an app of Google's dialect asks `verification`, parsed and checked (docs/spec/google.md §5.2, §5.3). Names are taken in any case, as Go's reader takes them; a field that isn't known, or
 * comes twice, is refused. Pure: a dummy's body isn't read at all.
 */
import { parseStrictJson } from '../../../domain/strict-json.ts';
import { CODE_TEST_TYPES, type CodeTestType } from '../../../domain/rpc-codes.ts';
import { decodeAnyBase64 } from '../../../protocol/publish/base64.ts';

/** Largest request body. */
export const MAX_BODY_BYTES = 64_000;
const JSON_LIMITS = { depth: 2, members: 40 } as const;
/** A device draws 256. */
const NONCE_BYTES = { min: 16, max: 1_024 } as const;
const MAC_BYTES = 32;
const MAX_MAC_CHARACTERS = 44;
const E164 = /^\+[1-9]\d{6,14}$/;

type FieldKind = 'text' | 'number' | 'texts';
type Fields = Readonly<Record<string, FieldKind>>;
type Value<K extends FieldKind> = K extends 'text' ? string : K extends 'number' ? number : readonly string[];
/** Each field; what wasn't sent, or is null, is empty or 0. */
type Read<F extends Fields> = { readonly [K in keyof F]: Value<F[K]> };

const EMPTY = { text: '', number: 0, texts: [] } as const;
const HOLDS: Readonly<Record<FieldKind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  number: Number.isSafeInteger,
  texts: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
};

/** ASCII alone. */
const folded = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

function readFields<F extends Fields>(bytes: Uint8Array, fields: F): Read<F> | null {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
  const json = parseStrictJson(text, JSON_LIMITS);
  if (!json.ok || typeof json.value !== 'object' || json.value === null || Array.isArray(json.value)) return null;
  const names = new Map(Object.keys(fields).map((name) => [folded(name), name]));
  const read: Record<string, unknown> = {};
  for (const [sent, value] of Object.entries(json.value)) {
    const name = names.get(folded(sent));
    const kind = name === undefined ? undefined : fields[name];
    if (name === undefined || kind === undefined || name in read) return null;
    if (value !== null && !HOLDS[kind](value)) return null;
    read[name] = value ?? EMPTY[kind];
  }
  for (const [name, kind] of Object.entries(fields)) read[name] ??= EMPTY[kind];
  return read as Read<F>;
}

const VERIFY = { code: 'text', accept: 'texts', nonce: 'text', padding: 'text' } as const;
const CERTIFICATE = { token: 'text', ekeyhmac: 'text', padding: 'text' } as const;
const USER_REPORT = {
  symptomDate: 'text',
  testDate: 'text',
  tzOffset: 'number',
  phone: 'text',
  nonce: 'text',
  padding: 'text',
} as const;

/** Why a question is none, by Google's code for it. */
export type Unasked = 'unparsable_request' | 'invalid_test_type' | 'token_invalid' | 'hmac_invalid' | NotReported;
type NotReported = 'missing_nonce' | 'missing_phone' | 'phone_number_invalid';

export interface VerifyQuestion {
  /** As it was typed. */
  readonly code: string;
  readonly accepted: readonly CodeTestType[];
  /** null: none was shown. */
  readonly nonce: Uint8Array | null;
}

/** What an app that names one type takes besides: a person whose worst news it can show may have better (docs/spec/google.md §5.3). */
const ACCEPTS: Readonly<Record<CodeTestType, readonly CodeTestType[]>> = {
  confirmed: ['confirmed'],
  likely: ['confirmed', 'likely'],
  negative: ['confirmed', 'likely', 'negative'],
  'user-report': ['confirmed', 'user-report'],
};

const isTestType = (text: string): text is CodeTestType => (CODE_TEST_TYPES as readonly string[]).includes(text);

/** @param bytes the body */
export function parseVerify(bytes: Uint8Array): VerifyQuestion | Unasked {
  const read = readFields(bytes, VERIFY);
  if (read === null) return 'unparsable_request';
  const named = read.accept.filter((type) => isTestType(type));
  if (named.length < read.accept.length) return 'invalid_test_type';
  const nonce = read.nonce === '' ? null : decodeAnyBase64(read.nonce);
  if (read.nonce !== '' && nonce === null) return 'unparsable_request';
  const accepted = named.length === 0 ? CODE_TEST_TYPES : [...new Set(named.flatMap((type) => ACCEPTS[type]))];
  return { code: read.code, accepted, nonce };
}

export interface CertificateQuestion {
  readonly token: string;
  /** As it was sent: so it stands in the certificate. */
  readonly ekeyhmac: string;
  /** 32 bytes. */
  readonly mac: Uint8Array;
}

/** @param bytes the body */
export function parseCertificate(bytes: Uint8Array): CertificateQuestion | Unasked {
  const read = readFields(bytes, CERTIFICATE);
  // So Google's server says it of this route.
  if (read === null) return 'token_invalid';
  const mac = read.ekeyhmac.length > MAX_MAC_CHARACTERS ? null : decodeAnyBase64(read.ekeyhmac);
  if (mac?.length !== MAC_BYTES) return 'hmac_invalid';
  return { token: read.token, ekeyhmac: read.ekeyhmac, mac };
}

export interface UserReportQuestion {
  readonly symptomDate: string;
  readonly testDate: string;
  readonly tzOffset: number;
  /** E.164. */
  readonly phone: string;
  readonly nonce: Uint8Array;
}

/** @param bytes the body */
export function parseUserReport(bytes: Uint8Array): UserReportQuestion | Unasked {
  const read = readFields(bytes, USER_REPORT);
  const nonce = read === null ? null : decodeAnyBase64(read.nonce);
  if (read === null || nonce === null) return 'unparsable_request';
  if (nonce.length < NONCE_BYTES.min || nonce.length > NONCE_BYTES.max) return 'missing_nonce';
  if (read.phone === '') return 'missing_phone';
  const { symptomDate, testDate, tzOffset, phone } = read;
  return isE164(phone) ? { symptomDate, testDate, tzOffset, phone, nonce } : 'phone_number_invalid';
}

/** @returns whether a text is a phone number as messages are addressed: `+`, country, number, no spaces */
export const isE164 = (phone: string): boolean => E164.test(phone);
