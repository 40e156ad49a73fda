/**
 * @module Raw deflate (RFC 1951) by a pinned library in pure JavaScript: the platform's own changes between builds, and
 * then a chunk's name, which is the hash of its ZIP, would change with it (docs/architecture.md §5.6).
 */
import {
  ZStream,
  Z_BUF_ERROR,
  Z_NO_FLUSH,
  Z_OK,
  Z_STREAM_END,
  deflateRaw,
  zlibInflate,
  zlibInflateEnd,
  zlibInflateInit2,
} from 'pako';
import { concatBytes } from '../primitives/bytes.ts';
import { type Scratch, exactMemory } from './scratch.ts';
import { deflateBound, deflateRecords } from './record-deflate.ts';

/**
 * zlib's options, said aloud: together with the pinned version they fix every byte. Not the default window of 32 KiB but
 * one of 2 KiB: in sorted keys the best match lies one key back, and a wide window only tempts zlib into slightly longer
 * matches whose far distance costs more bits than they save. 28,000 keys of the pinned data set: 17.16 instead of 17.60
 * bytes a key; 100,000 keys: 16.90 instead of 17.67, for half as much time again (benchmarks/seal-file.ts). 512 bytes
 * would give 17.07 and 16.78, at four times the time: zlib clears its hash table once a window. Phones' inflaters take
 * any window (RFC 1951 §2: distances up to 32 KiB are allowed, none are asked for).
 */
const OPTIONS = { level: 6, windowBits: -11, memLevel: 8, strategy: 0 } as const;
/** For reading: raw deflate by anyone, window of 32 KiB, in zlib's spelling. */
const RAW_WINDOW_BITS = -15;
/** Output comes in pieces of this size, and the cap is checked after each. */
const PIECE_BYTES = 65_536;

/**
 * From here on the encoder for records (record-deflate.ts) takes over: 28,000 keys and more in a quarter of the time, and
 * slightly smaller; below, zlib's choice among matches wins by some bytes (decision 011).
 */
const RECORDS_FROM_BYTES = 65_536;

/**
 * @param bytes any length
 * @param scratch where the stream may be laid, so that file after file needs no new memory
 * @returns the deflate stream: the same bytes for the same input, on every machine; a view of `scratch` if given
 */
export function deflate(bytes: Uint8Array, scratch: Scratch = exactMemory): Uint8Array {
  if (bytes.length < RECORDS_FROM_BYTES) return deflateRaw(bytes, OPTIONS);
  const packed = scratch(deflateBound(bytes.length));
  return packed.subarray(0, deflateRecords(bytes, packed));
}

/**
 * Inflates with a cap on the output: a bomb costs at most the cap and one piece.
 *
 * @param packed begins with a deflate stream; what follows the stream is left alone
 * @param limit most bytes that may come out
 * @returns the bytes and how many of `packed` they took; or what is wrong
 */
export function inflateCapped(
  packed: Uint8Array,
  limit: number,
): { readonly data: Uint8Array; readonly used: number } | 'too-large' | 'malformed' {
  const stream = new ZStream();
  if (zlibInflateInit2(stream, RAW_WINDOW_BITS) !== Z_OK) return 'malformed';
  stream.input = packed;
  stream.next_in = 0;
  stream.avail_in = packed.length;
  const pieces: Uint8Array[] = [];
  let total = 0;
  try {
    for (;;) {
      stream.output = new Uint8Array(PIECE_BYTES);
      stream.next_out = 0;
      stream.avail_out = PIECE_BYTES;
      const status = zlibInflate(stream, Z_NO_FLUSH);
      if (status !== Z_OK && status !== Z_STREAM_END && status !== Z_BUF_ERROR) return 'malformed';
      total += stream.next_out;
      if (total > limit) return 'too-large';
      pieces.push(stream.output.subarray(0, stream.next_out));
      if (status === Z_STREAM_END) return { data: concatBytes(...pieces), used: stream.next_in };
      // Room was left in the piece: the input ended before the stream did.
      if (stream.avail_out > 0) return 'malformed';
    }
  } finally {
    zlibInflateEnd(stream);
  }
}
