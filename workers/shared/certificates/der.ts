/**
 * @module The outermost layers of DER (ITU-T X.690): tag, length, value, as views of the same bytes. For lists of revoked
 * certificates alone: a library makes some objects an entry, and a list of 100,000 entries would not fit into 128 MB.
 */

/** One element. */
export interface Element {
  readonly tag: number;
  /** Value alone. */
  readonly value: Uint8Array;
  /** Tag, length and value: what a signature is over. */
  readonly whole: Uint8Array;
}

/**
 * @param bytes elements one after the other
 * @returns each of them
 * @throws RangeError when a length runs past the end, is longer than four bytes or not the shortest, or a tag has several bytes
 */
export function* elements(bytes: Uint8Array): Generator<Element> {
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0;
    if ((tag & 0x1f) === 0x1f) throw new RangeError('der: a tag of several bytes');
    const first = bytes[at + 1] ?? 0xff;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || lengthBytes > 4) throw new RangeError('der: a length that is none');
    let length = first < 0x80 ? first : 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0);
    const start = at + 2 + lengthBytes;
    const shortest = lengthBytes === 0 || (length >= 0x80 && (bytes[at + 2] ?? 0) !== 0);
    if (!shortest || start + length > bytes.length)
      throw new RangeError('der: a length that is not the shortest or true');
    yield { tag, value: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) };
    at = start + length;
  }
}
