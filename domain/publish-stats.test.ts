import { describe, it } from 'vitest';
import { sha256 } from '../protocol/primitives/hash.ts';
import { utf8 } from '../protocol/primitives/bytes.ts';
import { countUpload, geometricNoise, mayBeShown, NO_UPLOADS, SMALL_COUNT, withNoise } from './publish-stats.ts';
import type { RandomBytes } from './random.ts';

const DAY = 20_619;
const END = (DAY + 1) * 86_400;

/** The same numbers in each run. */
function seeded(seed: string): RandomBytes {
  let drawn = 0;
  return (n) => sha256(utf8(`${seed} ${(drawn += 1)}`)).subarray(0, n);
}

describe('an upload', () => {
  it('is in one place of each distribution, the last of which takes what is beyond', ({ expect }) => {
    const one = countUpload(NO_UPLOADS, { inserted: 14, revised: 0, oldestTekDays: 14, onsetDays: 3 });
    const two = countUpload(one, { inserted: 0, revised: 2, oldestTekDays: 99, onsetDays: 99 });
    const three = countUpload(two, { inserted: 1, revised: 0, oldestTekDays: -1, onsetDays: null });
    expect(three).toMatchObject({ publishes: 3, teks: 15, revisions: 1, missingOnset: 1 });
    expect(three.tekAges.flatMap((count, age) => (count > 0 ? [[age, count]] : []))).toEqual([
      [0, 1],
      [14, 1],
      [15, 1],
    ]);
    expect(three.onsetDays.flatMap((count, days) => (count > 0 ? [[days, count]] : []))).toEqual([
      [3, 1],
      [29, 1],
    ]);
  });
});

describe('a day', () => {
  it.for([
    { name: 'that runs, however many there are', publishes: 1_000, at: END - 1, shown: false },
    { name: 'that is over, with ten', publishes: 10, at: END, shown: true },
    { name: 'that is over, with nine', publishes: 9, at: END + 48 * 3600 - 1, shown: false },
    { name: 'that has been over for two days, with nine', publishes: 9, at: END + 48 * 3600, shown: true },
    { name: 'that has been over for two days, with none', publishes: 0, at: END + 48 * 3600, shown: true },
  ])('$name: $shown', ({ publishes, at, shown }, { expect }) => {
    expect(mayBeShown(DAY, publishes, at)).toBe(shown);
  });
});

describe('noise', () => {
  it('is as often below zero as above, and falls off by the factor that was asked for', ({ expect }) => {
    const random = seeded('laplace');
    const drawn = Array.from({ length: 20_000 }, () => geometricNoise(random, 0.5));
    const share = (n: number): number => drawn.filter((one) => one === n).length / drawn.length;
    const alpha = Math.exp(-0.5);
    for (const n of [-3, -2, -1, 0, 1, 2, 3]) {
      // Four standard deviations of 20,000 draws at most.
      expect(Math.abs(share(n) - ((1 - alpha) / (1 + alpha)) * alpha ** Math.abs(n)), `${n}`).toBeLessThan(0.013);
    }
  });

  it('is in every small count, zeros among them, and in no other', ({ expect }) => {
    const random = seeded('counts');
    const counts = {
      publishes: 40,
      teks: 500,
      revisions: 2,
      missingOnset: SMALL_COUNT,
      tekAges: NO_UPLOADS.tekAges.map((_, age) => (age === 14 ? 40 : 0)),
      onsetDays: NO_UPLOADS.onsetDays.map((_, days) => (days === 3 ? 9 : 0)),
    };
    const shown = Array.from({ length: 200 }, () => withNoise(counts, random));
    const differ = (of: (one: typeof counts) => number): number =>
      shown.filter((one) => of(one as typeof counts) !== of(counts)).length;
    expect([differ((c) => c.publishes), differ((c) => c.teks), differ((c) => c.missingOnset)]).toEqual([0, 0, 0]);
    expect(differ((c) => c.tekAges[14]!)).toBe(0);
    for (const of of [
      (c: typeof counts) => c.revisions,
      (c: typeof counts) => c.tekAges[0]!,
      (c: typeof counts) => c.onsetDays[3]!,
    ]) {
      expect(differ(of)).toBeGreaterThan(50);
    }
    // Where there are few uploads, their keys are as many as one person's number of keys could change.
    const few = Array.from({ length: 200 }, () => withNoise({ ...counts, publishes: 9, teks: 120 }, random).teks);
    expect(Math.max(...few) - Math.min(...few)).toBeGreaterThan(100);
    for (const { tekAges, onsetDays } of shown)
      for (const count of [...tekAges, ...onsetDays]) expect(count).toBeGreaterThanOrEqual(0);
  });
});
