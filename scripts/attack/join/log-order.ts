/**
 * @module SQLite's log groups what one transaction wrote, in the order of the transactions: an upload is one, so the keys
 * that a commit brought are one person's, and the order of the ledger's commits says whose.
 */
import { fromHex } from '../../../protocol/primitives/bytes.ts';

/** File format of SQLite's write-ahead log: a header, then frames of a header and a page. */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const PAGE_SIZE_AT = 8;
/** Not zero in the last frame of a transaction. */
const COMMIT_AT = 4;
const PREFIX_BYTES = 4;

/**
 * @param log one write-ahead log
 * @param keys hex of keys that were published
 * @returns for each transaction the keys that came with it, in order; transactions that brought none are left out
 */
export function keysByTransaction(log: Uint8Array, keys: readonly string[]): string[][] {
  const wal = Buffer.from(log.buffer, log.byteOffset, log.byteLength);
  if (wal.length < HEADER_BYTES) return [];
  const pageSize = wal.readUInt32BE(PAGE_SIZE_AT);
  const wanted = new Map<number, string[]>();
  for (const key of keys) {
    const start = Buffer.from(fromHex(key)).readUInt32BE();
    wanted.set(start, [...(wanted.get(start) ?? []), key]);
  }
  const seen = new Set<string>();
  const transactions: string[][] = [];
  let running: string[] = [];
  const frame = FRAME_HEADER_BYTES + pageSize;
  for (let at = HEADER_BYTES; at + frame <= wal.length; at += frame) {
    for (const key of keysIn(wal.subarray(at + FRAME_HEADER_BYTES, at + frame), wanted)) {
      if (!seen.has(key)) running.push(key);
      seen.add(key);
    }
    if (wal.readUInt32BE(at + COMMIT_AT) === 0) continue;
    if (running.length > 0) transactions.push(running);
    running = [];
  }
  return transactions;
}

function* keysIn(page: Buffer, wanted: ReadonlyMap<number, readonly string[]>): Generator<string> {
  for (let at = 0; at + PREFIX_BYTES <= page.length; at++) {
    for (const key of wanted.get(page.readUInt32BE(at)) ?? []) {
      if (page.toString('hex', at, at + key.length / 2) === key) yield key;
    }
  }
}
