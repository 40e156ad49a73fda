/**
 * @module Gaps and overlaps between ranges, which CWA's server never looked for (docs/spec/cwa.md §4.2, "Validation in v2").
 */
import type { NumberRange } from '../../protocol/parameters/range.ts';
import type { Rule, Violation } from '../../protocol/parameters/violation.ts';

/** What the ranges of a list must cover together. */
export interface Coverage {
  /** Lowest value that must be in a range; null: the list may begin anywhere. */
  readonly from: number | null;
  /** Highest value that must be in a range; null: the list may end anywhere. */
  readonly to: number | null;
  /** True if inputs are whole numbers: then nothing lies between 3 and 4. */
  readonly whole: boolean;
}

export interface Located {
  readonly path: string;
  readonly range: NumberRange;
}

/** First value inside a range of whole numbers. */
function firstWhole({ min, minExclusive }: NumberRange): number {
  const up = Math.ceil(min);
  return minExclusive === true && up === min ? up + 1 : up;
}

function lastWhole({ max, maxExclusive }: NumberRange): number {
  const down = Math.floor(max);
  return maxExclusive === true && down === max ? down - 1 : down;
}

/** @returns true if no value is in the range */
export function isEmptyRange(range: NumberRange, whole: boolean): boolean {
  if (whole) return lastWhole(range) < firstWhole(range);
  if (range.min > range.max) return true;
  return range.min === range.max && (range.minExclusive === true || range.maxExclusive === true);
}

/** 'touch' if nothing lies between `a` and the following `b`, and nothing in both. */
function joint(a: NumberRange, b: NumberRange, whole: boolean): 'touch' | 'gap' | 'overlap' {
  if (whole) {
    const between = firstWhole(b) - lastWhole(a);
    return between === 1 ? 'touch' : between > 1 ? 'gap' : 'overlap';
  }
  if (a.max < b.min) return 'gap';
  if (a.max > b.min) return 'overlap';
  const holders = Number(a.maxExclusive !== true) + Number(b.minExclusive !== true);
  return holders === 1 ? 'touch' : holders === 0 ? 'gap' : 'overlap';
}

/** `[0, 9)` */
export function rangeText(range: NumberRange): string {
  return `${range.minExclusive === true ? '(' : '['}${range.min}, ${range.max}${range.maxExclusive === true ? ')' : ']'}`;
}

/**
 * Checks that ranges follow each other without a gap or an overlap and cover what they must.
 * @param ranges in the order of the document, which must be that of their values
 * @returns a violation for each empty range, each bad joint and each uncovered end
 */
export function checkRanges(ranges: readonly Located[], coverage: Coverage): Violation[] {
  const found: Violation[] = [];
  const report = (path: string, range: NumberRange, rule: Rule, values: Violation['values'] = {}): void =>
    void found.push({ path, value: rangeText(range), rule, values });
  for (const { path, range } of ranges) {
    if (isEmptyRange(range, coverage.whole)) report(path, range, 'holds no value');
  }
  if (found.length > 0) return found;
  for (const [n, b] of ranges.entries()) {
    const a = ranges[n - 1];
    if (a === undefined) continue;
    const kind = joint(a.range, b.range, coverage.whole);
    const before = { range: rangeText(a.range), path: a.path };
    if (kind === 'gap') report(b.path, b.range, 'leaves a gap after {range} of {path}', before);
    if (kind === 'overlap') report(b.path, b.range, 'overlaps {range} of {path}', before);
  }
  const first = ranges[0];
  const last = ranges.at(-1);
  if (first === undefined || last === undefined) return found;
  const { from, to, whole } = coverage;
  const begins = whole ? firstWhole(first.range) : first.range.min;
  const ends = whole ? lastWhole(last.range) : last.range.max;
  if (from !== null && (begins > from || (begins === from && !whole && first.range.minExclusive === true))) {
    report(first.path, first.range, 'must begin at {from} or below, so that every value has a range', { from });
  }
  if (to !== null && (ends < to || (ends === to && !whole && last.range.maxExclusive === true))) {
    report(last.path, last.range, 'must reach {to}, so that every value has a range', { to });
  }
  return found;
}
