/**
 * @module Bytes as hex, base64 (RFC 4648 §4, §5) and UTF-8 (RFC 3629), and how they are compared.
 */

const encoder = new TextEncoder();
const HEX_DIGITS = '0123456789abcdef';
const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * "Uint8Array to/from base64 and hex" (ECMA-262, 2026): workerd has it, Node 24 has not. An upload writes 700 bytes as hex, and
 * a loop over them was among the first that V8 compiled three times over; a revision token is 1,348 bytes in base64.
 */
const { toHex: nativeToHex, toBase64: nativeToBase64 } = Uint8Array.prototype as {
  readonly toHex?: (this: Uint8Array) => string;
  readonly toBase64?: (this: Uint8Array) => string;
};
const { fromHex: nativeFromHex } = Uint8Array as { readonly fromHex?: (text: string) => Uint8Array };

/**
 * @param bytes any length
 * @returns lowercase hex, two digits a byte
 */
export function toHex(bytes: Uint8Array): string {
  if (nativeToHex !== undefined) return nativeToHex.call(bytes);
  let text = '';
  for (const byte of bytes) text += HEX_DIGITS.charAt(byte >> 4) + HEX_DIGITS.charAt(byte & 15);
  return text;
}

/**
 * @param text hex digits of either case, an even number of them
 * @returns the bytes
 * @throws {TypeError} when it is not hex
 */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || /[^0-9a-fA-F]/.test(text)) {
    throw new TypeError(`fromHex: expected an even number of hex digits, got ${text.length} characters`);
  }
  if (nativeFromHex !== undefined) return nativeFromHex.call(Uint8Array, text);
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (digitOf(text.charCodeAt(2 * i)) << 4) | digitOf(text.charCodeAt(2 * i + 1));
  }
  return bytes;
}

/** @param code of a hex digit */
const digitOf = (code: number): number => (code < 0x3a ? code - 0x30 : (code | 0x20) - 0x57);

function encode64(bytes: Uint8Array, alphabet: string): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += alphabet.charAt(group >> 18) + alphabet.charAt((group >> 12) & 63);
    if (left > 1) text += alphabet.charAt((group >> 6) & 63);
    if (left > 2) text += alphabet.charAt(group & 63);
  }
  return text;
}

function decode64(name: string, text: string, alphabet: string): Uint8Array {
  // One length modulo 4 cannot occur, and unused low bits must be zero: each value has exactly one spelling.
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const character of text) {
    const digit = alphabet.indexOf(character);
    if (digit < 0) throw new TypeError(`${name}: character outside the alphabet`);
    held = ((held << 6) | digit) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 0xff;
    }
  }
  if (text.length % 4 === 1) throw new TypeError(`${name}: ${text.length} characters encode no whole number of bytes`);
  if ((held & ((1 << bits) - 1)) !== 0) throw new TypeError(`${name}: unused bits are not zero`);
  return bytes;
}

/**
 * @param bytes any length
 * @returns base64 with padding (RFC 4648 §4)
 */
export function toBase64(bytes: Uint8Array): string {
  if (nativeToBase64 !== undefined) return nativeToBase64.call(bytes);
  const text = encode64(bytes, STANDARD);
  return text + '='.repeat((4 - (text.length % 4)) % 4);
}

/**
 * @param text base64 with padding, no white space (RFC 4648 §4)
 * @returns the bytes
 * @throws {TypeError} when it is not the one encoding of any bytes
 */
export function fromBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw new TypeError(`fromBase64: ${text.length} characters is no multiple of 4`);
  return decode64('fromBase64', text.replace(/={1,2}$/, ''), STANDARD);
}

/**
 * @param bytes any length
 * @returns base64url without padding (RFC 4648 §5)
 */
export function toBase64Url(bytes: Uint8Array): string {
  return encode64(bytes, URL_SAFE);
}

/**
 * @param text base64url without padding (RFC 4648 §5)
 * @returns the bytes
 * @throws {TypeError} when it is not the one encoding of any bytes
 */
export function fromBase64Url(text: string): Uint8Array {
  return decode64('fromBase64Url', text, URL_SAFE);
}

/**
 * Compares without an early end, so that the time taken depends on the lengths alone.
 *
 * @param a any bytes
 * @param b any bytes
 * @returns whether they are the same bytes
 */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/**
 * Unsigned lexicographic order, a prefix before what it begins.
 *
 * @param a any bytes
 * @param b any bytes
 * @returns negative, 0 or positive
 */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/**
 * As numbers first: V8 keeps a table of the strings that sets and maps are asked for, and random ones cost it more than they are worth.
 *
 * @param all any number of any bytes
 * @returns whether two of them are the same bytes
 */
export function isAnyTwice(all: readonly Uint8Array[]): boolean {
  const beginnings = new Set(all.map((bytes) => beginningOf(bytes)));
  if (beginnings.size === all.length) return false;
  const sorted = all.toSorted(compareBytes);
  return sorted.some((bytes, n) => n > 0 && compareBytes(sorted[n - 1]!, bytes) === 0);
}

/** Thirty bits, which V8 holds as a small integer. */
function beginningOf(bytes: Uint8Array): number {
  return (((bytes[0] ?? 0) << 24) | ((bytes[1] ?? 0) << 16) | ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)) >>> 2;
}

/**
 * @param parts in order
 * @returns their bytes, one after the other, in a new array
 */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * @param text any string
 * @returns its UTF-8 bytes
 */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * @param bytes UTF-8, a leading byte-order mark kept as a character
 * @returns the string
 * @throws {TypeError} when the bytes are not valid UTF-8
 */
export function fromUtf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}
