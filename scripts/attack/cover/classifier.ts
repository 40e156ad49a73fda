/**
 * @module Two classifiers of XGBoost (mljs/xgboost, compiled to WebAssembly) over a phone's features: boosted trees, and a
 * linear one; folds, so that no phone is judged by a model that saw it; the area under the curve with a bootstrap over phones.
 */
import { createRequire } from 'node:module';
import type { Seeded } from '../../support/seeded.ts';

const require = createRequire(import.meta.url);

const FOLDS = 5;
const BOOTSTRAPS = 400;

export interface Sample {
  readonly isTested: boolean;
  readonly features: readonly number[];
}

export interface Score {
  readonly auc: number;
  /** 95 % by bootstrap over phones. */
  readonly low: number;
  readonly high: number;
  /** Share of the tested among those phones, one of a hundred untested, that look most tested. */
  readonly foundAtOnePercent: number;
  readonly classifier: string;
}

interface Booster {
  train(rows: readonly (readonly number[])[], labels: readonly number[]): void;
  predict(rows: readonly (readonly number[])[]): number[];
  free(): void;
}
type BoosterClass = new (options: Readonly<Record<string, unknown>>) => Booster;

const MODELS = {
  'boosted trees': { booster: 'gbtree', max_depth: 3, eta: 0.1, min_child_weight: 5, subsample: 0.8, iterations: 80 },
  linear: { booster: 'gblinear', lambda: 1, alpha: 0, eta: 0.3, iterations: 60 },
} as const;

/** Columns to mean 0 and spread 1, which the linear model needs. */
function standardised(samples: readonly Sample[]): number[][] {
  const rows = samples.map(({ features }) => [...features]);
  for (let column = 0; column < (rows[0]?.length ?? 0); column++) {
    const values = rows.map((row) => row[column]!);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
    for (const row of rows) row[column] = (row[column]! - mean) / spread;
  }
  return rows;
}

/** @returns for each sample, what a model that saw other phones alone says. Neighbours are one tested and one not. */
function predictions(Library: BoosterClass, options: object, rows: readonly number[][], labels: readonly number[]) {
  const said = new Float64Array(rows.length);
  const foldOf = (n: number): number => Math.floor(n / 2) % FOLDS;
  for (let fold = 0; fold < FOLDS; fold++) {
    const training = rows.flatMap((_, n) => (foldOf(n) === fold ? [] : [n]));
    const booster = new Library({ objective: 'binary:logistic', silent: 1, seed: 1, ...options });
    booster.train(
      training.map((n) => rows[n]!),
      training.map((n) => labels[n]!),
    );
    const held = rows.flatMap((_, n) => (foldOf(n) === fold ? [n] : []));
    for (const [n, value] of booster.predict(held.map((at) => rows[at]!)).entries()) said[held[n]!] = value;
    booster.free();
  }
  return said;
}

/** The chance that a tested phone is given a higher score than another; ties count half. @param weights by sample */
function area(order: readonly number[], said: Float64Array, labels: readonly number[], weights: Float64Array): number {
  let [below, under, tested] = [0, 0, 0];
  for (let at = 0; at < order.length;) {
    let [ties, tiesTested] = [0, 0];
    const value = said[order[at]!]!;
    for (; at < order.length && said[order[at]!] === value; at++) {
      const n = order[at]!;
      if (labels[n] === 1) tiesTested += weights[n]!;
      else ties += weights[n]!;
    }
    under += tiesTested * (below + ties / 2);
    below += ties;
    tested += tiesTested;
  }
  return under / (tested * below);
}

function shareAbove(said: Float64Array, labels: readonly number[]): number {
  const of = (label: number): number[] => [...said].filter((_, n) => labels[n] === label);
  const [untested, tested] = [of(0).toSorted((a, b) => b - a), of(1)];
  const bound = untested[Math.floor(untested.length / 100)] ?? 0;
  return tested.filter((value) => value > bound).length / tested.length;
}

/**
 * @param samples one tested and one untested phone in turn
 * @param random for the bootstrap
 * @returns the better of two classifiers
 */
export async function bestScore(samples: readonly Sample[], random: Seeded): Promise<Score> {
  // What it exports is a promise, which `import` would mistake.
  const Library = await (require('ml-xgboost') as PromiseLike<BoosterClass>);
  const labels = samples.map(({ isTested }) => (isTested ? 1 : 0));
  const rows = standardised(samples);
  const scores = Object.entries(MODELS).map(([classifier, options]): Score => {
    const said = predictions(Library, options, rows, labels);
    const order = rows.map((_, n) => n).toSorted((a, b) => said[a]! - said[b]!);
    const auc = area(order, said, labels, new Float64Array(rows.length).fill(1));
    const drawn = Array.from({ length: BOOTSTRAPS }, () => {
      const weights = new Float64Array(rows.length);
      for (let n = 0; n < rows.length; n++) {
        const drawnAt = Math.floor(random.unit() * rows.length);
        weights[drawnAt] = weights[drawnAt]! + 1;
      }
      return area(order, said, labels, weights);
    }).toSorted((a, b) => a - b);
    return {
      auc,
      low: drawn[Math.floor(BOOTSTRAPS * 0.025)]!,
      high: drawn[Math.ceil(BOOTSTRAPS * 0.975) - 1]!,
      foundAtOnePercent: shareAbove(said, labels),
      classifier,
    };
  });
  return scores.reduce((best, score) => (score.auc > best.auc ? score : best));
}
