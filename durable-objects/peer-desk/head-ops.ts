/**
 * @module The newest head of the directory that held (docs/directory.md): by it one that was rolled back or forked is told, after a restart too. Of each log by its name, since a policy that names another log begins anew.
 *
 * Durable writes: one row. A crash before it leaves an older head, from which the same directory still follows.
 */
import { type Head, isSameHead } from '../../protocol/directory/merkle.ts';
import { fromHex, toHex } from '../../protocol/primitives/bytes.ts';
import type { DeskStore } from './desk-store.ts';

/** @param log the origin of its checkpoints */
export function keptHead(store: DeskStore, log: string): Head | null {
  const kept = store.get(`head:${log}`);
  return kept === null ? null : { size: kept.size, root: fromHex(kept.root) };
}

/**
 * @param from the head from which it was seen to follow; null: none
 * @param to the head that held
 * @returns the head that is kept now: `to`, or another where somebody else has kept one since `from`, from which `to` may not follow
 */
export function keepHead(store: DeskStore, log: string, from: Head | null, to: Head): Head {
  const kept = keptHead(store, log);
  if (kept !== null && (from === null || !isSameHead(kept, from))) return kept;
  store.put(`head:${log}`, { size: to.size, root: toHex(to.root) });
  return to;
}
