/**
 * @module The two-sample Kolmogorov-Smirnov test: could two samples come from one distribution?
 */

/** Terms of Kolmogorov's series; it alternates and falls off faster than geometrically. */
const TERMS = 100;

/**
 * @param a first sample, at least some dozens
 * @param b second sample
 * @returns probability that two samples of one distribution differ at least as much, from Kolmogorov's limit with
 *   Stephens' correction for finite samples (Press et al., Numerical Recipes, "Are Two Distributions Different?")
 */
export function sameDistribution(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [a.toSorted((p, q) => p - q), b.toSorted((p, q) => p - q)];
  let [i, j, largest] = [0, 0, 0];
  while (i < x.length && j < y.length) {
    const value = Math.min(x[i] as number, y[j] as number);
    while (i < x.length && x[i] === value) i++;
    while (j < y.length && y[j] === value) j++;
    largest = Math.max(largest, Math.abs(i / x.length - j / y.length));
  }
  const root = Math.sqrt((x.length * y.length) / (x.length + y.length));
  const lambda = (root + 0.12 + 0.11 / root) * largest;
  if (lambda < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= TERMS; k++) sum += (-1) ** (k - 1) * Math.exp(-2 * k * k * lambda * lambda);
  return Math.min(1, Math.max(0, 2 * sum));
}
