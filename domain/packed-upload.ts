/**
 * @module An upload as it goes from `upload` to `origin`, and from there to the buffer: its keys are one run of bytes. Fourteen objects of
 * six fields and more, written and read by the structured clone of an RPC, twice, cost a tenth of an upload's CPU
 * (benchmarks/results/upload.md); their bytes cost next to nothing.
 */
import { packKey, type Packed, SORT_BYTES, unpackKey } from './publication/packed-keys.ts';
import { asWithdrawalHash, WITHDRAWAL_HASH_BYTES } from '../protocol/withdrawal.ts';
import type { AcceptedKey } from './keys/uploaded.ts';
import type { AcceptedUpload } from './rpc.ts';

/** An upload as it goes by RPC. */
export type PackedUpload = Packed<AcceptedUpload>;

/** A key as in the record, and the hash by which it can be taken back, or zeros. */
const PACKED_KEY_BYTES = SORT_BYTES + WITHDRAWAL_HASH_BYTES;

/**
 * @param upload keys that passed the rules: other numbers would not fit their bytes
 * @returns the same to be sent, {@link PACKED_KEY_BYTES} a key
 */
export function packUpload(upload: AcceptedUpload): PackedUpload {
  const { keys, ...about } = upload;
  const rows = new Uint8Array(keys.length * PACKED_KEY_BYTES);
  for (const [n, key] of keys.entries()) {
    packKey(rows, n * PACKED_KEY_BYTES, key);
    const hash = asWithdrawalHash(key.withdrawalHash);
    if (hash !== null) rows.set(hash, n * PACKED_KEY_BYTES + SORT_BYTES);
  }
  return { ...about, keys: rows };
}

/**
 * Unpacks the keys and looks at nothing else.
 *
 * @param packed as it came by RPC: of any shape
 * @param most keys that it may hold; more aren't unpacked
 * @returns the upload, key data a view of the bytes that came; null when there are no whole keys, or too many
 */
export function unpackUpload(packed: PackedUpload, most = Infinity): AcceptedUpload | null {
  if (typeof packed !== 'object' || packed === null || !(packed.keys instanceof Uint8Array)) return null;
  const { keys: rows, ...about } = packed;
  const count = rows.length / PACKED_KEY_BYTES;
  if (!Number.isInteger(count) || count > most) return null;
  return { ...about, keys: Array.from({ length: count }, (_, n) => unpacked(rows, n * PACKED_KEY_BYTES)) };
}

function unpacked(rows: Uint8Array, offset: number): AcceptedKey {
  let at = offset + SORT_BYTES;
  const end = offset + PACKED_KEY_BYTES;
  while (at < end && rows[at] === 0) at++;
  return { ...unpackKey(rows, offset), withdrawalHash: at === end ? null : rows.subarray(offset + SORT_BYTES, end) };
}
