/**
 * @module Whether a number is in a range (docs/spec/gaen.md §11).
 */
import type { NumberRange } from '../../protocol/parameters/range.ts';

/** @returns true if `value` is in `range`, limits included unless the range excludes them */
export function contains(range: NumberRange, value: number): boolean {
  const above = range.minExclusive === true ? value > range.min : value >= range.min;
  const below = range.maxExclusive === true ? value < range.max : value <= range.max;
  return above && below;
}
