/**
 * @module Can a decoy be told from a person's key? Deployments of five kinds of people are simulated hour by hour with the rules
 * that stand, and two classifiers learn from labelled chunks which keys of other chunks are real. Bound: the upper end of the
 * area under the curve's 95 %, 0.55, over all hours and for each part of the day.
 */
import { BASE_UPLOADS } from '../../domain/received.ts';
import type { Attack, Verdict } from './attack.ts';
import { bestScore, type Score } from './decoys/classifier.ts';
import { deploy, type PaddedChunk } from './decoys/deployment.ts';
import { currentDecoys, formerDecoys } from './decoys/fillers.ts';
import { POPULATIONS, type Population } from './decoys/populations.ts';
import { Seeded } from '../support/seeded.ts';

const MOST = 0.55;
/** What the former decoys must still score, in their worst part of the day. */
const FORMER = 0.6;
/** What the profile alone is held to, before a deployment knows its people. */
const BEFORE = 0.6;
const MIN_KEYS = 2000;
const PARTS = [
  ['all hours', 0, 23],
  ['sealed 00–05', 0, 5],
  ['sealed 06–11', 6, 11],
  ['sealed 12–17', 12, 17],
  ['sealed 18–23', 18, 23],
] as const;
const ALL = PARTS[0][0];

export interface DecoysOptions {
  readonly populations: readonly Population[];
  /** Padded chunks of each kind of people. */
  readonly chunks: number;
  /** Uploads a day. */
  readonly perDay: number;
  /** Real keys and decoys that a judgement over all hours stands on, at least. */
  readonly minKeys: number;
  readonly progress: (text: string) => void;
}

const shown = ({ auc, low, high, realKeys, decoyKeys, classifier }: Score): string =>
  `AUC ${auc.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)}), ${realKeys} real keys and ${decoyKeys} decoys, ${classifier}`;

/**
 * @param seed same seed, same deployments
 * @returns verdicts: each kind of people by part of the day, the first weeks, and the fault put there on purpose
 */
export async function decoys(
  seed: number,
  { populations, chunks, perDay, minKeys, progress }: DecoysOptions,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const [n, population] of populations.entries()) {
    progress(`decoys: ${population.name}`);
    const random = new Seeded(seed * 100 + n);
    // Enough people for the counts to be used, then chunks.
    const known = deploy(population, currentDecoys(random), random, { perDay, chunks, warmUp: BASE_UPLOADS + 10 });
    const scores = await bestScore(known, random, PARTS);
    for (const [part] of PARTS) {
      const score = scores.get(part)!;
      const enough = part !== ALL || Math.min(score.realKeys, score.decoyKeys) >= minKeys;
      verdicts.push({
        what: `${population.name}, ${part}`,
        figure: shown(score),
        bound: `upper end ≤ ${MOST}${part === ALL ? `, ≥ ${minKeys} keys a side` : ''}`,
        holds: score.high <= MOST && enough,
      });
    }
    const before: PaddedChunk[] = [];
    while (before.length < chunks / 5) {
      before.push(...deploy(population, currentDecoys(random), random, { perDay, chunks: 25, warmUp: 0 }));
    }
    const early = (await bestScore(before, random, [PARTS[0]])).get(ALL)!;
    verdicts.push({
      what: `${population.name}, the first weeks of a deployment`,
      figure: shown(early),
      bound: `AUC ≤ ${BEFORE.toFixed(2)}`,
      holds: early.auc <= BEFORE,
    });
    const former = deploy(population, formerDecoys(random), random, {
      perDay,
      chunks: Math.round(chunks / 3),
      warmUp: 0,
    });
    const found = await bestScore(former, random, PARTS);
    const [part, worst] = [...found].reduce((a, b) => (b[1].auc > a[1].auc ? b : a));
    verdicts.push({
      what: `${population.name}, fault put there on purpose: the former decoys, ${part}`,
      figure: shown(worst),
      bound: `AUC ≥ ${FORMER.toFixed(2)}`,
      holds: worst.auc >= FORMER,
    });
  }
  return verdicts;
}

export const attack: Attack = {
  name: 'decoys',
  summary: 'two classifiers learn which keys of a padded chunk are decoys',
  run: ({ seed, progress }) =>
    decoys(seed, { populations: POPULATIONS, chunks: 1500, perDay: 4, minKeys: MIN_KEYS, progress }),
};
