/**
 * @module Can two sets of times be told apart? A permutation test over ranks, and Holm's correction over all pairs. Pure:
 * randomness comes as an argument.
 */

/** @returns the middle value; of an even number the mean of the two in the middle */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).toSorted();
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Mean of ranks: an outlier counts as one value, not as its size. */
function ranks(values: readonly number[]): Float64Array {
  const order = values.map((_, i) => i).toSorted((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const out = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && values[order[to] ?? 0] === values[order[from] ?? 0]) to++;
    for (let i = from; i < to; i++) out[order[i] ?? 0] = (from + to - 1) / 2;
    from = to;
  }
  return out;
}

/**
 * Permutation test over ranks: how often does a random split differ as much as the real one?
 *
 * @param random uniform in [0, 1)
 * @param rounds permutations; the smallest p is 1/(rounds + 1)
 * @returns two-sided p
 */
export function permutationP(a: readonly number[], b: readonly number[], random: () => number, rounds: number): number {
  const all = ranks([...a, ...b]);
  const expected = (all.reduce((sum, rank) => sum + rank, 0) * a.length) / all.length;
  const distance = (): number => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += all[i] ?? 0;
    return Math.abs(sum - expected);
  };
  const observed = distance();
  let asFar = 0;
  for (let round = 0; round < rounds; round++) {
    // Only the first a.length places matter, so only they are drawn (Fisher–Yates).
    for (let i = 0; i < a.length; i++) {
      const j = i + Math.floor(random() * (all.length - i));
      const swap = all[i] ?? 0;
      all[i] = all[j] ?? 0;
      all[j] = swap;
    }
    if (distance() >= observed - 1e-9) asFar++;
  }
  return (asFar + 1) / (rounds + 1);
}

/**
 * Holm's step-down correction for several tests.
 *
 * @param ps one p a test
 * @returns corrected ps in the same order, at most 1
 */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((_, i) => i).toSorted((a, b) => (ps[a] ?? 0) - (ps[b] ?? 0));
  const out = Array<number>(ps.length).fill(1);
  let floor = 0;
  for (const [rank, i] of order.entries()) {
    floor = Math.max(floor, Math.min(1, (ps[i] ?? 1) * (ps.length - rank)));
    out[i] = floor;
  }
  return out;
}
