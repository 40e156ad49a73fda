/**
 * @module The phone's one source of randomness, injected, and unbiased numbers drawn from it.
 */

/**
 * @param length number of bytes
 * @returns that many bytes from a cryptographic source (a seeded one in tests)
 */
export type RandomBytes = (length: number) => Uint8Array;

const UINT32_VALUES = 2 ** 32;

/**
 * A uniformly drawn integer. Draws that would favour the small values are drawn anew.
 *
 * @param random source of bytes
 * @param limit 1..2³², exclusive upper bound
 * @returns integer in 0..limit−1
 * @throws {RangeError} when the limit is no integer in range
 */
export function randomBelow(random: RandomBytes, limit: number): number {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= UINT32_VALUES)) {
    throw new RangeError(`randomBelow: expected a limit of 1..2^32, got ${limit}`);
  }
  const usable = UINT32_VALUES - (UINT32_VALUES % limit);
  for (;;) {
    const bytes = random(4);
    const drawn = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
    if (drawn < usable) return drawn % limit;
  }
}

/**
 * A random version-4 UUID (RFC 9562 §5.4), the shape of a TAN.
 *
 * @param random source of bytes
 * @returns 36 characters, lowercase
 */
export function randomUuid(random: RandomBytes): string {
  const bytes = Uint8Array.from(random(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
