import { describe, it } from 'vitest';
import { INTERVALS_PER_DAY, hourStart } from '../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import { DECOY_PROFILE, SHAPE_DAYS } from './decoy-profile.ts';
import { drawDecoy, type DecoyRequest } from './decoys.ts';
import { publishedForm, releaseHour } from './embargo.ts';
import { publishableKeys } from './keys/validate.ts';
import type { RandomBytes } from './random.ts';
import { countUpload, nothingReceived, shapeOf, suffice, type Received } from './received.ts';

const HOUR = 494_868;
const TODAY = Math.floor(HOUR / 24);

/** xorshift128, seeded: the same draws on every machine. */
function seeded(seed: number): RandomBytes {
  const state = Uint32Array.of(seed, 0x9e3779b9, 0x243f6a88, 0xb7e15162);
  const next = (): number => {
    let t = state[3]!;
    const s = state[0]!;
    state.copyWithin(1, 0, 3);
    t ^= t << 11;
    t ^= t >>> 8;
    state[0] = t ^ s ^ (s >>> 19);
    return state[0];
  };
  for (let i = 0; i < 20; i++) next();
  return (n) => Uint8Array.from({ length: n }, () => next() >>> 24);
}

const pick = (random: RandomBytes, limit: number): number => {
  const [a = 0, b = 0, c = 0] = random(3);
  return (a * 65_536 + b * 256 + c) % limit;
};

const chance = (random: RandomBytes, percent: number): boolean => pick(random, 100) < percent;

/** How people of a place answer; the profile's people unless others are given. */
interface People {
  readonly runningDayPercent: number;
  readonly gapPercent: number;
  /** Age in days of their oldest key; left out: 14. */
  readonly oldest?: number;
}

/** A real upload: what phones send for the answers of the profile, through the rules of `domain/keys`. */
function realUpload(random: RandomBytes, people: People = DECOY_PROFILE): TemporaryExposureKey[] {
  for (;;) {
    const total = DECOY_PROFILE.answers.reduce((sum, { weight }) => sum + weight, 0);
    let at = pick(random, total);
    const answer = DECOY_PROFILE.answers.find(({ weight }) => (at -= weight) < 0)!;
    const onset = answer.from + pick(random, answer.to - answer.from + 1);
    const any = chance(random, DECOY_PROFILE.anyLevelPercent);
    const byApp = chance(random, DECOY_PROFILE.appLevelsPercent);
    const history = chance(random, DECOY_PROFILE.fullHistoryPercent) ? 14 : 1 + pick(random, 13);
    const oldest = Math.min(history, people.oldest ?? 14);
    const youngest = chance(random, people.runningDayPercent) ? 0 : 1;
    const keys = Array.from({ length: oldest + 1 - youngest }, (_, n) => youngest + n)
      .filter((age) => age === 0 || !chance(random, people.gapPercent))
      .map((age) => ({
        keyData: random(16),
        rollingStartIntervalNumber: (TODAY - age) * INTERVALS_PER_DAY,
        // The running day's key is cut at the time of the upload.
        rollingPeriod: age === 0 ? 1 + (HOUR % 24) * 6 : INTERVALS_PER_DAY,
        transmissionRiskLevel: any
          ? 1 + pick(random, 8)
          : byApp && answer.levels !== undefined
            ? Number(answer.levels[age])
            : null,
        daysSinceOnsetOfSymptoms: onset - age,
      }));
    if (keys.length === 0) continue;
    const published = publishableKeys(keys, hourStart(HOUR)).keys.map(publishedForm);
    if (published.length > 0) return published;
  }
}

const NOTHING = nothingReceived(seeded(1), TODAY);

function receivedFrom(people: People, uploads: number): Received {
  const random = seeded(3);
  let received = nothingReceived(random, TODAY);
  for (let n = 0; n < uploads; n++) received = countUpload(received, shapeOf(realUpload(random, people), HOUR), HOUR);
  return received;
}

const request = (change: Partial<DecoyRequest> = {}): DecoyRequest => ({
  asOf: HOUR,
  sealed: HOUR,
  rest: false,
  leavesRest: false,
  retentionDays: 14,
  received: NOTHING,
  ...change,
});

/** A bad decoy: random fields, one key a day, as a padding that clones fields at random would make. */
function badUpload(random: RandomBytes): TemporaryExposureKey[] {
  return drawDecoy(random, request()).map((key) => ({ ...key, transmissionRiskLevel: 3 + pick(random, 6) }));
}

function sample(draw: (random: RandomBytes) => TemporaryExposureKey[], random: RandomBytes): TemporaryExposureKey[][] {
  const uploads: TemporaryExposureKey[][] = [];
  for (let keys = 0; keys < 140; keys += uploads.at(-1)!.length) uploads.push(draw(random));
  return uploads;
}

const FEATURES: Record<string, (uploads: TemporaryExposureKey[][]) => (string | number)[]> = {
  'rolling period': (uploads) => uploads.flat().map((key) => key.rollingPeriod),
  'start day': (uploads) => uploads.flat().map((key) => key.rollingStartIntervalNumber),
  'risk level': (uploads) => uploads.flat().map((key) => key.transmissionRiskLevel),
  onset: (uploads) => uploads.flat().map((key) => key.daysSinceOnsetOfSymptoms),
  'report type': (uploads) => uploads.flat().map((key) => key.reportType),
  'pairs of consecutive days': (uploads) =>
    uploads.flatMap((keys) => {
      const sorted = keys.toSorted((a, b) => a.rollingStartIntervalNumber - b.rollingStartIntervalNumber);
      return sorted.slice(1).map((key, i) => `${sorted[i]!.transmissionRiskLevel} ${key.transmissionRiskLevel}`);
    }),
};

/** @returns p of the two-sample chi-square test; cells with fewer than five expected are merged */
function chiSquareP(a: (string | number)[], b: (string | number)[]): number {
  const counts = new Map<string | number, [number, number]>();
  for (const [which, values] of [a, b].entries()) {
    for (const value of values) {
      const cell = counts.get(value) ?? [0, 0];
      cell[which]! += 1;
      counts.set(value, cell);
    }
  }
  const share = Math.min(a.length, b.length) / (a.length + b.length);
  let rest: [number, number] = [0, 0];
  const cells: [number, number][] = [];
  for (const cell of counts.values()) {
    if ((cell[0] + cell[1]) * share >= 5) cells.push(cell);
    else rest = [rest[0] + cell[0], rest[1] + cell[1]];
  }
  if (rest[0] + rest[1] > 0) cells.push(rest);
  if (cells.length < 2) return 1;
  let x = 0;
  for (const [na, nb] of cells) {
    x += (Math.sqrt(b.length / a.length) * na - Math.sqrt(a.length / b.length) * nb) ** 2 / (na + nb);
  }
  return chiSquareTail(x, cells.length - 1);
}

/** Wilson and Hilferty's normal approximation of the upper tail. */
function chiSquareTail(x: number, df: number): number {
  const z = (Math.cbrt(x / df) - (1 - 2 / (9 * df))) / Math.sqrt(2 / (9 * df));
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z > 0 ? tail : 1 - tail;
}

/** @returns per feature, the share of trials in which the test at 1 % separates `draw` from real uploads */
function separated(
  draw: (random: RandomBytes) => TemporaryExposureKey[],
  trials: number,
  real: (random: RandomBytes) => TemporaryExposureKey[] = realUpload,
): Record<string, number> {
  const random = seeded(20_260_615);
  const hits: Record<string, number> = {};
  for (let trial = 0; trial < trials; trial++) {
    const [one, other] = [sample(real, random), sample(draw, random)];
    for (const [name, feature] of Object.entries(FEATURES)) {
      hits[name] = (hits[name] ?? 0) + (chiSquareP(feature(one), feature(other)) < 0.01 ? 1 / trials : 0);
    }
  }
  return hits;
}

describe('decoys', () => {
  it('have the shape of a real upload: a key a day, of 15 days at most, in published form', ({ expect }) => {
    const random = seeded(7);
    const received = receivedFrom(DECOY_PROFILE, 50);
    for (let n = 0; n < 500; n++) {
      const keys = drawDecoy(random, request({ received: n % 2 === 0 ? NOTHING : received }));
      const days = keys.map((key) => key.rollingStartIntervalNumber / INTERVALS_PER_DAY);
      expect(keys.length).toBeGreaterThan(0);
      expect(keys.length).toBeLessThanOrEqual(SHAPE_DAYS);
      expect(new Set(days).size).toBe(keys.length);
      for (const key of keys) {
        expect(publishedForm(key)).toEqual(key);
        expect(key.transmissionRiskLevel).toBeGreaterThanOrEqual(3);
      }
      expect(Math.max(...days)).toBeLessThanOrEqual(TODAY);
      expect(Math.min(...days)).toBeGreaterThanOrEqual(TODAY - 14);
    }
  });

  it("can't be told from real uploads by a chi-square test at 140 keys", ({ expect }) => {
    const trials = 400;
    const decoys = separated((random) => drawDecoy(random, request()), trials);
    // Keys of one person hang together, so the test finds differences between real and real too: that is the measure.
    const real = separated(realUpload, trials);
    for (const name of Object.keys(FEATURES)) {
      expect(decoys[name], name).toBeLessThanOrEqual(real[name]! + 0.05);
    }
  });

  it('follow people that the profile doesn’t know, once fifty of their uploads came', ({ expect }) => {
    const people: People = { runningDayPercent: 0, gapPercent: 12, oldest: 6 };
    const others = (random: RandomBytes) => realUpload(random, people);
    const received = receivedFrom(people, 400);
    const real = separated(others, 200, others);
    const learned = separated((random) => drawDecoy(random, request({ received })), 200, others);
    const profile = separated((random) => drawDecoy(random, request()), 200, others);
    expect(suffice(received)).toBe(true);
    const gap = (hits: Record<string, number>): number => hits['start day']! - real['start day']!;
    expect(gap(profile)).toBeGreaterThan(0.6);
    // A tenth of the decoys goes on having the profile's shape, and so has a ninth of what was counted.
    expect(gap(learned)).toBeLessThan(gap(profile) / 2);
  });

  it('that draw their fields at random are found by the same test', ({ expect }) => {
    const bad = separated(badUpload, 100);
    const real = separated(realUpload, 100);
    expect(bad['risk level']! - real['risk level']!).toBeGreaterThan(0.2);
    expect(bad['pairs of consecutive days']! - real['pairs of consecutive days']!).toBeGreaterThan(0.5);
  });

  it('have every level on every day now and then, whatever was received: no value is real only', ({ expect }) => {
    const random = seeded(11);
    for (const received of [NOTHING, receivedFrom({ runningDayPercent: 0, gapPercent: 0 }, 100)]) {
      const seen = new Set<string>();
      for (let n = 0; n < 30_000; n++) {
        for (const key of drawDecoy(random, request({ received }))) {
          seen.add(`${TODAY - key.rollingStartIntervalNumber / INTERVALS_PER_DAY} ${key.transmissionRiskLevel}`);
        }
      }
      expect(seen.size).toBe(SHAPE_DAYS * 6);
    }
  });

  it('come as of their hour: sealed after midnight they have the days of the evening before, less what aged out', ({
    expect,
  }) => {
    const random = seeded(13);
    const [evening, sealed] = [TODAY * 24 + 22, (TODAY + 1) * 24 + 4];
    const days = new Set<number>();
    for (let n = 0; n < 2000; n++) {
      for (const key of drawDecoy(random, request({ asOf: evening, sealed }))) {
        days.add(TODAY - key.rollingStartIntervalNumber / INTERVALS_PER_DAY);
      }
    }
    // The key that was 14 days old that evening had its retention's end at midnight.
    expect([...days].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 14 }, (_, age) => age));
  });

  it('that are a rest are the key of the day before alone', ({ expect }) => {
    const random = seeded(17);
    for (const received of [NOTHING, receivedFrom(DECOY_PROFILE, 100)]) {
      for (let n = 0; n < 100; n++) {
        const keys = drawDecoy(random, request({ rest: true, received }));
        expect(keys.map((key) => key.rollingStartIntervalNumber)).toEqual([(TODAY - 1) * INTERVALS_PER_DAY]);
      }
    }
  });

  it('of a deployment’s last sets leave nothing for a later hour', ({ expect }) => {
    const random = seeded(17);
    for (const hour of [TODAY * 24, TODAY * 24 + 1, HOUR]) {
      for (let n = 0; n < 50; n++) {
        const keys = drawDecoy(random, request({ asOf: hour, sealed: hour, isLast: true }));
        expect(keys.length > 0 && keys.every((key) => releaseHour(key) <= hour)).toBe(true);
      }
    }
  });

  it('that must leave something for the next day have a key of the running one', ({ expect }) => {
    const random = seeded(19);
    for (let n = 0; n < 100; n++) {
      const starts = drawDecoy(random, request({ leavesRest: true })).map((key) => key.rollingStartIntervalNumber);
      expect(starts).toContain(TODAY * INTERVALS_PER_DAY);
    }
  });
});
