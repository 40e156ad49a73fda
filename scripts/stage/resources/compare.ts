/**
 * @module What differs, field by field. Only the fields that a stage decides are compared: what the platform adds to an object (ids, versions, dates, defaults) is nobody's edit.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Field } from './resource.ts';

/** Fields by name; null: not there. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * @param found what the account has; null: nothing
 * @param wanted what the stage's file wants; null: nothing
 * @returns what differs, in the order of the wanted fields; of what isn't there every field
 */
export function differing(found: Fields | null, wanted: Fields | null): Field[] {
  return Object.keys(wanted ?? found ?? {})
    .map((name) => ({ name, from: found?.[name] ?? null, to: wanted?.[name] ?? null }))
    .filter(({ from, to }) => !isDeepStrictEqual(pruned(from), pruned(to)));
}

/** The API leaves out what is null or has no value, or sends it: the same for us. */
function pruned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pruned);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).flatMap(([name, inner]) =>
    inner === undefined || inner === null ? [] : [[name, pruned(inner)] as const],
  );
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
