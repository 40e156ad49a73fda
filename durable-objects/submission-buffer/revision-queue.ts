/**
 * @module Published keys of which something is said anew (docs/decisions/065), until the publisher says it. They lie in the queue of keys that are taken back, sealed
 * under keys of their own, and go with its batches (withdrawal-queue.ts).
 *
 * Durable order: part of the caller's transaction, on disk before its answer. A crash before leaves nothing.
 */
import type { KeyRevision } from '../../domain/publication/revision.ts';
import type { Ciphers } from './hour-keys.ts';
import { putQueued, queuedAmong } from './withdrawal-queue.ts';

/**
 * Puts revisions into the queue, each key once: the first stays, and of a key that is being taken back nothing is said anew. Runs inside a transaction. Of a key
 * that the records don't hold yet, since its set is frozen and isn't recorded, it waits until they do.
 *
 * @param ciphers ready for `now`
 * @param now Unix seconds
 * @param revisions of keys that a set covers; the caller sees to it that a key is revised once in its life
 * @throws Error when there is no key for the hour
 */
export function queueRevisions(
  sql: SqlStorage,
  ciphers: Ciphers,
  now: number,
  revisions: readonly KeyRevision[],
): void {
  const keys = revisions.map(({ keyData }) => keyData);
  const queued = queuedAmong(sql, ciphers, keys, (cipher) => [cipher.queue, cipher.revisions]);
  putQueued(
    sql,
    ciphers,
    now,
    revisions.filter((_, n) => !queued.has(n)),
  );
}
