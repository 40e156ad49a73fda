/**
 * @module `check`: the account beside the stage's file, resource by resource and Worker by Worker, and a probe that a person can read. Changes nothing and takes no lock; it says who has it,
 * and what an apply left that was cut off.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Difference } from '../resources/resource.ts';
import { configurationFile, isEdited } from '../wrangler/configuration.ts';
import { differenceOf, lookAtWorkers, type WorkerPlan, workerFolder } from '../wrangler/workers.ts';
import { type Journal, readJournal } from './journal.ts';
import { type LockNote, readLock } from './lock.ts';
import { planResources } from './plan-resources.ts';
import { probe, type Probed } from './probe.ts';
import { readReleases } from './release-file.ts';
import type { Rollout } from './rollout.ts';

/** What `check` found. */
export interface CheckReport {
  /** What differs from the file; empty: nothing. What is kept isn't in it. */
  readonly drift: readonly Difference[];
  /** In the account, near ours and not ours. */
  readonly foreign: readonly Difference[];
  /** Workers whose version with the traffic no release of this machine knows, though an apply made it. */
  readonly unknown: readonly string[];
  /** Generated files that somebody edited. */
  readonly edited: readonly string[];
  readonly lock: LockNote | null;
  /** Of a run that was cut off; null: none. */
  readonly journal: Journal | null;
  readonly probed: readonly Probed[];
}

/**
 * @param rollout see {@link Rollout}
 * @returns what it found
 * @throws as planResources and lookAtWorkers
 */
export async function check(rollout: Rollout): Promise<CheckReport> {
  const before = await planResources(rollout, 'before-workers');
  const plans = await lookAtWorkers(rollout);
  const after = await planResources(rollout, 'after-workers');
  const all = [...before, ...plans.map(differenceOf), ...after];
  const isOurs = ({ foreign }: Difference): boolean => foreign !== true;
  return {
    drift: all.filter((difference) => isOurs(difference) && difference.action !== 'keep'),
    foreign: all.filter((difference) => !isOurs(difference)),
    unknown: unknownVersions(rollout, plans),
    edited: plans
      .map(({ worker }) => configurationFile(workerFolder(rollout, worker)))
      .filter((file) => existsSync(file) && isEdited(readFileSync(file, 'utf8'))),
    lock: await readLock(rollout),
    journal: readJournal(rollout.places),
    probed: await probe(rollout),
  };
}

/** @returns whether nothing is to be done and every probe is right */
export const isFine = ({ drift, probed, journal }: CheckReport): boolean =>
  drift.length === 0 && journal === null && probed.every(({ right }) => right);

function unknownVersions(rollout: Rollout, plans: readonly WorkerPlan[]): string[] {
  const ours = new Set(
    readReleases(rollout.places).flatMap(({ workers }) =>
      Object.values(workers).flatMap(({ before, after }) => [before?.versionId, after?.versionId]),
    ),
  );
  return plans.flatMap(({ script, found }) => {
    const id = found?.active?.id;
    return id === undefined || ours.has(id) ? [] : [`${script}: version ${id}`];
  });
}
