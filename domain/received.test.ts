import { describe, it } from 'vitest';
import { SHAPE_DAYS, drawProfileShape, type Shape } from './decoy-profile.ts';
import type { RandomBytes } from './random.ts';
import {
  BASE_UPLOADS,
  countUpload,
  countUploads,
  drawReceivedShape,
  forgetHalf,
  hourlyRates,
  nothingReceived,
  readReceived,
  suffice,
  writeReceived,
  type Received,
} from './received.ts';
import { sha256 } from '../protocol/primitives/hash.ts';
import { utf8 } from '../protocol/primitives/bytes.ts';

const TODAY = 20_619;
const NOON = TODAY * 24 + 12;

function seeded(seed: string): RandomBytes {
  let drawn = 0;
  return (n) => sha256(utf8(`${seed} ${(drawn += 1)}`)).subarray(0, n);
}

/** Two kinds of uploads that no profile has: level 8 on odd ages, level 3 on even ones. */
const ODD: Shape = Uint8Array.from({ length: SHAPE_DAYS }, (_, age) => (age % 2 === 1 ? 8 : 0));
const EVEN: Shape = Uint8Array.from({ length: SHAPE_DAYS }, (_, age) => (age % 2 === 0 ? 3 : 0));

function after(shapes: readonly Shape[], received = nothingReceived(seeded('base'), TODAY)): Received {
  return shapes.reduce((counts, shape) => countUpload(counts, shape, NOON), received);
}
const pairs = ({ counts }: Received): number => counts.subarray(0, 49).reduce((sum, count) => sum + count, 0);

describe('what was received', () => {
  it('is a sum over at least fifty uploads at any time, also before the first and after halving', ({ expect }) => {
    const random = seeded('forget');
    let received = nothingReceived(random, TODAY);
    expect(pairs(received)).toBe(BASE_UPLOADS);
    for (let day = 0; day < 600; day++) {
      received = forgetHalf(random, received, TODAY + day);
      if (day % 20 === 0) received = after([ODD], received);
      // Halving is at random: of fifty and more that are halved, and filled up by the profile, some are below.
      expect(pairs(received)).toBeGreaterThanOrEqual(BASE_UPLOADS);
    }
    expect(received.uploads).toBeLessThan(10);
  });

  it('is the same for uploads that are counted together as for one after the other, also across a halving', ({
    expect,
  }) => {
    const begun = after(Array.from({ length: 395 }, () => ODD));
    const uploads = Array.from({ length: 12 }, (_, n) => ({ shape: n % 3 === 0 ? EVEN : ODD, hour: NOON }));
    uploads.push({ shape: new Uint8Array(SHAPE_DAYS), hour: NOON });
    const [together, alone] = [seeded('halves'), seeded('halves')];
    const before = begun.counts.slice();
    const one = uploads.reduce(
      (received, { shape, hour }) => countUpload(forgetHalf(alone, received, TODAY), shape, hour),
      begun,
    );
    expect(countUploads(together, begun, uploads)).toEqual(one);
    expect(one.uploads).toBeLessThan(begun.uploads);
    expect(begun.counts).toEqual(before);
  });

  it('one upload more or less is all that two states tell; one state tells of none', ({ expect }) => {
    const before = after(Array.from({ length: 60 }, () => ODD));
    const one = countUpload(before, EVEN, NOON);
    expect(one.counts.filter((count, cell) => count !== before.counts[cell]).length).toBeLessThanOrEqual(
      SHAPE_DAYS + 2,
    );
    // The cells of the one upload were counted before it: the profile's uploads have them too, or one in ten decoys has.
    expect(pairs(one)).toBe(BASE_UPLOADS + 61);
  });

  it('isn’t used before fifty real uploads are among it', ({ expect }) => {
    const received = after(Array.from({ length: BASE_UPLOADS - 1 }, () => ODD));
    expect(suffice(received)).toBe(false);
    expect(suffice(after([ODD], received))).toBe(true);
  });

  it('gives back single features and neighbouring days, and nothing longer', ({ expect }) => {
    const random = seeded('draw');
    const halves = Array.from({ length: 400 }, (_, n) => (n % 2 === 0 ? ODD : EVEN));
    const received = after(halves);
    const share = (of: (shape: Shape) => boolean): number => {
      let hits = 0;
      for (let n = 0; n < 2000; n++) if (of(drawReceivedShape(random, received))) hits += 1;
      return hits / 2000;
    };
    expect(share((shape) => shape[3] === 8)).toBeGreaterThan(0.38);
    expect(share((shape) => shape[3] === 8)).toBeLessThan(0.56);
    expect(share((shape) => shape[3] === 8 && shape[4] === 3)).toBeLessThan(0.02);
  });

  it('says how many uploads an hour of the day has', ({ expect }) => {
    const received = after(
      Array.from({ length: 300 }, () => EVEN),
      nothingReceived(seeded('rates'), TODAY - 50),
    );
    const rates = hourlyRates(received, TODAY);
    // 300 in 50 days, and the profile's 2 a day in 25, at noon and elsewhere.
    expect(rates[12]!.whole).toBeGreaterThan(4);
    expect(rates[3]!.whole).toBeLessThan(0.2);
    // Each leaves its running day's key to the hour 01.
    expect(rates[1]!.rest).toBeGreaterThan(4);
  });

  it('a key of the day before that comes alone is no upload’s shape, but a rest of its hour', ({ expect }) => {
    const alone = new Uint8Array(SHAPE_DAYS);
    alone[1] = 5;
    const before = nothingReceived(seeded('rest'), TODAY);
    const received = countUpload(before, alone, NOON);
    expect(pairs(received)).toBe(pairs(before));
    const more = hourlyRates(received, TODAY)[12]!.rest - hourlyRates(before, TODAY)[12]!.rest;
    expect(more).toBeCloseTo(1 / 25);
  });

  it('survives being written, and another version reads as nothing', ({ expect }) => {
    const received = after([ODD, EVEN]);
    expect(readReceived(writeReceived(received))).toEqual(received);
    expect(readReceived(writeReceived(received).subarray(1))).toBeNull();
  });

  it('an upload of no published level isn’t counted', ({ expect }) => {
    const before = after([drawProfileShape(seeded('one'))]);
    expect(countUpload(before, new Uint8Array(SHAPE_DAYS), NOON)).toEqual(before);
  });
});
