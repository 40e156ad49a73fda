/**
 * @module How a set that waited too long is filled with decoys (docs/architecture.md §5.3; docs/decoy-profile.md). Runs inside the
 * transaction that fixes the set, so that they are drawn once; a crash before it leaves none. Decoys are rows like any
 * other, so they are known like any key: by their row while it waits, then by the lasting hash of the whole set
 * (forget-ops.ts). What becomes of a published key that somebody uploads again doesn't tell what it was.
 */
import { holdsMinima, type RegionCount } from '../../domain/chunk-policy.ts';
import { planDecoys, type PlannedDecoy } from '../../domain/decoy-plan.ts';
import { drawDecoy } from '../../domain/decoys.ts';
import { releaseHour } from '../../domain/embargo.ts';
import { weighted, type RandomBytes } from '../../domain/random.ts';
import type { Received } from '../../domain/received.ts';
import type { AcceptedUpload } from '../../domain/rpc.ts';
import { hourEnd } from '../../protocol/gaen/intervals.ts';
import { WITHDRAWAL_HASH_BYTES } from '../../protocol/withdrawal.ts';
import { pause } from '../pace.ts';
import { lastingHash, storeKeys } from './accept-ops.ts';
import type { BufferConfig } from './config.ts';
import type { Ciphers } from './hour-keys.ts';
import { readCounts } from './received-ops.ts';
import { LABEL_OFFSET, STORED_ROW_BYTES, readLabel } from './row-cipher.ts';
import { labelsOf, type RowLabel } from './row-labels.ts';
import { UploadTally } from './upload-tally.ts';
import { readWaiting, waitingHours } from './waiting-rows.ts';

/** Whose place a decoy may take: everything but the keys is drawn from what waits, regions, consent and issue id too. */
export interface WaitingLike {
  readonly like: Like;
  readonly keys: number;
}

type Like = Omit<RowLabel, 'provenanceId'>;

/** @returns how many local keys wait of which provenance and id, in an order that only they decide */
export async function waitingLikes(
  sql: SqlStorage,
  { homeCountry }: Pick<BufferConfig, 'homeCountry'>,
  ciphers: Ciphers,
  first: number,
  hour: number,
): Promise<WaitingLike[]> {
  const found = new Map<string, { like: Like; keys: number }>();
  for (const waiting of waitingHours(sql, first, hour)) {
    const labels = labelsOf(sql, ciphers, waiting);
    for (let after: Uint8Array | null = null; ;) {
      const { rows, last } = readWaiting(sql, ciphers, waiting, after);
      if (last === null) break;
      for (let row = LABEL_OFFSET; row < rows.length; row += STORED_ROW_BYTES) {
        const label = labels.get(readLabel(rows, row));
        // A decoy that looks like a peer's key would be none: the peer's feed hasn't it.
        if (label === undefined || label.origin !== homeCountry) continue;
        const { regions, consentToFederation, origin, synthetic, issueId } = label;
        const name = JSON.stringify([regions, consentToFederation, origin, synthetic, issueId]);
        const one = found.get(name) ?? { like: { regions, consentToFederation, origin, synthetic, issueId }, keys: 0 };
        one.keys += 1;
        found.set(name, one);
      }
      after = last;
      await pause();
    }
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

/**
 * Adds decoys, one upload at a time, until both minima hold in each published region that has a key; and one more where
 * nothing is left for the next day, unless the deployment is to end: else it never would.
 *
 * @param ciphers ready for the hour
 * @param set.first release hour of the key that waits longest
 * @param set.hour the hour that is sealed
 * @param set.waiting from {@link waitingLikes}
 * @param set.isLast the deployment is stopped: nothing may be left for a later hour
 * @param counts counts the regions anew
 */
export function addDecoys(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  random: RandomBytes,
  {
    first,
    hour,
    waiting,
    isLast,
  }: {
    readonly first: number;
    readonly hour: number;
    readonly waiting: readonly WaitingLike[];
    readonly isLast: boolean;
  },
  counts: () => readonly RegionCount[],
): void {
  const lackingRegion = () => counts().find((region) => !holdsMinima(config.policy, region));
  const received = readCounts(sql, ciphers, random, hourEnd(hour));
  const plan = planDecoys(received, {
    first,
    hour,
    ...hoursOfWaiting(sql, config, first, hour),
    missing: Math.max(...counts().map(({ keys }) => (keys === 0 ? 0 : config.policy.minKeys - keys))),
    isLast,
  });
  const add = (region: string, planned: PlannedDecoy): void => {
    const { regions, consentToFederation, origin, issueId } = likeOf(waiting, region, config, random);
    const upload = { regions, consentToFederation, origin, issueId };
    storeDecoy(sql, config, ciphers, random, hour, received, planned, { upload });
  };
  for (let region = lackingRegion(); region !== undefined; region = lackingRegion()) add(region.region, plan(random));
  if (isLast) return;
  // Of local keys alone, which came with uploads.
  const next = sql
    .exec('SELECT 1 FROM release_counter WHERE release_hour > ? AND any_uploads > 0 LIMIT 1', hour)
    .toArray();
  // The chain of days never breaks: a padded hour a day says nothing of when the last case was.
  if (next.length === 0) add(config.unionRegion, { asOf: hour, rest: false, leavesRest: true });
}

/** Draws a decoy and stores it as of its hour; runs inside a transaction. @returns how many keys it has */
export function storeDecoy(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  random: RandomBytes,
  hour: number,
  received: Received,
  planned: PlannedDecoy,
  about: { readonly upload: Omit<AcceptedUpload, 'keys'>; readonly reserve?: true },
): number {
  const keys = drawDecoy(random, { ...planned, sealed: hour, retentionDays: config.policy.retentionDays, received });
  const fresh = keys.map((key) => ({
    key,
    release: releaseHour(key),
    hash: lastingHash(config, key.keyData),
    withdrawalHash: random(WITHDRAWAL_HASH_BYTES),
  }));
  const tally = new UploadTally(sql);
  storeKeys(sql, config, ciphers, tally, fresh, { earliest: planned.asOf, synthetic: true, ...about });
  // At once: whether another is needed is read from the counts.
  tally.end();
  return fresh.length;
}

/** @returns real uploads by the hour they came in, and how many keys of decoys wait */
export function hoursOfWaiting(
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
function likeOf(waiting: readonly WaitingLike[], region: string, config: BufferConfig, random: RandomBytes): Like {
  const there = waiting.filter(({ like }) => region === config.unionRegion || like.regions.includes(region));
  const real = there.filter(({ like }) => !like.synthetic);
  const candidates = real.length > 0 ? real : there;
  const weights = candidates.map(({ keys }) => keys);
  return candidates[weighted(random, weights)]!.like;
}
