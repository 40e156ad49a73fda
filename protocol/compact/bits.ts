/** @module A stream of bits, the first one the highest of its byte (docs/compact-chunk.md §5). */

/** Lays bits into memory that is zero. */
export class BitWriter {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param bytes zeros, long enough for all that is written */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @param zeros so many of them, then a one */
  unary(zeros: number): void {
    this.#at += zeros;
    this.#one();
  }

  /** @param value < 2^count @param count bits, the highest first */
  bits(value: number, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--) {
      if ((value >>> bit) & 1) this.#one();
      else this.#at++;
    }
  }

  /** @returns bytes that have been begun */
  get length(): number {
    return (this.#at + 7) >>> 3;
  }

  #one(): void {
    this.#bytes[this.#at >>> 3]! |= 0x80 >>> (this.#at & 7);
    this.#at++;
  }
}

/** Takes bits as they were laid. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param bytes all of the stream */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @param most zeros that may stand before the one @returns how many did, or −1 where there are more, or the stream ends */
  unary(most: number): number {
    const end = this.#bytes.length * 8;
    const from = this.#at;
    while (this.#at < end && this.#at - from <= most) {
      const left = (this.#bytes[this.#at >>> 3]! << (this.#at & 7)) & 0xff;
      if (left !== 0) {
        const zeros = this.#at - from + Math.clz32(left) - 24;
        this.#at = from + zeros + 1;
        return zeros <= most ? zeros : -1;
      }
      this.#at = (this.#at & ~7) + 8;
    }
    return -1;
  }

  /** @param count bits, 0..7 @returns what they say, or −1 where the stream ends */
  bits(count: number): number {
    if (this.#at + count > this.#bytes.length * 8) return -1;
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++) {
      value = (value << 1) | ((this.#bytes[this.#at >>> 3]! >>> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }

  /** @returns whether nothing is left but zeros of the last byte */
  get isSpent(): boolean {
    const last = this.#at >>> 3;
    if (this.#bytes.length !== (this.#at + 7) >>> 3) return false;
    return (this.#at & 7) === 0 || ((this.#bytes[last]! << (this.#at & 7)) & 0xff) === 0;
  }
}
