/**
 * @module How a simulated backend fills a set: as a whole when it has waited as long as it may, then each part, then what is set aside, in the order and by the rules of the real one
 * (durable-objects/submission-buffer/freeze-ops.ts).
 */
import { DEFAULT_CHUNK_POLICY, holdsMinima } from '../../domain/chunk-policy.ts';
import { planDecoys, type PlannedDecoy } from '../../domain/decoy-plan.ts';
import { drawDecoy } from '../../domain/decoys.ts';
import { wantedKeys } from '../../domain/publication/part-size.ts';
import { below, type RandomBytes } from '../../domain/random.ts';
import type { Received } from '../../domain/received.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import type { Row, SetOfRows } from './set-of-rows.ts';

interface Filling {
  readonly hour: number;
  /** It had waited as long as it may. */
  readonly padded: boolean;
  readonly random: RandomBytes;
  readonly received: Received;
  /** @returns whether a key waits for a later hour */
  readonly nextWaits: () => boolean;
  /** Stores a decoy. @returns those of its rows that are in the set */
  readonly store: (keys: readonly TemporaryExposureKey[], about: Row['about'], earliest: number) => readonly Row[];
}

const { minKeys, minUploads, reserveUploads, retentionDays } = DEFAULT_CHUNK_POLICY;
const POLICY = DEFAULT_CHUNK_POLICY;

/** @param set is filled; has a row */
export function fillSet(set: SetOfRows, filling: Filling): void {
  const first = Math.min(...set.rows.map(({ release }) => release));
  if (filling.padded) fillWhole(set, filling, first);
  fillParts(set, filling, first);
  setAside(set, filling, first);
}

function planner(set: SetOfRows, { hour, received }: Filling, first: number, missing: number) {
  return planDecoys(received, { first, hour, ...set.waiting(), missing });
}

function add(set: SetOfRows, { hour, random, received, store }: Filling, planned: PlannedDecoy, like: Row): void {
  const keys = drawDecoy(random, { ...planned, sealed: hour, retentionDays, received });
  set.add(store(keys, like.about, planned.asOf));
}

/** @returns rows of people, or of decoys where only such wait */
function likes(rows: readonly Row[]): readonly Row[] {
  const real = rows.filter(({ synthetic }) => !synthetic);
  return real.length > 0 ? real : rows;
}

function fillWhole(set: SetOfRows, filling: Filling, first: number): void {
  const plan = planner(set, filling, first, minKeys - set.count().keys);
  // By the number of keys, as each row is one.
  const candidates = [...likes(set.rows)];
  const one = (): Row => candidates[below(filling.random, candidates.length)]!;
  while (!holdsMinima(POLICY, { region: '', ...set.count() })) add(set, filling, plan(filling.random), one());
  if (!filling.nextWaits()) add(set, filling, { asOf: filling.hour, rest: false, leavesRest: true }, one());
}

function fillParts(set: SetOfRows, filling: Filling, first: number): void {
  const counts = [...set.parts().keys()].map((part) => ({ part, ...set.count(part) }));
  const wanted = wantedKeys(minKeys, counts, filling.padded);
  const lacks = (part: string): boolean => {
    const count = set.count(part);
    return count.keys < wanted(part) || count.uploads < minUploads;
  };
  for (const { part, keys } of counts) {
    if (!lacks(part)) continue;
    const labels = distinct(likes([...set.parts().get(part)!]));
    const plan = planner(set, filling, first, Math.max(0, wanted(part) - keys));
    while (lacks(part)) add(set, filling, plan(filling.random), labels[below(filling.random, labels.length)]!);
  }
}

function setAside(set: SetOfRows, filling: Filling, first: number): void {
  const plan = planner(set, filling, first, 0);
  for (const rows of set.parts().values()) {
    const labels = distinct(likes(rows));
    for (let n = 0; n < reserveUploads; n++) {
      add(set, filling, plan(filling.random), labels[below(filling.random, labels.length)]!);
    }
  }
}

/** @returns one row of each provenance */
function distinct(rows: readonly Row[]): readonly Row[] {
  return [
    ...new Map(rows.map((row) => [`${row.about.consentToFederation} ${row.about.regions.join()}`, row])).values(),
  ];
}
