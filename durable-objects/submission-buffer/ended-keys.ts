/**
 * @module Lasting hashes of keys that ended before they were published. `known_key` has them among millions of others; here they are found again, so that the journal carries them and a
 * restore takes none of these keys in again (docs/restore.md).
 *
 * Durable order: put in the transaction that ends the rows. In a restore a thousand a transaction, before any row is made; a crash leaves some, which are put again.
 */
import { JOURNAL_ENDED_BYTES } from '../../domain/journal.ts';
import { uint32, writeUint32 } from '../../domain/publication/packed-keys.ts';
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import { insertRows, type InsertTarget } from '../insert-rows.ts';
import { inSlices, pause } from '../pace.ts';
import { HASH_BYTES } from './row-cipher.ts';

const ENDED_KEY: InsertTarget = { table: 'ended_key', columns: 2, onConflict: 'ON CONFLICT DO NOTHING' };
const KNOWN_KEY: InsertTarget = {
  table: 'known_key (hash, expires_hour, withdrawal)',
  columns: 3,
  onConflict: 'ON CONFLICT DO NOTHING',
};
/** Without a withdrawal hash: what ended can't be taken back. */
const NO_WITHDRAWAL = new Uint8Array(0);
/** Read, or written, in some milliseconds. */
const HASHES_A_SLICE = 1_000;

/** A key that ended. */
export interface EndedKey {
  /** Its lasting hash. */
  readonly hash: Uint8Array;
  /** Hour from which on it is forgotten. */
  readonly expiresHour: number;
}

/** Their keys are never taken in again; runs inside a transaction. @param ended in the order in which they are to be written */
export function putEnded(sql: SqlStorage, ended: readonly EndedKey[]): void {
  insertRows(
    sql,
    KNOWN_KEY,
    ended.flatMap(({ hash, expiresHour }) => [hash, expiresHour, NO_WITHDRAWAL]),
  );
  insertRows(
    sql,
    ENDED_KEY,
    ended.flatMap(({ hash, expiresHour }) => [hash, expiresHour]),
  );
}

/** @returns all of them in the journal's form, in the order of the hashes */
export async function endedKeys(sql: SqlStorage): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let after = new Uint8Array(0); ;) {
    const found = sql
      .exec<{ hash: ArrayBuffer; expires_hour: number }>(
        'SELECT hash, expires_hour FROM ended_key WHERE hash > ? ORDER BY hash LIMIT ?',
        after,
        HASHES_A_SLICE,
      )
      .toArray();
    const piece = new Uint8Array(found.length * JOURNAL_ENDED_BYTES);
    for (const [n, { hash, expires_hour: expiresHour }] of found.entries()) {
      piece.set(new Uint8Array(hash), n * JOURNAL_ENDED_BYTES);
      writeUint32(piece, n * JOURNAL_ENDED_BYTES + HASH_BYTES, expiresHour);
    }
    pieces.push(piece);
    if (found.length < HASHES_A_SLICE) return concatBytes(...pieces);
    after = new Uint8Array(found.at(-1)!.hash);
    await pause();
  }
}

/** @param hashes in the journal's form */
export async function restoreEnded(storage: DurableObjectStorage, hashes: Uint8Array): Promise<void> {
  let at = 0;
  await inSlices(
    () =>
      storage.transactionSync(() => {
        const slice: EndedKey[] = [];
        for (; slice.length < HASHES_A_SLICE && at < hashes.length; at += JOURNAL_ENDED_BYTES) {
          const expiresHour = uint32(hashes, at + HASH_BYTES);
          slice.push({ hash: hashes.slice(at, at + HASH_BYTES), expiresHour });
        }
        putEnded(storage.sql, slice);
        return at < hashes.length;
      }),
    (more) => more,
  );
}
