/**
 * @module Two classifiers of XGBoost (mljs/xgboost, compiled to WebAssembly): boosted trees, and a linear one over cells; folds by
 * chunk, so that no chunk is judged by a model that saw it; the area under the curve with a bootstrap over chunks.
 */
import { createRequire } from 'node:module';
import type { PaddedChunk } from './deployment.ts';
import type { Seeded } from '../../support/seeded.ts';

const require = createRequire(import.meta.url);

const FOLDS = 5;
const BOOTSTRAPS = 200;
/** Rows a model is trained with: the library hands them over on its stack of 5 MB. */
const MOST_TRAINING_ROWS = 8000;

interface Sample {
  readonly chunk: number;
  readonly hourOfDay: number;
  readonly real: 0 | 1;
  readonly features: readonly number[];
  readonly cells: readonly number[];
}

export interface Score {
  readonly auc: number;
  /** 95 % by bootstrap over chunks. */
  readonly low: number;
  readonly high: number;
  readonly realKeys: number;
  readonly decoyKeys: number;
  readonly classifier: string;
}

const AGES = 18;
const LEVELS = 6;

/** One sample a key: what an observer of the chunk sees of it and around it. */
function samplesOf(chunks: readonly PaddedChunk[]): Sample[] {
  return chunks.flatMap(({ hour, rows }, chunk) => {
    const today = Math.floor(hour / 24);
    const ageOf = (start: number): number => Math.min(AGES - 1, today - Math.floor(start / 144));
    const counts = new Map<number, number>();
    const days = new Map<number, number>();
    for (const { start, level } of rows) {
      const cell = ageOf(start) * 10 + level;
      counts.set(cell, (counts.get(cell) ?? 0) + 1);
      days.set(ageOf(start), (days.get(ageOf(start)) ?? 0) + 1);
    }
    return rows.map(({ start, period, level, decoy }): Sample => {
      const age = ageOf(start);
      const around = (older: number, higher: number) => counts.get((age + older) * 10 + level + higher) ?? 0;
      const cells = Array<number>(AGES * LEVELS).fill(0);
      cells[age * LEVELS + level - 3] = 1;
      return {
        chunk,
        hourOfDay: hour % 24,
        real: decoy ? 0 : 1,
        features: [
          age,
          level,
          hour % 24,
          start % 144,
          period,
          around(0, 0),
          around(1, 0) + around(1, 1) + around(1, -1),
          around(-1, 0) + around(-1, 1) + around(-1, -1),
          days.get(age)!,
          days.get(1) ?? 0,
          days.get(0) ?? 0,
          rows.length,
        ],
        cells,
      };
    });
  });
}

interface Booster {
  train(rows: readonly (readonly number[])[], labels: readonly number[]): void;
  predict(rows: readonly (readonly number[])[]): number[];
  free(): void;
}
type BoosterClass = new (options: Readonly<Record<string, unknown>>) => Booster;

const MODELS = {
  'boosted trees': {
    rowOf: (sample: Sample) => sample.features,
    options: { booster: 'gbtree', max_depth: 4, eta: 0.1, min_child_weight: 8, subsample: 0.8, iterations: 60 },
  },
  'linear over cells': {
    rowOf: (sample: Sample) => sample.cells,
    options: { booster: 'gblinear', lambda: 2, alpha: 0, eta: 0.3, iterations: 40 },
  },
} as const;

/** @returns for each sample, what a model that saw other chunks alone says */
function predictions(
  Library: BoosterClass,
  model: (typeof MODELS)[keyof typeof MODELS],
  samples: readonly Sample[],
  random: Seeded,
): Float64Array {
  const said = new Float64Array(samples.length);
  for (let fold = 0; fold < FOLDS; fold++) {
    const training = matched(
      samples.filter(({ chunk }) => chunk % FOLDS !== fold),
      random,
    );
    const booster = new Library({ objective: 'binary:logistic', silent: 1, seed: 1, ...model.options });
    booster.train(
      training.map(model.rowOf),
      training.map(({ real }) => real),
    );
    const held = samples.flatMap((sample, n) => (sample.chunk % FOLDS === fold ? [n] : []));
    const values = booster.predict(held.map((n) => model.rowOf(samples[n]!)));
    for (const [n, at] of held.entries()) said[at] = values[n]!;
    booster.free();
  }
  return said;
}

/** In each chunk as many decoys as real keys, and no more rows in all than the library takes. */
function matched(samples: readonly Sample[], random: Seeded): Sample[] {
  const people = samples.filter((sample) => sample.real === 1);
  const share = Math.min(1, MOST_TRAINING_ROWS / 2 / people.length);
  const [reals, decoys] = [countsOf(people), countsOf(samples.filter((sample) => sample.real === 0))];
  return samples.filter(({ chunk, real }) => {
    const kept = real === 1 ? 1 : (reals.get(chunk) ?? 0) / decoys.get(chunk)!;
    return random.unit() < share * kept;
  });
}

function countsOf(samples: readonly Sample[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { chunk } of samples) counts.set(chunk, (counts.get(chunk) ?? 0) + 1);
  return counts;
}

/**
 * The chance that a real key is given a higher score than a decoy. The decoys of a chunk weigh as much as its real keys: how
 * many of a chunk are real is no property of a decoy.
 *
 * @param order of the samples, by what was said of them @param weights by chunk
 */
function area(
  samples: readonly Sample[],
  order: readonly number[],
  said: Float64Array,
  balance: Float64Array,
  weights: Float64Array,
): number {
  let [below, under, real] = [0, 0, 0];
  for (let at = 0; at < order.length;) {
    let [ties, tiesReal] = [0, 0];
    const value = said[order[at]!]!;
    for (; at < order.length && said[order[at]!] === value; at++) {
      const { real: label, chunk } = samples[order[at]!]!;
      if (label === 1) tiesReal += weights[chunk]!;
      else ties += weights[chunk]! * balance[chunk]!;
    }
    under += tiesReal * (below + ties / 2);
    below += ties;
    real += tiesReal;
  }
  return under / (real * below);
}

/**
 * @param chunks padded chunks of one kind of people
 * @param hours which hours of the day are judged; models are trained on all
 * @returns the better of two classifiers
 */
export async function bestScore(
  chunks: readonly PaddedChunk[],
  random: Seeded,
  hours: readonly (readonly [name: string, from: number, to: number])[],
): Promise<Map<string, Score>> {
  // What it exports is a promise, which `import` would mistake. It says on the error stream that it can't stream its
  // WebAssembly, and reads it as a file.
  const Library = await (require('ml-xgboost') as PromiseLike<BoosterClass>);
  const samples = samplesOf(chunks);
  const best = new Map<string, Score>();
  const [reals, decoys] = [1, 0].map((label) => countsOf(samples.filter(({ real }) => real === label)));
  const balance = Float64Array.from(chunks, (_, chunk) => (reals!.get(chunk) ?? 0) / decoys!.get(chunk)!);
  for (const [classifier, model] of Object.entries(MODELS)) {
    const said = predictions(Library, model, samples, random);
    for (const [name, from, to] of hours) {
      const judged = samples.flatMap(({ hourOfDay }, n) => (hourOfDay >= from && hourOfDay <= to ? [n] : []));
      const order = judged.toSorted((a, b) => said[a]! - said[b]!);
      const auc = area(samples, order, said, balance, new Float64Array(chunks.length).fill(1));
      if ((best.get(name)?.auc ?? 0) >= auc) continue;
      const drawn = Array.from({ length: BOOTSTRAPS }, () => {
        const weights = new Float64Array(chunks.length);
        for (let n = 0; n < chunks.length; n++) {
          const chunk = Math.floor(random.unit() * chunks.length);
          weights[chunk] = weights[chunk]! + 1;
        }
        return area(samples, order, said, balance, weights);
      }).toSorted((a, b) => a - b);
      const realKeys = judged.filter((n) => samples[n]!.real === 1).length;
      best.set(name, {
        auc,
        low: drawn[Math.floor(BOOTSTRAPS * 0.025)]!,
        high: drawn[Math.ceil(BOOTSTRAPS * 0.975) - 1]!,
        realKeys,
        decoyKeys: judged.length - realKeys,
        classifier,
      });
    }
  }
  return best;
}
