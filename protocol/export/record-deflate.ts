/**
 * @module A deflate encoder (RFC 1951) for files of equal records, such as sorted diagnosis keys: instead of searching a
 * window it looks where the last match lay, one record back, which in such files is the best place (decision 011). So it
 * takes a fraction of zlib's time, no memory beyond its output, and like any code here it is pinned: the same bytes for the
 * same input everywhere. Every input is encoded rightly; one that isn't made of records is merely packed less well.
 */
import { codeLengths, codesOf } from './huffman.ts';

/** Tokens of a block: one table of codes each (RFC 1951 §3.2.7). About 3,800 keys. */
const BLOCK_TOKENS = 65_536;
const MIN_MATCH = 3;
const MAX_MATCH = 258;
/** So far back a new distance is looked for, and only after so many literals: a key has 16. */
const MAX_RECORD = 128;
const LITERALS_BEFORE_SEARCH = 20;
/** A new distance must pay for itself. */
const MIN_NEW_MATCH = 5;
const END_OF_BLOCK = 256;
const STORED_MAX = 65_535;

/** RFC 1951 §3.2.5: first length of each length code, from 257, and its extra bits; the same for distances. */
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97];
const DISTANCE_EXTRA = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5];
/** RFC 1951 §3.2.7: the order in which the lengths of the code length code are written. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const LENGTH_CODE = Uint8Array.from({ length: MAX_MATCH + 1 }, (_, n) =>
  LENGTH_BASE.findLastIndex((base) => base <= n),
);
const DISTANCE_CODE = Uint8Array.from({ length: MAX_RECORD + 1 }, (_, n) =>
  DISTANCE_BASE.findLastIndex((base) => base <= n),
);

/** Bits, least significant first (RFC 1951 §3.1.1). */
class BitWriter {
  bytes: Uint8Array;
  at = 0;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  write(value: number, bits: number): void {
    this.#held |= value << this.#count;
    this.#count += bits;
    while (this.#count >= 8) {
      this.bytes[this.at++] = this.#held;
      this.#held >>>= 8;
      this.#count -= 8;
    }
  }

  /** Fills up the byte with zeros. */
  align(): void {
    if (this.#count > 0) this.bytes[this.at++] = this.#held;
    this.#held = 0;
    this.#count = 0;
  }
}

/** @returns a length no encoding of `n` bytes exceeds: stored blocks have five bytes each */
export function deflateBound(n: number): number {
  return n + 5 * (Math.ceil(n / STORED_MAX) + Math.ceil(n / BLOCK_TOKENS) + 1);
}

/**
 * @param data any bytes
 * @param out where the stream is written; `deflateBound(data.length)` bytes from `offset` suffice
 * @param offset first byte to write
 * @returns offset of the first byte after the stream
 */
export function deflateRecords(data: Uint8Array, out: Uint8Array, offset = 0): number {
  const writer = new BitWriter(out);
  writer.at = offset;
  const tokens = new Uint32Array(BLOCK_TOKENS);
  let [at, distance, literals] = [0, 0, LITERALS_BEFORE_SEARCH];
  do {
    const start = at;
    let count = 0;
    const literalCounts = new Uint32Array(286);
    const distanceCounts = new Uint32Array(30);
    while (at < data.length && count < BLOCK_TOKENS - 1) {
      let length = distance > 0 ? matchLength(data, at, distance) : 0;
      if (length < MIN_MATCH && literals >= LITERALS_BEFORE_SEARCH) {
        const found = nearestMatch(data, at);
        if (found > 0) {
          distance = found;
          length = matchLength(data, at, distance);
        }
      }
      if (length >= MIN_MATCH) {
        tokens[count++] = (length << 16) | distance;
        literalCounts[257 + LENGTH_CODE[length]!]! += 1;
        distanceCounts[DISTANCE_CODE[distance]!]! += 1;
        at += length;
        literals = 0;
      } else {
        const byte = data[at++]!;
        tokens[count++] = byte;
        literalCounts[byte]! += 1;
        literals += 1;
      }
    }
    literalCounts[END_OF_BLOCK] = 1;
    const block = { tokens: tokens.subarray(0, count), literalCounts, distanceCounts };
    writeBlock(writer, block, data.subarray(start, at), at === data.length);
  } while (at < data.length);
  writer.align();
  return writer.at;
}

function matchLength(data: Uint8Array, at: number, distance: number): number {
  if (distance > at) return 0;
  const limit = Math.min(MAX_MATCH, data.length - at);
  let length = 0;
  while (length < limit && data[at + length] === data[at + length - distance]) length += 1;
  return length;
}

/** @returns the distance of the longest match within a record's length, the nearest of equals; 0 if none pays */
function nearestMatch(data: Uint8Array, at: number): number {
  let [best, longest] = [0, MIN_NEW_MATCH - 1];
  for (let distance = 1; distance <= MAX_RECORD && distance <= at; distance++) {
    const length = matchLength(data, at, distance);
    if (length > longest) [best, longest] = [distance, length];
  }
  return best;
}

interface Block {
  readonly tokens: Uint32Array;
  readonly literalCounts: Uint32Array;
  readonly distanceCounts: Uint32Array;
}

/** Writes a block with codes of its own, or stored where that is shorter. */
function writeBlock(writer: BitWriter, block: Block, raw: Uint8Array, last: boolean): void {
  const literalLengths = codeLengths(block.literalCounts, 15);
  const distanceLengths = codeLengths(block.distanceCounts, 15);
  const header = codeTables(literalLengths, distanceLengths);
  let bits = 3 + header.bits;
  for (let i = 0; i < 286; i++) {
    bits += block.literalCounts[i]! * (literalLengths[i]! + (i > 256 ? LENGTH_EXTRA[i - 257]! : 0));
  }
  for (let i = 0; i < 30; i++) bits += block.distanceCounts[i]! * (distanceLengths[i]! + (DISTANCE_EXTRA[i] ?? 0));
  if (bits > 8 * (raw.length + 5 * Math.ceil(raw.length / STORED_MAX) + 1)) return writeStored(writer, raw, last);
  writer.write(last ? 1 : 0, 1);
  writer.write(2, 2);
  for (const { value, bits: width } of header.fields) writer.write(value, width);
  writeTokens(writer, block.tokens, literalLengths, distanceLengths);
}

function writeTokens(writer: BitWriter, tokens: Uint32Array, literals: Uint8Array, distances: Uint8Array): void {
  const literalCodes = codesOf(literals);
  const distanceCodes = codesOf(distances);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token < 256) {
      writer.write(literalCodes[token]!, literals[token]!);
      continue;
    }
    const [length, distance] = [token >>> 16, token & 0xffff];
    const code = LENGTH_CODE[length]!;
    writer.write(literalCodes[257 + code]!, literals[257 + code]!);
    writer.write(length - LENGTH_BASE[code]!, LENGTH_EXTRA[code]!);
    const far = DISTANCE_CODE[distance]!;
    writer.write(distanceCodes[far]!, distances[far]!);
    writer.write(distance - DISTANCE_BASE[far]!, DISTANCE_EXTRA[far]!);
  }
  writer.write(literalCodes[END_OF_BLOCK]!, literals[END_OF_BLOCK]!);
}

function writeStored(writer: BitWriter, raw: Uint8Array, last: boolean): void {
  for (let at = 0; ; at += STORED_MAX) {
    const piece = raw.subarray(at, at + STORED_MAX);
    const ends = at + STORED_MAX >= raw.length;
    writer.write(last && ends ? 1 : 0, 3);
    writer.align();
    writer.write(piece.length, 16);
    writer.write(~piece.length & 0xffff, 16);
    writer.bytes.set(piece, writer.at);
    writer.at += piece.length;
    if (ends) return;
  }
}

interface Field {
  readonly value: number;
  readonly bits: number;
}

/** The tables of a dynamic block (RFC 1951 §3.2.7): both sequences of lengths, run by run, in a code of their own. */
function codeTables(literals: Uint8Array, distances: Uint8Array): { fields: Field[]; bits: number } {
  const literalCount = Math.max(257, lastUsed(literals) + 1);
  const distanceCount = Math.max(1, lastUsed(distances) + 1);
  const runs = runLengths([...literals.subarray(0, literalCount), ...distances.subarray(0, distanceCount)]);
  const counts = new Uint32Array(19);
  for (const { symbol } of runs) counts[symbol]! += 1;
  const lengths = codeLengths(counts, 7);
  const codes = codesOf(lengths);
  let written = 19;
  while (written > 4 && lengths[LENGTH_ORDER[written - 1]!] === 0) written -= 1;
  const fields: Field[] = [
    { value: literalCount - 257, bits: 5 },
    { value: distanceCount - 1, bits: 5 },
    { value: written - 4, bits: 4 },
    ...LENGTH_ORDER.slice(0, written).map((symbol) => ({ value: lengths[symbol]!, bits: 3 })),
    ...runs.flatMap(({ symbol, extra, extraBits }) => [
      { value: codes[symbol]!, bits: lengths[symbol]! },
      { value: extra, bits: extraBits },
    ]),
  ];
  return { fields, bits: fields.reduce((sum, { bits }) => sum + bits, 0) };
}

function lastUsed(lengths: Uint8Array): number {
  return lengths.findLastIndex((length) => length > 0);
}

function runLengths(lengths: readonly number[]): { symbol: number; extra: number; extraBits: number }[] {
  const runs: { symbol: number; extra: number; extraBits: number }[] = [];
  for (let at = 0; at < lengths.length;) {
    const length = lengths[at]!;
    let run = 1;
    while (at + run < lengths.length && lengths[at + run] === length) run += 1;
    if (length === 0 && run >= 3) {
      const taken = Math.min(run, 138);
      runs.push(
        taken <= 10 ? { symbol: 17, extra: taken - 3, extraBits: 3 } : { symbol: 18, extra: taken - 11, extraBits: 7 },
      );
      at += taken;
      continue;
    }
    runs.push({ symbol: length, extra: 0, extraBits: 0 });
    at += 1;
    // A length of zero has symbols of its own, above; only fewer than three of them get here, one by one.
    if (length === 0) continue;
    for (run -= 1; run >= 3;) {
      const taken = Math.min(run, 6);
      runs.push({ symbol: 16, extra: taken - 3, extraBits: 2 });
      at += taken;
      run -= taken;
    }
  }
  return runs;
}
