/**
 * @module How a set that waited too long is filled with decoys (docs/architecture.md §5.3; docs/decoy-profile.md). Runs inside the
 * transaction that fixes the set, so that they are drawn once; a crash before it leaves none.
 */
import { holdsMinima, type RegionCount } from '../../domain/chunk-policy.ts';
import { planDecoys, type PlannedDecoy } from '../../domain/decoy-plan.ts';
import { drawDecoy } from '../../domain/decoys.ts';
import { releaseHour } from '../../domain/embargo.ts';
import { weighted, type RandomBytes } from '../../domain/random.ts';
import { hourEnd } from '../../protocol/gaen/intervals.ts';
import { provenanceId, rememberKeys, storeKeys } from './accept-ops.ts';
import type { BufferConfig } from './config.ts';
import { readCounts } from './received-ops.ts';

/** Whose place a decoy takes: everything but the keys is drawn from what waits, regions and consent too. */
interface Waiting extends Record<string, SqlStorageValue> {
  regions: string;
  consent: number;
  origin: string;
  synthetic: number;
  keys: number;
}

/**
 * Adds decoys, one upload at a time, until both minima hold in each published region that has a key; and one more where
 * none leaves a key for the next day.
 *
 * @param first release hour of the key that waits longest
 * @param hour the hour that is sealed
 * @param counts counts the regions anew
 */
export function addDecoys(
  sql: SqlStorage,
  config: BufferConfig,
  random: RandomBytes,
  { first, hour }: { readonly first: number; readonly hour: number },
  counts: () => readonly RegionCount[],
): void {
  const lackingRegion = () => counts().find((region) => !holdsMinima(config.policy, region));
  const received = readCounts(sql, random, hourEnd(hour));
  const waiting = readWaiting(sql, first, hour);
  const plan = planDecoys(received, {
    first,
    hour,
    ...hoursOfWaiting(sql, config, first, hour),
    missing: Math.max(...counts().map(({ keys }) => (keys === 0 ? 0 : config.policy.minKeys - keys))),
  });
  const add = (region: string, planned: PlannedDecoy): void => {
    const like = likeOf(waiting, region, config, random);
    const keys = drawDecoy(random, { ...planned, sealed: hour, retentionDays: config.policy.retentionDays, received });
    const regions = like.regions.split(',');
    const provenance = provenanceId(sql, {
      regions,
      consentToFederation: like.consent === 1,
      origin: like.origin,
      synthetic: true,
    });
    const fresh = keys.map((key) => ({ key, release: releaseHour(key) }));
    const upload = { regions, codeBatchId: null };
    storeKeys(sql, config, fresh, { earliest: planned.asOf, provenance, upload, synthetic: true });
    // Known like any key: what becomes of a published key that somebody uploads again doesn't tell what it was.
    rememberKeys(sql, config, keys);
  };
  for (let region = lackingRegion(); region !== undefined; region = lackingRegion()) add(region.region, plan(random));
  const next = sql.exec('SELECT 1 FROM release_counter WHERE release_hour > ? LIMIT 1', hour).toArray();
  // The chain of days never breaks: a padded hour a day says nothing of when the last case was.
  if (next.length === 0) add(config.unionRegion, { asOf: hour, rest: false, leavesRest: true });
}

function readWaiting(sql: SqlStorage, first: number, hour: number): Waiting[] {
  return sql
    .exec<Waiting>(
      `SELECT p.regions AS regions, p.consent AS consent, p.origin AS origin, p.synthetic AS synthetic, count(*) AS keys
       FROM diagnosis_key k JOIN provenance p ON p.id = k.provenance
       WHERE k.release_hour BETWEEN ? AND ? GROUP BY p.id ORDER BY p.regions, p.consent, p.origin, p.synthetic`,
      first,
      hour,
    )
    .toArray();
}

/** @returns real uploads by the hour they came in, and how many keys of decoys wait */
function hoursOfWaiting(
  sql: SqlStorage,
  config: BufferConfig,
  first: number,
  hour: number,
): { uploads: Map<number, number>; decoyRests: number } {
  const rows = sql
    .exec<{ hour: number; uploads: number; decoys: number }>(
      `SELECT release_hour AS hour, first_uploads - synthetic_first_uploads AS uploads, synthetic_keys AS decoys
       FROM release_counter WHERE region = ? AND release_hour BETWEEN ? AND ?`,
      config.unionRegion,
      first,
      hour,
    )
    .toArray();
  return {
    uploads: new Map(rows.map((row) => [row.hour, row.uploads])),
    decoyRests: rows.reduce((sum, { decoys }) => sum + decoys, 0),
  };
}

/** @returns what a decoy for a region resembles: a real key that waits there, or a decoy's where only such wait */
function likeOf(waiting: readonly Waiting[], region: string, config: BufferConfig, random: RandomBytes): Waiting {
  const there = waiting.filter(({ regions }) => region === config.unionRegion || regions.split(',').includes(region));
  const real = there.filter(({ synthetic }) => synthetic === 0);
  const candidates = real.length > 0 ? real : there;
  return candidates[
    weighted(
      random,
      candidates.map(({ keys }) => keys),
    )
  ]!;
}
