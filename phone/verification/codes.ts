/**
 * @module What a person scans or types to open a test: the QR code of a test, of a code card, a teleTAN, a card's
 * typed code (docs/spec/cwa.md §3.1, §3.2; docs/architecture.md §7). A slip is found on the phone, before anything is sent.
 */
import { concatBytes, toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';

/** What a person scans or types to open a session at the verification server. */
export interface TestCode {
  readonly keyType: 'GUID' | 'TELETAN';
  /** Hashed GUID, 64 hex digits; or the teleTAN, 10 characters. */
  readonly key: string;
  /** Hash over GUID and date of birth, 64 characters beginning with x; null if the test doesn't ask for it. */
  readonly keyDob: string | null;
}

/** A test in another region, shown by its credential and the key that it is bound to (docs/credential.md). */
export interface CredentialCode {
  readonly keyType: 'CREDENTIAL';
  /** Its id. */
  readonly key: string;
  readonly keyDob: null;
  /** SD-JWT. */
  readonly credential: string;
  /** PKCS#8 PEM; never leaves the phone. */
  readonly holderPem: string;
}

/** What opens a session at the verification server. */
export type OpeningCode = TestCode | CredentialCode;

/** Why a code can't be right; the person looks again and corrects it. */
export type CodeError =
  | { readonly kind: 'not-a-test' }
  | { readonly kind: 'bad-date'; readonly expected: 'YYYY-MM-DD' }
  | { readonly kind: 'wrong-length'; readonly length: number; readonly expected: readonly number[] }
  | { readonly kind: 'wrong-character'; readonly character: string }
  /** One character is wrong somewhere. */
  | { readonly kind: 'check-failed' };

/** 24-bit prefix and a UUID of 128 bits (docs/spec/cwa.md §3.1), in the one QR text that CWA's apps take. */
const QR_TEXT = /^https:\/\/localhost\/\?([0-9A-F]{6}-[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12})$/i;
/** No 0, 1, I, L, O (docs/spec/cwa.md §3.2). */
const ALPHABET = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';
const TELETAN_LENGTH = 10;
/** 14 random characters and a check character (code cards). */
const CARD_LENGTH = 15;

/**
 * @param text what the QR code says
 * @param birthDate `YYYY-MM-DD` where the test was registered with one, else null
 * @returns what to register with: the GUID itself never leaves the phone
 */
export function scanQrCode(text: string, birthDate: string | null = null): Result<TestCode, CodeError> {
  const guid = QR_TEXT.exec(text)?.[1];
  if (guid === undefined) return err({ kind: 'not-a-test' });
  if (birthDate === null) return ok({ keyType: 'GUID', key: hashOf(guid), keyDob: null });
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(birthDate) ?? [];
  if (year === undefined || month === undefined || day === undefined) {
    return err({ kind: 'bad-date', expected: 'YYYY-MM-DD' });
  }
  // CWA marks this hash with an x in the place of its first digit (docs/spec/cwa.md §3.1).
  return ok({ keyType: 'GUID', key: hashOf(guid), keyDob: `x${hashOf(`${guid}${day}${month}${year}`).slice(1)}` });
}

/**
 * @param typed a teleTAN or a card's code; case, spaces and hyphens don't matter
 * @returns what to register with
 */
export function typeCode(typed: string): Result<TestCode, CodeError> {
  const code = typed.replace(/[\s-]/g, '').toUpperCase();
  const length = Array.from(code).length;
  if (length !== TELETAN_LENGTH && length !== CARD_LENGTH) {
    return err({ kind: 'wrong-length', length, expected: [TELETAN_LENGTH, CARD_LENGTH] });
  }
  const character = Array.from(code).find((c) => !ALPHABET.includes(c));
  if (character !== undefined) return err({ kind: 'wrong-character', character });
  const body = code.slice(0, -1);
  const expected = length === TELETAN_LENGTH ? teleTanCheck(body) : cardCheck(body);
  if (code.at(-1) !== expected) return err({ kind: 'check-failed' });
  return length === TELETAN_LENGTH
    ? ok({ keyType: 'TELETAN', key: code, keyDob: null })
    : ok({ keyType: 'GUID', key: hashOf(cardGuid(code)), keyDob: null });
}

/** First hex digit of SHA-256, upper case, 0 → G and 1 → H, since neither is in the alphabet (docs/spec/cwa.md §3.2). */
function teleTanCheck(nine: string): string {
  const digit = hashOf(nine).charAt(0).toUpperCase();
  return { '0': 'G', '1': 'H' }[digit] ?? digit;
}

/** Sum of position × value: finds one wrong character, and two that changed places. */
function cardCheck(random: string): string {
  const sum = Array.from(random).reduce((total, c, i) => total + (i + 1) * ALPHABET.indexOf(c), 0);
  return ALPHABET.charAt(sum % ALPHABET.length);
}

/** The GUID that stands in the card's QR code: a function of its typed code, so that both open the same. */
function cardGuid(code: string): string {
  const digest = sha256(utf8('exposure-edge/card-guid/v1\0'), utf8(code));
  const uuid = concatBytes(digest.subarray(0, 16));
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  const hex = toHex(uuid);
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return [toHex(digest.subarray(16, 19)), ...groups].join('-').toUpperCase();
}

function hashOf(text: string): string {
  return toHex(sha256(utf8(text)));
}

/**
 * @param error see {@link CodeError}
 * @returns one line for the person
 */
export function describeCodeError(error: CodeError): string {
  switch (error.kind) {
    case 'not-a-test':
      return 'this QR code does not belong to a test';
    case 'bad-date':
      return `write the date of birth as ${error.expected}`;
    case 'wrong-length':
      return `a code has ${error.expected.join(' or ')} characters, this one has ${error.length}`;
    case 'wrong-character':
      return `${JSON.stringify(error.character)} occurs in no code`;
    case 'check-failed':
      return 'a character is wrong: compare it once more';
  }
}
