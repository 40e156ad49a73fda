/**
 * @module Self-authenticating TANs (docs/architecture.md §4.3): a version-4 UUID (RFC 9562 §5.4, what Corona-Warn-App's clients
 * carry, docs/spec/cwa.md §1.1) whose 122 free bits are 80 unpredictable bits and a 42-bit MAC over them.
 *
 * A forged TAN is told apart by whoever holds the MAC key, without asking any store: 2^-42 a guess.
 */
import { timingSafeEqual } from 'node:crypto';
import { fromHex, toHex, utf8 } from '../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../protocol/primitives/hash.ts';

/** Unpredictable part: 80 bits, random or derived from a secret. */
export const TAN_UNPREDICTABLE_BYTES = 10;
/** CWA's TANs lived 14 days (docs/spec/cwa.md §3.1); longer makes no sense, since keys are 14 days old then. */
export const MAX_TAN_LIFETIME_SECONDS = 14 * 86_400;
const MAC_BITS = 42n;
/** RFC 9562 §5.4: bits after the variant field. */
const LOW_BITS = 62n;
/** RFC 9562 §5.4: bits between the version and the variant field. */
const MIDDLE_BITS = 12n;

const MAC_LABEL = utf8('exposure-edge/tan/v1\0');
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const mask = (bits: bigint): bigint => (1n << bits) - 1n;

/**
 * Makes the TAN that belongs to 80 unpredictable bits.
 *
 * @param unpredictable exactly 10 bytes, from a CSPRNG or a keyed derivation
 * @param macKey 32 bytes, shared by `verification` and `upload` alone
 * @returns 36 characters, lower case
 * @throws RangeError when `unpredictable` is not 10 bytes
 */
export function composeTan(unpredictable: Uint8Array, macKey: Uint8Array): string {
  if (unpredictable.length !== TAN_UNPREDICTABLE_BYTES) {
    throw new RangeError(`unpredictable: ${TAN_UNPREDICTABLE_BYTES} bytes expected, got ${unpredictable.length}`);
  }
  const mac = BigInt(`0x${toHex(hmacSha256(macKey, MAC_LABEL, unpredictable).subarray(0, 6))}`) >> (48n - MAC_BITS);
  const free = (BigInt(`0x${toHex(unpredictable)}`) << MAC_BITS) | mac;
  const high = (free >> (LOW_BITS + MIDDLE_BITS)).toString(16).padStart(12, '0');
  const middle = ((free >> LOW_BITS) & mask(MIDDLE_BITS)).toString(16).padStart(3, '0');
  const low = ((0b10n << LOW_BITS) | (free & mask(LOW_BITS))).toString(16);
  return `${high.slice(0, 8)}-${high.slice(8)}-4${middle}-${low.slice(0, 4)}-${low.slice(4)}`;
}

/**
 * Reads a TAN and checks its MAC, in constant time for a well-formed one.
 *
 * @param text what the phone sent; upper case and surrounding blanks are forgiven
 * @param macKey 32 bytes
 * @returns the TAN in its one canonical spelling, or null when it is malformed or forged
 */
export function authenticateTan(text: string, macKey: Uint8Array): string | null {
  const tan = text.trim().toLowerCase();
  if (!UUID_V4.test(tan)) return null;
  const digits = tan.replaceAll('-', '');
  const high = BigInt(`0x${digits.slice(0, 12)}`);
  const middle = BigInt(`0x${digits.slice(13, 16)}`);
  const low = BigInt(`0x${digits.slice(16)}`) & mask(LOW_BITS);
  const free = (((high << MIDDLE_BITS) | middle) << LOW_BITS) | low;
  const unpredictable = fromHex((free >> MAC_BITS).toString(16).padStart(2 * TAN_UNPREDICTABLE_BYTES, '0'));
  return timingSafeEqual(utf8(composeTan(unpredictable, macKey)), utf8(tan)) ? tan : null;
}
