/**
 * @module teleTAN: ten characters that a hotline reads to a patient over the telephone (docs/spec/cwa.md §3.2).
 *
 * Alphabet, length and check character are Corona-Warn-App's, so that its apps accept what we issue. Its server never
 * recomputed the check character; ours does, so a slip of the tongue is told apart from a guess before any storage is
 * touched. 31^9 ≈ 2.64e13 ≈ 44.6 bit.
 */
import { createHash } from 'node:crypto';

/** No 0, 1, I, L, O: characters that cannot be told apart when read out or written by hand. */
export const TELETAN_ALPHABET = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';
/** Nine random characters and one check character. */
const TELETAN_LENGTH = 10;
/** A teleTAN lives one hour (docs/spec/cwa.md §3.2). */
export const TELETAN_LIFETIME_SECONDS = 3600;

/** Codes that one may ask a second person to release beyond a quota: as many as the default quota of an hour. */
export const MAX_CODES_ASKED = 60;

const RANDOM_CHARACTERS = TELETAN_LENGTH - 1;
/**
 * The check character: first hex digit of SHA-256 over the nine characters, upper case, with 0 → G and 1 → H.
 *
 * @param nine the nine random characters, normalised
 * @returns one character of 2-9 A-H
 */
export function teleTanCheckCharacter(nine: string): string {
  const digit = createHash('sha256').update(nine, 'utf8').digest('hex').charAt(0).toUpperCase();
  if (digit === '0') return 'G';
  return digit === '1' ? 'H' : digit;
}

/**
 * Makes a teleTAN.
 *
 * @param randomBytes source of cryptographically secure bytes: `(n) => n bytes`
 * @returns ten characters, uniform over the alphabet but for the check character
 */
export function generateTeleTan(randomBytes: (length: number) => Uint8Array): string {
  const nine = uniformCharacters(TELETAN_ALPHABET, RANDOM_CHARACTERS, randomBytes);
  return nine + teleTanCheckCharacter(nine);
}

/**
 * Draws characters, each as likely as every other: bytes that would favour the first letters are drawn again.
 *
 * @param alphabet 2..256 characters
 * @param length how many
 * @param randomBytes source of cryptographically secure bytes
 */
export function uniformCharacters(
  alphabet: string,
  length: number,
  randomBytes: (length: number) => Uint8Array,
): string {
  const limit = Math.floor(256 / alphabet.length) * alphabet.length;
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length * 2)) {
      if (byte < limit && text.length < length) text += alphabet.charAt(byte % alphabet.length);
    }
  }
  return text;
}

/**
 * Reads what a person typed: case, spaces and hyphens do not matter.
 *
 * @param typed any text
 * @returns the normalised teleTAN, or null when length, alphabet or check character is wrong (a typing error, not a guess)
 */
export function parseTeleTan(typed: string): string | null {
  if (typed.length > 4 * TELETAN_LENGTH) return null;
  const code = typed.replace(/[\s-]/g, '').toUpperCase();
  if (code.length !== TELETAN_LENGTH) return null;
  for (const character of code) if (!TELETAN_ALPHABET.includes(character)) return null;
  const nine = code.slice(0, RANDOM_CHARACTERS);
  return teleTanCheckCharacter(nine) === code.charAt(RANDOM_CHARACTERS) ? code : null;
}
