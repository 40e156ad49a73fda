/**
 * @module Which shard of ResultStore holds what: one of sixteen by a hex digit of the hashed GUID, which is a hash
 * already, so the shards fill evenly.
 */
import type { ResultStore } from '../../durable-objects/result-store/result-store.ts';

/** Names of the shards. */
export const SHARDS = Array.from('0123456789abcdef', (digit) => `r${digit}`);

/** The second character is used: the first may be the x of an id with a date of birth. */
export function shardName(hashedGuid: string): string {
  return `r${hashedGuid.charAt(1)}`;
}

/** The object that holds the signed list of laboratories. */
export function listObject(store: DurableObjectNamespace<ResultStore>): DurableObjectStub<ResultStore> {
  return store.getByName('list');
}

/** @returns rows by shard, in order */
export function byShard<Row extends { readonly id: string }>(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const name = shardName(row.id);
    const group = groups.get(name);
    if (group) group.push(row);
    else groups.set(name, [row]);
  }
  return groups;
}
