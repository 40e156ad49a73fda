/**
 * @module How many keys each part of a set is to have (decision 052): as many as a chunk, and in an hour that is padded anyway as large a share of decoys as the other parts, up to a bound, since one key
 * that stays beside a hundred that travel would ask for thousands. Pure.
 */

/** In a padded hour a part gets no more decoys than this times the minimum, but for its own minima: 560 of 140, 10 KB a phone. */
const MOST_DECOYS_TIMES = 4;

/** What of a part decides. */
export interface PartKeys {
  readonly part: string;
  /** Keys of people. */
  readonly real: number;
}

/**
 * @param minKeys of a chunk
 * @param parts of a set, those with a key
 * @param padded whether the set waited as long as it may
 * @returns how many keys a part of these is to have, decoys included
 */
export function wantedKeys(minKeys: number, parts: readonly PartKeys[], padded: boolean): (part: string) => number {
  const decoysToOne = Math.max(0, ...parts.map(({ real }) => (real === 0 ? 0 : (minKeys - real) / real)));
  return (part) => {
    const { real } = parts.find((one) => one.part === part)!;
    const alike = real + Math.min(decoysToOne * real, MOST_DECOYS_TIMES * minKeys);
    return Math.max(minKeys, padded ? Math.ceil(alike) : 0);
  };
}
