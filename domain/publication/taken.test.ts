import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { encodeRequest, encodeTaken, mergeTaken, parseRequest, parseTaken, type TakenRows } from './taken.ts';

const part: fc.Arbitrary<TakenRows> = fc.record({
  hour: fc.integer({ min: 0, max: 3 }),
  day: fc.integer({ min: 20_000, max: 20_002 }),
  n: fc.integer({ min: 0, max: 1 }),
  rows: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 9 }).map((rows) => Uint32Array.from(rows)),
});
/** Each row by a name of its own. */
const names = (parts: readonly TakenRows[]): string[] =>
  parts.flatMap(({ hour, day, n, rows }) => [...rows].map((row) => `${hour} ${day} ${n} ${row}`));

describe('rows that are taken back', () => {
  it('merged hold each row of every request once, in an order of their own', ({ expect }) => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const merged = mergeTaken(parts);
        expect(new Set(names(merged))).toEqual(new Set(names(parts)));
        expect(names(merged).length).toBe(new Set(names(parts)).size);
        expect(encodeTaken(mergeTaken(parts.toReversed()))).toEqual(encodeTaken(merged));
      }),
      { seed: 15 },
    );
  });

  it('are read as they were written', ({ expect }) => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const merged = mergeTaken(parts);
        expect(parseTaken(encodeTaken(merged))).toEqual(merged);
      }),
      { seed: 15 },
    );
  });

  it('of a request are read with a salt, another each time, and without one', ({ expect }) => {
    let drawn = 0;
    const random = (n: number): Uint8Array => new Uint8Array(n).fill((drawn += 1));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const merged = mergeTaken(parts);
        const [one, other] = [encodeRequest(merged, random), encodeRequest(merged, random)];
        expect([parseRequest(one), parseRequest(other), parseRequest(encodeTaken(merged))]).toEqual([
          merged,
          merged,
          merged,
        ]);
        expect(one).not.toEqual(other);
        expect(() => parseRequest(one.subarray(0, 19))).toThrow(RangeError);
      }),
      { seed: 15, numRuns: 50 },
    );
  });

  it.for([
    { name: 'a header', length: 15 },
    { name: 'a part', length: 19 },
  ])('that end within $name are refused', ({ length }, { expect }) => {
    const bytes = encodeTaken([{ hour: 1, day: 2, n: 0, rows: Uint32Array.of(7) }]);
    expect(() => parseTaken(bytes.subarray(0, length))).toThrow(RangeError);
  });
});
