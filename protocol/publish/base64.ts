/**
 * @module Base64 as phones of Google's dialect send it: of either alphabet (RFC 4648 §4, §5), padded or not (docs/spec/google.md §1.2), with ends of lines, which
 * Android's `Base64` writes unless it is told not to (after 76 digits, and after the last), and Go's reader leaves out (encoding/base64).
 */
import { fromBase64 } from '../primitives/bytes.ts';

const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/;
const URL_SAFE = /^[A-Za-z0-9_-]*={0,2}$/;

const ENDS_OF_LINES = /[\r\n]/g;

/** ECMA-262, 2026: workerd has it, Node 24 has not. A revision token is two thousand characters. */
const { fromBase64: native } = Uint8Array as {
  readonly fromBase64?: (text: string, options: { readonly lastChunkHandling: 'strict' }) => Uint8Array;
};

/** @param text base64 @returns it on one line */
export const withoutLines = (text: string): string => text.replaceAll(ENDS_OF_LINES, '');

/**
 * @param written of one alphabet or the other, with no white space but ends of lines; padding whole or absent
 * @returns the bytes, or null when it is no base64, or not the one encoding of any bytes in its alphabet
 */
export function decodeAnyBase64(written: string): Uint8Array | null {
  const text = withoutLines(written);
  const isUrlSafe = !STANDARD.test(text);
  if (isUrlSafe && !URL_SAFE.test(text)) return null;
  const digits = text.replace(/=+$/, '');
  if (digits.length !== text.length && text.length % 4 !== 0) return null;
  const standard = isUrlSafe ? digits.replaceAll('-', '+').replaceAll('_', '/') : digits;
  const padded = standard.padEnd(Math.ceil(standard.length / 4) * 4, '=');
  try {
    return native === undefined ? fromBase64(padded) : native.call(Uint8Array, padded, { lastChunkHandling: 'strict' });
  } catch {
    return null;
  }
}
