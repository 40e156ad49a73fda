import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from './chunk-policy.ts';
import { coarseDays, countStep, countText, shareText } from './rollback-counts.ts';
import type { CoarseCount, CountedDay } from './rollback.ts';

const STEP = countStep(DEFAULT_CHUNK_POLICY);
const line = (published: number, more: Partial<CountedDay> = {}): CountedDay => ({
  day: 20_000,
  region: 'DE',
  unpublished: 0,
  published,
  mixed: 0,
  gone: 0,
  ofDay: 5_000,
  ...more,
});
const bound = (count: CoarseCount | undefined): number => (typeof count === 'object' ? count.fewerThan : 0);
const publishedAs = (keys: number, ids: readonly string[]): number =>
  bound(coarseDays([line(keys)], ids, STEP)[0]?.published);
const id = fc.stringMatching(/^l[0-9a-f]{32}$/);
const SEED = { seed: 1 };

describe('a count of a dry run', () => {
  it('is a step of the minima, and no less than an upload can have', ({ expect }) => {
    expect(STEP).toBe(140);
    expect(countStep({ minKeys: 140, minUploads: 22 })).toBe(22 * 14);
    expect(countStep({ minKeys: 0, minUploads: 0 })).toBe(30);
  });

  it('is none only where there is none, and tells nothing apart that is below the minima', ({ expect }) => {
    fc.assert(
      fc.property(fc.array(id, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: STEP - 1 }), (ids, keys) => {
        expect([publishedAs(0, ids), publishedAs(keys, ids)]).toEqual([0, 2 * STEP]);
      }),
      SEED,
    );
  });

  it('is true, within two steps, grows with what it counts, and is the same for whoever asks again', ({ expect }) => {
    fc.assert(
      fc.property(fc.array(id, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 100_000 }), (ids, keys) => {
        const said = publishedAs(keys, ids);
        expect(keys < said && said <= Math.max(2 * STEP, keys + 2 * STEP) && said % STEP === 0).toBe(true);
        expect(publishedAs(keys + 1, ids)).toBeGreaterThanOrEqual(said);
        expect(publishedAs(keys, [...ids, ...ids].toReversed())).toBe(said);
      }),
      SEED,
    );
  });

  /** @returns how many keys it takes until the number changes */
  const edgeOf = (ids: readonly string[]): number => {
    let keys = 1;
    while (publishedAs(keys, ids) === 2 * STEP) keys += 1;
    return keys;
  };

  it('changes where nobody knows: elsewhere for each target, day, region and column', ({ expect }) => {
    const ids = fc.sample(id, { ...SEED, numRuns: 200 });
    const edges = ids.map((one) => edgeOf([one]));
    expect(Math.min(...edges)).toBeGreaterThanOrEqual(STEP);
    expect(Math.max(...edges)).toBeLessThan(2 * STEP);
    expect(new Set(edges).size).toBeGreaterThan(90);
    const cells = ids.slice(0, 40).map((one) => {
      const days = [
        line(209, { unpublished: 209, gone: 209 }),
        line(209, { day: 20_001 }),
        line(209, { region: 'EUR' }),
      ];
      const [first, next, union] = coarseDays(days, [one], STEP);
      return [first!.published, first!.unpublished, first!.gone, next!.published, union!.published].map((c) =>
        bound(c),
      );
    });
    for (const column of [1, 2, 3, 4]) {
      expect(cells.filter((cell) => cell[column] !== cell[0]).length).toBeGreaterThan(5);
    }
  });

  it('of two periods, or a provider and its batches, has no difference that is an upload’s', ({ expect }) => {
    // An attacker with 700 keys of its own; somebody else's upload of 1 or 15 keys comes with another id.
    const ids = fc.sample(id, { ...SEED, numRuns: 200 });
    const differences = (keys: number): number[] =>
      ids.map((own, n) => publishedAs(700 + keys, [own, ids.at(n - 1)!]) - publishedAs(700, [own]));
    const [one, many] = [differences(1), differences(15)];
    expect(one.every((d) => Math.abs(d) <= STEP) && many.every((d) => Math.abs(d) <= STEP)).toBe(true);
    // Nearly always the same, whichever it was: one in ten differs, as 14 of 140 do.
    expect(one.filter((d, n) => d !== many[n]).length).toBeLessThan(40);
  });

  it('is read the same in all languages, mixed ones are no more than all, and the share says nothing beyond them', ({
    expect,
  }) => {
    expect([countText(0), countText({ fewerThan: 280 })]).toEqual(['0', '< 280']);
    const published = { fewerThan: 280 };
    expect(shareText({ published, ofDay: 5_000 })).toBe('< 6 %');
    expect(shareText({ published, ofDay: 140 })).toBe('≤ 100 %');
    expect([shareText({ published: 0, ofDay: 140 }), shareText({ published, ofDay: 0 })]).toEqual(['–', '–']);
    fc.assert(
      fc.property(id, fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 0, max: 1_000 }), (one, mixed, own) => {
        const [said] = coarseDays([line(mixed + own, { mixed })], [one], STEP);
        expect(bound(said!.mixed)).toBeLessThanOrEqual(bound(said!.published));
        expect(bound(said!.mixed)).toBeGreaterThan(mixed);
      }),
      SEED,
    );
  });
});
