import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { splitStarts } from './set-reader.ts';
import { MergedRuns, compareRecords, sortRecords, type RecordShape } from './sorted-runs.ts';

/** Seven bytes to order by, so that the eighth can't. */
const SHAPE: RecordShape = { bytes: 8, sortBytes: 7 };
/** Few values a byte, so that records are equal for long. */
const record = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 8, maxLength: 8 });
const runsOf = fc.array(fc.array(record, { maxLength: 20 }), { maxLength: 6 });

const readAll = (runs: MergedRuns, page: number): Uint8Array[] => {
  const read: Uint8Array[] = [];
  while (!runs.done) runs.take(page, (records, offset) => read.push(records.slice(offset, offset + SHAPE.sortBytes)));
  return read;
};
const merged = (parts: readonly (readonly number[][])[], after: Uint8Array | null): MergedRuns => {
  const runs = new MergedRuns(SHAPE);
  for (const part of parts) runs.add(sortRecords(SHAPE, Uint8Array.from(part.flat())));
  runs.seek(after);
  return runs;
};
const compare = (a: Uint8Array, b: Uint8Array): number => compareRecords(SHAPE, a, 0, b, 0);

describe('merged runs', () => {
  it('give all records in order, in pages of any size', ({ expect }) => {
    fc.assert(
      fc.property(runsOf, fc.integer({ min: 1, max: 9 }), (parts, page) => {
        const all = parts.flat().map((one) => Uint8Array.from(one.slice(0, SHAPE.sortBytes)));
        expect(readAll(merged(parts, null), page)).toEqual(all.toSorted(compare));
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('begin after a record that was had', ({ expect }) => {
    fc.assert(
      fc.property(runsOf, record, (parts, had) => {
        const after = Uint8Array.from(had);
        const all = parts.flat().map((one) => Uint8Array.from(one.slice(0, SHAPE.sortBytes)));
        const expected = all.filter((one) => compare(one, after) > 0).toSorted(compare);
        expect(readAll(merged(parts, after), 3)).toEqual(expected);
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe('parts of a large set', () => {
  it('leave no start out, follow each other, and hold no more than they may unless one start does', ({ expect }) => {
    const starts = fc.array(fc.tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 1, max: 9 })));
    fc.assert(
      fc.property(starts, (pairs) => {
        const counts = new Map(pairs);
        const parts = splitStarts(counts, 10);
        expect([parts[0]!.from, parts.at(-1)!.to]).toEqual([0, Infinity]);
        for (const [n, part] of parts.entries()) {
          if (n > 0) expect(part.from).toBe(parts[n - 1]!.to);
          const own = [...counts].filter(([start]) => start >= part.from && start < part.to);
          const keys = own.reduce((sum, [, count]) => sum + count, 0);
          expect(keys <= 10 || own.length === 1).toBe(true);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});
