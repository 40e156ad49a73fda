import { describe, it } from 'vitest';
import { INTERVALS_PER_DAY, hourStart } from '../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import { DECOY_PROFILE, drawDecoyUpload, type RandomBytes } from './decoys.ts';
import { publishedForm } from './embargo.ts';
import { publishableKeys } from './keys/validate.ts';

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

/** A real upload: what CWA's apps send for the answers of the profile, through the rules of `domain/keys`. */
function realUpload(random: RandomBytes): TemporaryExposureKey[] {
  const total = DECOY_PROFILE.onset.reduce((sum, { weight }) => sum + weight, 0);
  let at = pick(random, total);
  const answer = DECOY_PROFILE.onset.find(({ weight }) => (at -= weight) < 0)!;
  const onset = answer.from + pick(random, answer.to - answer.from + 1);
  const days = pick(random, 100) < DECOY_PROFILE.fullHistoryPercent ? 14 : 1 + pick(random, 13);
  const withToday = pick(random, 100) < DECOY_PROFILE.runningDayPercent;
  const keys = Array.from({ length: days }, (_, i) => {
    const age = i + (withToday ? 0 : 1);
    return {
      keyData: random(16),
      rollingStartIntervalNumber: (TODAY - age) * INTERVALS_PER_DAY,
      // The running day's key is cut at the time of the upload.
      rollingPeriod: age === 0 ? 1 + (HOUR % 24) * 6 : INTERVALS_PER_DAY,
      transmissionRiskLevel: null,
      daysSinceOnsetOfSymptoms: onset - age,
    };
  });
  return publishableKeys(keys, hourStart(HOUR)).keys.map(publishedForm);
}

/** A bad decoy: random fields, one key a day, as a padding that clones fields at random would make. */
function badUpload(random: RandomBytes): TemporaryExposureKey[] {
  return drawDecoyUpload(random, HOUR, 14).map((key) => ({ ...key, transmissionRiskLevel: 3 + pick(random, 6) }));
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
function separated(draw: (random: RandomBytes) => TemporaryExposureKey[], trials: number): Record<string, number> {
  const random = seeded(20_260_615);
  const hits: Record<string, number> = {};
  for (let trial = 0; trial < trials; trial++) {
    const [real, other] = [sample(realUpload, random), sample(draw, random)];
    for (const [name, feature] of Object.entries(FEATURES)) {
      hits[name] = (hits[name] ?? 0) + (chiSquareP(feature(real), feature(other)) < 0.01 ? 1 / trials : 0);
    }
  }
  return hits;
}

describe('decoys', () => {
  it('have the shape of a real upload: consecutive days, one onset vector, published form', ({ expect }) => {
    const random = seeded(7);
    for (let n = 0; n < 500; n++) {
      const keys = drawDecoyUpload(random, HOUR, 14);
      const days = keys.map((key) => key.rollingStartIntervalNumber / INTERVALS_PER_DAY);
      expect(keys.length).toBeGreaterThan(0);
      expect(keys.length).toBeLessThanOrEqual(14);
      expect(new Set(days).size).toBe(keys.length);
      for (const key of keys) {
        expect(key.rollingPeriod).toBe(INTERVALS_PER_DAY);
        expect(key.transmissionRiskLevel).toBeGreaterThanOrEqual(3);
      }
      expect(Math.max(...days)).toBeLessThanOrEqual(TODAY);
      expect(Math.min(...days)).toBeGreaterThanOrEqual(TODAY - 14);
    }
  });

  it("can't be told from real uploads by a chi-square test at 140 keys", ({ expect }) => {
    const trials = 400;
    const decoys = separated((random) => drawDecoyUpload(random, HOUR, 14), trials);
    // Keys of one person hang together, so the test finds differences between real and real too: that is the measure.
    const real = separated(realUpload, trials);
    for (const name of Object.keys(FEATURES)) {
      expect(decoys[name], name).toBeLessThanOrEqual(real[name]! + 0.05);
    }
  });

  it('that draw their fields at random are found by the same test', ({ expect }) => {
    const bad = separated(badUpload, 100);
    const real = separated(realUpload, 100);
    expect(bad['risk level']! - real['risk level']!).toBeGreaterThan(0.2);
    expect(bad['pairs of consecutive days']! - real['pairs of consecutive days']!).toBeGreaterThan(0.5);
  });
});
