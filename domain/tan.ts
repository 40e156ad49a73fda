/**
 * @module Self-authenticating TANs (docs/architecture.md §4.3): a version-4 UUID (RFC 9562 §5.4, what Corona-Warn-App's clients
 * carry, docs/spec/cwa.md §1.1) whose 122 free bits are 75 unpredictable bits, 5 bits of its last day, and a 42-bit MAC over
 * both.
 *
 * A forged TAN, and one whose life is over, is told apart by whoever holds the MAC key, without asking any store: 2^-42 a
 * guess.
 */
import { timingSafeEqual } from 'node:crypto';
import { fromHex, toHex, utf8 } from '../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../protocol/primitives/hash.ts';
import { SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../protocol/gaen/intervals.ts';

/** Unpredictable part, random or derived from a secret: 10 bytes of which 75 bits are taken. */
export const TAN_UNPREDICTABLE_BYTES = 10;
/**
 * CWA's TANs live 14 days (docs/spec/cwa.md §3.1), and its apps keep the first they get for as long and never ask again. Longer
 * makes no sense, since keys are 14 days old then.
 */
export const MAX_TAN_LIFETIME_SECONDS = 14 * SECONDS_PER_DAY;
/** A used or reserved TAN answers for so long after its expiry; then it is forgotten (docs/architecture.md §4.4). */
export const GRACE_AFTER_EXPIRY_SECONDS = 2 * SECONDS_PER_HOUR;
const UNPREDICTABLE_BITS = 75n;
const DAY_BITS = 5n;
const MAC_BITS = 42n;
/** RFC 9562 §5.4: bits after the variant field. */
const LOW_BITS = 62n;
/** RFC 9562 §5.4: bits between the version and the variant field. */
const MIDDLE_BITS = 12n;
/** Days that five bits tell apart. */
const DAYS_TOLD_APART = 1 << Number(DAY_BITS);
/**
 * A TAN made now may end so many days from now: 14, and one more since its end is a full hour. One that ended yesterday is let
 * through: a retry is answered two hours beyond it (domain/reservation.ts). The ledger decides to the second.
 */
const MOST_DAYS_AHEAD = 15;

const MAC_LABEL = utf8('exposure-edge/tan/v2\0');
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const mask = (bits: bigint): bigint => (1n << bits) - 1n;
const hexOf = (bits: bigint): string => bits.toString(16).padStart(2 * TAN_UNPREDICTABLE_BYTES, '0');

/** @param expiresAt Unix seconds at which the TAN's life ends @returns days since the Unix epoch */
export function lastDayOfTan(expiresAt: number): number {
  return Math.floor(expiresAt / SECONDS_PER_DAY);
}

/**
 * What hangs on a TAN (a session that gave it, an upload's id) must live as long as anybody may come back with it.
 *
 * @param lifetimeSeconds of TANs, > 0
 * @returns the longest that a TAN's row answers, in seconds from its issue: its life, up to an hour to the full hour with
 *   which it ends, and the grace
 */
export function longestAnswerOfTan(lifetimeSeconds: number): number {
  return lifetimeSeconds + SECONDS_PER_HOUR + GRACE_AFTER_EXPIRY_SECONDS;
}

/**
 * Makes the TAN that belongs to unpredictable bits and a last day.
 *
 * @param unpredictable exactly 10 bytes, from a CSPRNG or a keyed derivation; the highest five bits are left out
 * @param lastDay days since the Unix epoch, see {@link lastDayOfTan}
 * @param macKey 32 bytes, shared by `verification` and `upload` alone
 * @returns 36 characters, lower case
 * @throws RangeError when `unpredictable` is not 10 bytes
 */
export function composeTan(unpredictable: Uint8Array, lastDay: number, macKey: Uint8Array): string {
  if (unpredictable.length !== TAN_UNPREDICTABLE_BYTES) {
    throw new RangeError(`unpredictable: ${TAN_UNPREDICTABLE_BYTES} bytes expected, got ${unpredictable.length}`);
  }
  const day = BigInt(lastDay % DAYS_TOLD_APART);
  return spelled(((BigInt(`0x${toHex(unpredictable)}`) & mask(UNPREDICTABLE_BITS)) << DAY_BITS) | day, macKey);
}

/** @param said unpredictable bits and day, 80 bits @returns the TAN that says it, with its MAC */
function spelled(said: bigint, macKey: Uint8Array): string {
  const code = hmacSha256(macKey, MAC_LABEL, fromHex(hexOf(said))).subarray(0, 6);
  const free = (said << MAC_BITS) | (BigInt(`0x${toHex(code)}`) >> (48n - MAC_BITS));
  const high = (free >> (LOW_BITS + MIDDLE_BITS)).toString(16).padStart(12, '0');
  const middle = ((free >> LOW_BITS) & mask(MIDDLE_BITS)).toString(16).padStart(3, '0');
  const low = ((0b10n << LOW_BITS) | (free & mask(LOW_BITS))).toString(16);
  return `${high.slice(0, 8)}-${high.slice(8)}-4${middle}-${low.slice(0, 4)}-${low.slice(4)}`;
}

/**
 * Reads a TAN and checks its MAC, in constant time for a well-formed one, and its last day.
 *
 * @param text what the phone sent; upper case and surrounding blanks are forgiven
 * @param macKey 32 bytes
 * @param now Unix seconds
 * @returns the TAN in its one canonical spelling, or null when it is malformed, forged, or over
 */
export function authenticateTan(text: string, macKey: Uint8Array, now: number): string | null {
  const tan = text.trim().toLowerCase();
  if (!UUID_V4.test(tan)) return null;
  const digits = tan.replaceAll('-', '');
  const high = BigInt(`0x${digits.slice(0, 12)}`);
  const middle = BigInt(`0x${digits.slice(13, 16)}`);
  const low = BigInt(`0x${digits.slice(16)}`) & mask(LOW_BITS);
  const said = ((((high << MIDDLE_BITS) | middle) << LOW_BITS) | low) >> MAC_BITS;
  if (!timingSafeEqual(utf8(spelled(said, macKey)), utf8(tan))) return null;
  return mayLive(Number(said & mask(DAY_BITS)), now) ? tan : null;
}

/** @param day of a TAN, 0..31 @param now Unix seconds */
function mayLive(day: number, now: number): boolean {
  const ahead = (day - (lastDayOfTan(now) % DAYS_TOLD_APART) + DAYS_TOLD_APART) % DAYS_TOLD_APART;
  return ahead <= MOST_DAYS_AHEAD || ahead === DAYS_TOLD_APART - 1;
}
