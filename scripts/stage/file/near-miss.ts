/** @module The name that somebody meant who mistyped one: fewest letters added, left out, exchanged or swapped. Pure. */

/** Of a name's letters, as many may be wrong. */
const WRONG_SHARE = 0.4;

/**
 * @param given what was written
 * @param names that would have been right
 * @returns the nearest, or null when none is near
 */
export function nearMiss(given: string, names: readonly string[]): string | null {
  const near = names
    .map((name) => ({ name, steps: steps(given.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, steps: count }) => count <= Math.max(1, Math.floor(name.length * WRONG_SHARE)))
    .toSorted((a, b) => a.steps - b.steps);
  return near[0]?.name ?? null;
}

/** Optimal string alignment distance: the usual table, row by row, with the row before the last for swapped neighbours. */
function steps(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          last[j]! + 1,
          row[j - 1]! + 1,
          last[j - 1]! + (isSame ? 0 : 1),
          isSwapped ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
