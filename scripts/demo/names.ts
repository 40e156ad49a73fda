/** @module Keys by their name, key data in hex, and what sets of names have in common. */
import { toHex } from '../../protocol/primitives/bytes.ts';

/** Key data in hex. */
export type Names = ReadonlySet<string>;

/** @returns the names of keys */
export const namesOf = (keys: readonly { readonly keyData: Uint8Array }[]): Set<string> =>
  new Set(keys.map(({ keyData }) => toHex(keyData)));

/** @returns those names that the other set has too */
export const within = (names: Names, other: Names): Set<string> =>
  new Set([...names].filter((name) => other.has(name)));

/** @returns those names that the other set has not */
export const without = (names: Names, other: Names): Set<string> =>
  new Set([...names].filter((name) => !other.has(name)));
