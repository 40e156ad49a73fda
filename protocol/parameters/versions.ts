/**
 * @module Versions of apps, as text. Apart from what hashes, so that a browser can check documents too.
 */

/**
 * Compares versions of numbers separated by dots.
 * @returns negative, 0 or positive, as `a` is below, equal to or above `b`; missing numbers count as 0
 */
export function compareVersions(a: string, b: string): number {
  const [as, bs] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (let n = 0; n < Math.max(as.length, bs.length); n++) {
    const difference = (as[n] ?? 0) - (bs[n] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
