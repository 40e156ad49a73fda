/**
 * @module The `remote` part of the store (docs/spec/europe.md §2.2, §2.4 R1): rows of peers' keys lie among those that wait, told by the origin of their label alone. They leave to no peer, are counted apart, and
 * where a person of ours has a withdrawal hash they have a mark: which peer may take the key back.
 *
 * Durable order: part of the caller's transaction.
 */
import { rank } from '../../domain/federation/duplicates.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../../protocol/primitives/hash.ts';
import { WITHDRAWAL_HASH_BYTES } from '../../protocol/withdrawal.ts';
import type { BufferConfig } from './config.ts';
import { coveredThrough, removeRows } from './end-rows.ts';
import type { Ciphers } from './hour-keys.ts';
import { HASH_BYTES, LABEL_OFFSET, readLabel, STORED_ROW_BYTES } from './row-cipher.ts';
import { labelsOf } from './row-labels.ts';
import type { UploadTally } from './upload-tally.ts';
import { rowsOfTags, type FreshKey } from './waiting-rows.ts';

const LABEL = utf8('exposure-edge/remote-key/v1\0');

const REVOKED_LABEL = utf8('exposure-edge/remote-key-revoked/v1\0');

/** A key that waits already, as it came again. */
export interface WaitingKey {
  /** Release hour of its row. */
  readonly hour: number;
  readonly key: FreshKey;
}

/**
 * In place of a withdrawal hash: no opening fits it, and it lasts as long as that does, in the row, the record and the known key. So who may take a key back needs no other table, nor a list of peers.
 *
 * @param hashKey the current one of `knownKeyHashKeys` to make it; each of them to find it
 * @param peer region
 * @param keyData 16 bytes
 */
export function remoteMark(hashKey: Uint8Array, peer: string, keyData: Uint8Array): Uint8Array {
  return hmacSha256(hashKey, LABEL, utf8(`${peer}\0`), keyData).subarray(0, WITHDRAWAL_HASH_BYTES);
}

/**
 * What is known of a key that a peer took back before it came: it lies among lasting hashes, and fits none, so that another who has the key may bring it all the same.
 *
 * @param hashKey the current one of `knownKeyHashKeys` to make it; each of them to find it
 * @param peer region
 * @param keyData 16 bytes
 */
export function revokedMark(hashKey: Uint8Array, peer: string, keyData: Uint8Array): Uint8Array {
  return hmacSha256(hashKey, REVOKED_LABEL, utf8(`${peer}\0`), keyData).subarray(0, HASH_BYTES);
}

/**
 * A person shares a key that came from a peer (domain/federation/duplicates.ts): the peer's row goes, so that it is published once, as ours.
 *
 * @param tally of the transaction
 * @param waiting keys of the upload that wait already
 * @returns those whose row went, to be stored as new
 */
export function takeOver(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  tally: UploadTally,
  waiting: readonly WaitingKey[],
): FreshKey[] {
  const covered = coveredThrough(sql);
  return waiting.flatMap(({ hour, key }) => {
    const cipher = ciphers.cipher(hour);
    if (cipher === null) return [];
    const row = cipher.open(rowsOfTags(sql, hour, cipher.tags(key.key.keyData)));
    if (row.length !== STORED_ROW_BYTES) return [];
    const labels = labelsOf(sql, ciphers, hour);
    const origin = labels.get(readLabel(row, LABEL_OFFSET))?.origin ?? config.homeCountry;
    const present = origin === config.homeCountry ? 'local' : hour <= covered ? 'remote-published' : 'remote-waiting';
    if (rank(present, 'local') !== 'take-over') return [];
    // Counts are changed: what the transaction has added so far must be there.
    tally.end();
    removeRows(sql, config, hour, [row], labels);
    return [key];
  });
}
