/**
 * @module Parts of a set that peers tell apart (domain/publication/feeds.ts; decision 052): whoever has read a feed and subtracts it from the public chunk is left with a part, and each part
 * holds the minima of a chunk, or is empty. Where one lacks something, decoys like its own rows are added. Nothing waits for that: an hour is published for phones, and peers must not delay it.
 * In an hour that is padded anyway decoys have the same share in each part, so that which part a key is of tells nothing of whether it is one; up to a bound, since one key that stays beside a
 * hundred that travel would ask for thousands.
 *
 * Runs inside the transaction that fixes the set: a crash before it leaves no decoy, and after it they are drawn.
 */
import { holdsMinima, uploadsOfSet, type RegionCount } from '../../domain/chunk-policy.ts';
import { planDecoys } from '../../domain/decoy-plan.ts';
import { isCountedPart, partOf, countedAs } from '../../domain/publication/feeds.ts';
import { wantedKeys, type PartKeys } from '../../domain/publication/part-size.ts';
import { below, type RandomBytes } from '../../domain/random.ts';
import { hourEnd } from '../../protocol/gaen/intervals.ts';
import type { BufferConfig } from './config.ts';
import { hoursOfWaiting, storeDecoy } from './decoy-ops.ts';
import type { Ciphers } from './hour-keys.ts';
import { readCounts } from './received-ops.ts';
import { labelsOf, type RowLabel } from './row-labels.ts';
import { waitingHours } from './waiting-rows.ts';

interface CountedRow extends Record<string, SqlStorageValue> {
  region: string;
  keys: number;
  first_uploads: number;
  any_uploads: number;
  synthetic_keys: number;
}

/** A part of a set, by the feeds that have it. */
interface PartCount extends Omit<RegionCount, 'region'>, PartKeys {}

/**
 * @param first, hour release hours of the set, first and last
 * @returns the feeds that its keys may go into: none where rows wait that came before they were counted by part
 */
export function feedsOfSet(sql: SqlStorage, config: BufferConfig, first: number, hour: number): readonly string[] {
  if (config.feeds.length === 0) return [];
  const rows = counted(sql, first, hour);
  const sum = (some: readonly CountedRow[]): number => some.reduce((n, { keys }) => n + keys, 0);
  const known = sum(rows.filter(({ region }) => isCountedPart(region)));
  return known < sum(rows.filter(({ region }) => region === config.unionRegion)) ? [] : config.feeds;
}

/** @returns the parts of a set that have a key, by name; none without feeds */
export function partCounts(sql: SqlStorage, config: BufferConfig, first: number, hour: number): PartCount[] {
  const feeds = feedsOfSet(sql, config, first, hour);
  if (feeds.length === 0) return [];
  const groups = Map.groupBy(
    counted(sql, first, hour).filter(({ region }) => isCountedPart(region)),
    ({ region }) => partOf(region, feeds),
  );
  return [...groups]
    .flatMap(([part, rows]) => {
      const keys = rows.reduce((sum, row) => sum + row.keys, 0);
      const uploads = uploadsOfSet(rows.map((row) => ({ first: row.first_uploads, any: row.any_uploads })));
      return part === null || keys === 0
        ? []
        : [{ part, keys, uploads, real: keys - rows.reduce((sum, row) => sum + row.synthetic_keys, 0) }];
    })
    .toSorted((a, b) => (a.part < b.part ? -1 : 1));
}

/** @returns labels of a set's rows by part: of real keys, or of decoys where only such wait. A label stays when its rows were dropped */
export function labelsByPart(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  first: number,
  hour: number,
): Map<string, RowLabel[]> {
  const feeds = feedsOfSet(sql, config, first, hour);
  const all = waitingHours(sql, first, hour).flatMap((waiting) => [...labelsOf(sql, ciphers, waiting).values()]);
  const parts = new Map<string, RowLabel[]>();
  for (const [part, labels] of Map.groupBy(all, (label) => partOf(countedAs(label, config.homeCountry), feeds))) {
    const real = labels.filter(({ synthetic }) => !synthetic);
    if (part !== null) parts.set(part, real.length > 0 ? real : labels);
  }
  return parts;
}

/**
 * Adds decoys to each part that lacks a minimum, or in a padded set as large a share of them as others have.
 *
 * @param ciphers ready for the hour
 * @param set a set that is published whatever is added: release hour of the key that waits longest, and the hour that is sealed; whether it is among the last (decoy-ops.ts)
 */
export function fillParts(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  random: RandomBytes,
  {
    first,
    hour,
    padded,
    isLast,
  }: { readonly first: number; readonly hour: number; readonly padded: boolean; readonly isLast: boolean },
): void {
  const parts = partCounts(sql, config, first, hour);
  const wanted = wantedKeys(config.policy.minKeys, parts, padded);
  const lacks = (part: string): boolean => {
    const count = partCounts(sql, config, first, hour).find((one) => one.part === part)!;
    return count.keys < wanted(part) || !holdsMinima(config.policy, { region: part, ...count });
  };
  const lacking = parts.filter(({ part }) => lacks(part));
  if (lacking.length === 0) return;
  const labels = labelsByPart(sql, config, ciphers, first, hour);
  const received = readCounts(sql, ciphers, random, hourEnd(hour));
  for (const { part, keys } of lacking) {
    const likes = labels.get(part);
    // Rows whose label nobody can open are put aside, and published nowhere.
    if (likes === undefined) continue;
    const missing = Math.max(0, wanted(part) - keys);
    const plan = planDecoys(received, { first, hour, ...hoursOfWaiting(sql, config, first, hour), missing, isLast });
    while (lacks(part)) {
      const { regions, consentToFederation, origin, issueId } = likes[below(random, likes.length)]!;
      const upload = { regions, consentToFederation, origin, issueId };
      storeDecoy(sql, config, ciphers, random, hour, received, plan(random), { upload });
    }
  }
}

function counted(sql: SqlStorage, first: number, last: number): CountedRow[] {
  const query =
    'SELECT region, keys, first_uploads, any_uploads, synthetic_keys FROM release_counter WHERE release_hour BETWEEN ? AND ?';
  return sql.exec<CountedRow>(query, first, last).toArray();
}
