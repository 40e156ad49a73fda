/**
 * @module A peer's batch as it goes from `federation` to `origin` (domain/rpc-federation.ts): keys are one run of bytes, as in an upload, since hundreds of thousands of objects would cost more to send than to store.
 */
import { KEY_DATA_BYTES } from '../keys/limits.ts';
import { packKey, SORT_BYTES, unpackKey } from '../publication/packed-keys.ts';
import type { PeerBatch } from '../rpc-federation.ts';
import { REGION_ID } from '../../protocol/directory/entry.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import { type InboundKey, judgeEach, type JudgedKeys } from './inbound.ts';

/** More than any file has (docs/spec/gaen.md §4.5): 18 MB of the 32 that a call may carry (docs/spec/platform.md §1). */
const MOST_KEYS = 750_000;
const BATCH_NAME = /^[\x21-\x7e]{1,100}$/;

/** A batch before it is packed. */
export interface JudgedBatch {
  readonly peer: string;
  readonly batch: string;
  readonly sha256: string;
  readonly keys: readonly TemporaryExposureKey[];
  /** key_data. */
  readonly revoked: readonly Uint8Array[];
}

/**
 * @param text `IMPORT_REGIONS`, comma separated; empty: none
 * @param homeCountry ours: nobody brings keys in its name
 * @returns the regions whose keys may come in
 * @throws Error naming the variable
 */
export function parseImportRegions(text: string, homeCountry: string): ReadonlySet<string> {
  const regions = text
    .split(',')
    .map((region) => region.trim())
    .filter((region) => region !== '');
  if (regions.some((region) => !REGION_ID.test(region) || region === homeCountry)) {
    throw new Error(`IMPORT_REGIONS=${text} must be other regions than ${homeCountry}, comma separated`);
  }
  return new Set(regions);
}

/** Of one batch and one origin: what may be stored, as a {@link PeerBatch} has it. */
export interface PackedKeys extends Pick<PeerBatch, 'keys' | 'revoked'>, Pick<JudgedKeys, 'dropped'> {}

/**
 * @param keys see `judgeEach`
 * @param most how many they are at most
 * @param by.origin, by.now see `judgeEach`
 */
export function judgePacked(
  keys: Iterable<InboundKey>,
  most: number,
  by: { readonly origin: string; readonly now: number },
): PackedKeys {
  const [rows, revoked] = [new Uint8Array(most * SORT_BYTES), new Uint8Array(most * KEY_DATA_BYTES)];
  const at = { rows: 0, revoked: 0 };
  const dropped = judgeEach(keys, by, {
    key(key) {
      packKey(rows, at.rows, key);
      at.rows += SORT_BYTES;
    },
    revoked(keyData) {
      revoked.set(keyData, at.revoked);
      at.revoked += KEY_DATA_BYTES;
    },
  });
  // Not views: a call would carry all that is behind them.
  return { keys: rows.slice(0, at.rows), revoked: revoked.slice(0, at.revoked), dropped };
}

/** @returns how many keys and revocations are to be stored */
export const sizeOf = ({ keys, revoked }: Pick<PeerBatch, 'keys' | 'revoked'>): number =>
  keys.length / SORT_BYTES + revoked.length / KEY_DATA_BYTES;

/** @param batch keys that `judgeInbound` let through: other numbers would not fit their bytes */
export function packBatch({ peer, batch, sha256, keys, revoked }: JudgedBatch): PeerBatch {
  const rows = new Uint8Array(keys.length * SORT_BYTES);
  for (const [n, key] of keys.entries()) packKey(rows, n * SORT_BYTES, key);
  return { peer, batch, sha256, keys: rows, revoked: concatBytes(...revoked) };
}

/**
 * `origin`'s own look: a Worker that peers can reach may be taken over, and what is stored ends in a file that every phone reads.
 *
 * @param given as it came by RPC: of any shape
 * @param peers regions that an operator of `origin` has named ({@link parseImportRegions})
 * @param now Unix seconds
 * @returns the batch, its keys written anew and without those that break a rule; how many these were; or null when it is none
 */
export function recheckBatch(
  given: PeerBatch,
  peers: ReadonlySet<string>,
  now: number,
): { readonly batch: PeerBatch; readonly dropped: number } | null {
  if (typeof given !== 'object' || given === null || !(given.keys instanceof Uint8Array)) return null;
  const { peer, batch, sha256, keys: rows, revoked } = given;
  if (!(revoked instanceof Uint8Array) || typeof peer !== 'string' || typeof batch !== 'string') return null;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return null;
  if (!peers.has(peer) || !BATCH_NAME.test(batch)) return null;
  const count = rows.length / SORT_BYTES;
  const isWhole = Number.isInteger(count) && revoked.length % KEY_DATA_BYTES === 0;
  if (!isWhole || count + revoked.length / KEY_DATA_BYTES > MOST_KEYS) return null;
  const sent: Iterable<InboundKey> = {
    *[Symbol.iterator]() {
      for (let n = 0; n < count; n++) yield { ...unpackKey(rows, n * SORT_BYTES), onset: null, origin: peer };
    },
  };
  const { keys, dropped } = judgePacked(sent, count, { origin: peer, now });
  const lost = Object.values(dropped).reduce((sum, n) => sum + n, 0);
  return { batch: { peer, batch, sha256, keys, revoked }, dropped: lost };
}
