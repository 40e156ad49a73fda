/**
 * @module SQLite's log groups what one transaction wrote, in the order of the transactions: an upload is one, so the keys
 * that a commit brought are one person's, and the order of the ledger's commits says whose. A key is looked for as it is, and as
 * the tag that its row has under each row key at hand (durable-objects/submission-buffer/row-cipher.ts).
 */
import { createCipheriv } from 'node:crypto';
import { fromHex, toHex, utf8 } from '../../../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../../../protocol/primitives/hash.ts';

/** File format of SQLite's write-ahead log: a header, then frames of a header and a page. */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const PAGE_SIZE_AT = 8;
/** Not zero in the last frame of a transaction. */
const COMMIT_AT = 4;
const PREFIX_BYTES = 4;

const ROW_KEY_BYTES = 32;

/**
 * @param keys hex of keys that were published
 * @param rowKeys objects `row-keys/<day>.bin` of the private bucket
 * @returns what each key may lie in the log as, in hex → the key
 */
export function tracesOf(keys: readonly string[], rowKeys: readonly Uint8Array[]): Map<string, string> {
  const traces = new Map(keys.map((key) => [key, key]));
  for (const day of rowKeys) {
    for (let at = 0; at < day.length; at += ROW_KEY_BYTES) {
      const rowKey = day.subarray(at, at + ROW_KEY_BYTES);
      const tagKey = hmacSha256(rowKey, utf8('exposure-edge/waiting/row-tag/v1'));
      const cipher = createCipheriv('aes-256-ecb', tagKey, null).setAutoPadding(false);
      for (const key of keys) traces.set(toHex(cipher.update(fromHex(key))), key);
    }
  }
  return traces;
}

/**
 * @param log one write-ahead log
 * @param traces see {@link tracesOf}
 * @returns for each transaction the keys that came with it, in order; transactions that brought none are left out
 */
export function keysByTransaction(log: Uint8Array, traces: ReadonlyMap<string, string>): string[][] {
  const wal = Buffer.from(log.buffer, log.byteOffset, log.byteLength);
  if (wal.length < HEADER_BYTES) return [];
  const pageSize = wal.readUInt32BE(PAGE_SIZE_AT);
  const wanted = new Map<number, string[]>();
  for (const trace of traces.keys()) {
    const start = Buffer.from(fromHex(trace)).readUInt32BE();
    wanted.set(start, [...(wanted.get(start) ?? []), trace]);
  }
  const seen = new Set<string>();
  const transactions: string[][] = [];
  let running: string[] = [];
  const frame = FRAME_HEADER_BYTES + pageSize;
  for (let at = HEADER_BYTES; at + frame <= wal.length; at += frame) {
    for (const trace of keysIn(wal.subarray(at + FRAME_HEADER_BYTES, at + frame), wanted)) {
      const key = traces.get(trace)!;
      if (!seen.has(key)) running.push(key);
      seen.add(key);
    }
    if (wal.readUInt32BE(at + COMMIT_AT) === 0) continue;
    if (running.length > 0) transactions.push(running);
    running = [];
  }
  return transactions;
}

/** @returns traces that lie in a page */
function* keysIn(page: Buffer, wanted: ReadonlyMap<number, readonly string[]>): Generator<string> {
  for (let at = 0; at + PREFIX_BYTES <= page.length; at++) {
    for (const trace of wanted.get(page.readUInt32BE(at)) ?? []) {
      if (page.toString('hex', at, at + trace.length / 2) === trace) yield trace;
    }
  }
}
