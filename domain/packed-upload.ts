/**
 * @module An upload as it goes from `upload` to `origin`, and from there to the buffer: its keys are one run of bytes. Fourteen objects of
 * six fields, written and read by the structured clone of an RPC, twice, cost a tenth of an upload's CPU
 * (benchmarks/results/upload.md); their bytes cost next to nothing.
 */
import { packKey, type Packed, SORT_BYTES, unpackKey } from './publication/packed-keys.ts';
import type { AcceptedUpload } from './rpc.ts';

/** An upload as it goes by RPC. */
export type PackedUpload = Packed<AcceptedUpload>;

/**
 * @param upload keys that passed the rules: other numbers would not fit their bytes
 * @returns the same to be sent, {@link SORT_BYTES} bytes a key (domain/publication/packed-keys.ts)
 */
export function packUpload(upload: AcceptedUpload): PackedUpload {
  const { keys, ...about } = upload;
  const rows = new Uint8Array(keys.length * SORT_BYTES);
  for (const [n, key] of keys.entries()) packKey(rows, n * SORT_BYTES, key);
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
  const count = rows.length / SORT_BYTES;
  if (!Number.isInteger(count) || count > most) return null;
  return { ...about, keys: Array.from({ length: count }, (_, n) => unpackKey(rows, n * SORT_BYTES)) };
}
